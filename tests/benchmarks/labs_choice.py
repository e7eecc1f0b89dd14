"""Which defaults to have: each lab is scored under the candidate that the other labs chose.

A candidate is a whole specification, made without the lab it is scored on. The criterion is the
mean over labs and splits of the logarithm of the CRPS, so that no lab counts for more because it
is harder to forecast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslaw.scoring.rivals import plain_bayes
from tests.benchmarks.labs_cards import (
    CLEAN,
    LADDERS,
    LARGEST,
    TENFOLD,
    Lengths,
    card,
    clean,
    declared,
    ladder,
    learned,
    scored_labs,
)

if TYPE_CHECKING:
    from bayeslaw.model import Spec
    from bayeslaw.runs import Runs

Candidate = Callable[[str], "Spec"]

# Each lab is cut down to so many families of so many runs, evenly spaced: a choice among many
# candidates needs many fits, and labs are the unit of evidence.
_FAMILIES, _RUNS = 4, 30
KEYS = ["dataset", "lab", "split", "candidate"]
_NEW: dict[str, Any] = {}

FIGURES = ("crps", "log_score", "mean_are", "bias", "coverage50", "coverage90", "width90",
           "worst_z")  # fmt: skip


def unshifted(lab: str) -> Spec:
    """Return the default with the exponents that fits have, not those that extrapolate well."""
    spec = declared(lab)
    wide = {p.name: (p.low, p.high) for p in spec.law.parameters if p.effective}  # type: ignore[union-attr]
    return replace(spec, priors=wide)


def final(believing: Candidate) -> Candidate:
    """Return the candidate with final losses only."""

    def of(lab: str) -> Spec:
        spec = believing(lab)
        return replace(spec, checkpoints=replace(spec.checkpoints, at_most=1))

    return of


def half(believing: Candidate) -> Candidate:
    """Return the candidate with up to five rows of the last half of each run."""

    def of(lab: str) -> Spec:
        spec = believing(lab)
        return replace(spec, checkpoints=replace(spec.checkpoints, after=0.5, at_most=5))

    return of


CANDIDATES: dict[str, Candidate] = {
    f"{exponents}, {rows}": keep(believing)
    for rows, keep in (("last half", half), ("final", final))
    for exponents, believing in (
        ("shifted", declared),
        ("unshifted", unshifted),
        ("learned", learned),
    )
}


def instead(change: Callable[[Spec], Spec]) -> Candidate:
    """Return learned priors and final losses, with something in place of the process."""
    return lambda lab: change(final(learned)(lab))


def _inflated(spec: Spec) -> Spec:
    from bayeslaw.model import Inflated

    return replace(spec, discrepancy=Inflated()).with_priors(spec.beliefs)  # type: ignore[arg-type]


ALTERNATIVES: dict[str, Candidate] = {
    "process": final(learned),
    "inflated": instead(_inflated),
    "none": instead(lambda spec: replace(spec, discrepancy=None)),
    "two laws": instead(lambda spec: replace(spec, also=("kaplan",))),
    "two laws, inflated": instead(lambda spec: replace(_inflated(spec), also=("kaplan",))),
    "plain Bayes": lambda lab: plain_bayes("chinchilla"),
}


def scores(
    lengths: Lengths,
    candidates: Mapping[str, Candidate] = CANDIDATES,
    datasets: tuple[str, ...] = (CLEAN, *LADDERS),
    splits: tuple[str, ...] = (LARGEST, TENFOLD),
    path: Path | None = None,
) -> pd.DataFrame:
    """Score every candidate on every lab, each lab fitted by itself.

    Parameters
    ----------
    path : a CSV file that keeps the scores; those it holds are not made again.

    Returns
    -------
    pandas.DataFrame
        One row per dataset, lab, split and candidate: the figures of :data:`FIGURES`, and
        whether the lab has several rows per run.
    """
    found = pd.read_csv(path) if path is not None and path.exists() else pd.DataFrame(columns=KEYS)
    done = set(found[KEYS].itertuples(index=False, name=None))
    rows: list[Any] = found.to_dict("records")
    for dataset in datasets:
        for lab, runs in _labs(dataset).items():
            for split in splits:
                made: list[tuple[Spec, dict[str, Any] | None]] = []  # some are one
                for name, believing in candidates.items():
                    key = (dataset, lab, split, name)
                    if key in done:
                        continue
                    spec = believing(lab)
                    if len(runs) == runs.n_runs:
                        spec = replace(spec, checkpoints=replace(spec.checkpoints, at_most=1))
                    same = next((row for other, row in made if other == spec), _NEW)
                    if same is _NEW:
                        same = _scored(runs, split, spec, lengths, dataset == CLEAN)
                    made.append((spec, same))
                    if same is not None:
                        rows.append(dict(zip(KEYS, key, strict=True)) | same)
                if path is not None:
                    pd.DataFrame(rows).to_csv(path, index=False)
                print(f"scored {dataset}, {lab}, {split}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def _scored(
    runs: Runs, split: str, spec: Spec, lengths: Lengths, tail: bool
) -> dict[str, Any] | None:
    from bayeslaw.errors import RunsError

    try:
        made = card(runs, split, spec, lengths, score="tail" if tail else "last", parametric=False)
    except RunsError:  # nothing of this lab is far enough above the rest
        return None
    own = made.by_lab.iloc[0].to_dict()
    own["log_score"] = float(made.by_family(made.table["log_score"]).mean())
    return {name: own[name] for name in FIGURES} | {"checkpoints": len(runs) > runs.n_runs}


def _labs(dataset: str) -> dict[str, Runs]:
    """Return the ladders of a data set by lab, thinned alike for all candidates."""
    from bayeslaw.scoring.priors_ladders import ladders_of

    runs = clean() if dataset == CLEAN else ladder(dataset)
    thin = ladders_of(runs, _RUNS, families=_FAMILIES)
    if dataset != CLEAN:
        return thin
    scored = {*scored_labs(runs, LARGEST), *scored_labs(runs, TENFOLD)}
    return {lab: own for lab, own in thin.items() if lab in scored}


def by_lab(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean log CRPS of each lab (rows) under each candidate (columns)."""
    logs = table.assign(log_crps=np.log(table["crps"]))
    return logs.pivot_table(values="log_crps", index="lab", columns="candidate", sort=False)


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Choose a candidate for each lab by the others.

    Returns
    -------
    pandas.DataFrame
        One row per lab: the candidate that the other labs chose, how far ahead of the next it
        was there, and the lab's own CRPS under it, as a ratio to its CRPS under the first
        candidate and to that under its own best.
    """
    logs = by_lab(table).dropna(axis=1)
    rows = {}
    for lab in logs.index:
        others = logs.drop(index=lab).mean().sort_values()
        name = others.index[0]
        own = logs.loc[lab]
        rows[lab] = {"chosen": name, "margin": others.iloc[1] - others.iloc[0],
                     "over first": np.exp(own[name] - own.iloc[0]),
                     "over own best": np.exp(own[name] - own.min())}  # fmt: skip
    return pd.DataFrame(rows).T


def geometric(ratios: pd.Series) -> float:
    """Return the geometric mean of ratios."""
    return float(np.exp(np.log(ratios.astype(float)).mean()))


def text(table: pd.DataFrame) -> str:
    """Return the candidates' means over labs, and each lab's log CRPS, as Markdown."""
    labs = table.groupby(["candidate", "lab"], sort=False)[list(FIGURES)].mean()
    means = labs.groupby(level=0, sort=False).mean()
    heads = ("candidate", "CRPS, geometric", "CRPS", "ARE", "bias", "50 % held", "90 % held",
             "width 90 %", "labs best in")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    logs = by_lab(table)
    best = logs.idxmin(axis=1).value_counts()
    for name, row in means.iterrows():
        lines.append(
            f"| {name} | {np.exp(logs[name].mean()):.2%} | {row['crps']:.2%} | "
            f"{row['mean_are']:.2%} | {row['bias']:+.2%} | {row['coverage50']:.2f} | "
            f"{row['coverage90']:.2f} | {row['width90']:.2%} | {best.get(name, 0)} |"
        )
    lines += ["", "| lab | " + " | ".join(logs) + " |", "|---" * (1 + len(logs.columns)) + "|"]
    for lab, row in np.exp(logs).iterrows():
        lines.append(f"| {lab} | " + " | ".join(f"{v:.2%}" for v in row) + " |")
    return "\n".join(lines) + "\n"

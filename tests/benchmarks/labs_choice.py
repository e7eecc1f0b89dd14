"""Which defaults to have: each lab is scored under the candidate that the other labs chose.

A candidate is a whole specification, made without the lab it is scored on. The criterion is the
mean over labs and splits of the logarithm of the CRPS, so that no lab counts for more because it
is harder to forecast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslaw import names
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


def scores(
    lengths: Lengths,
    candidates: Mapping[str, Candidate] = CANDIDATES,
    datasets: tuple[str, ...] = (CLEAN, *LADDERS),
    splits: tuple[str, ...] = (LARGEST, TENFOLD),
) -> pd.DataFrame:
    """Score every candidate on every lab, each lab fitted by itself.

    Returns
    -------
    pandas.DataFrame
        One row per dataset, lab, split and candidate: the figures of :data:`FIGURES`, and
        whether the lab has several rows per run.
    """
    rows = []
    for dataset in datasets:
        for lab, runs in _labs(dataset).items():
            for split in splits:
                for name, believing in candidates.items():
                    row = _scored(runs, split, believing(lab), lengths, dataset == CLEAN)
                    if row is not None:
                        rows.append({"dataset": dataset, "lab": lab, "split": split,
                                     "candidate": name, **row})  # fmt: skip
                print(f"chose on {dataset}, {lab}, {split}", file=sys.stderr, flush=True)
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
    if dataset != CLEAN:
        runs = ladder(dataset)
        return {str(lab): runs for lab in set(runs.table[names.LAB])}
    runs = clean()
    labs = dict.fromkeys([*scored_labs(runs, LARGEST), *scored_labs(runs, TENFOLD)])
    return {lab: runs.drop(runs.table.index[runs.table[names.LAB] != lab]) for lab in labs}


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

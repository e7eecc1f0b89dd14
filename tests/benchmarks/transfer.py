"""Item 4: the largest model of a ladder from its small ones, other families as the pool."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayeslaw import inference, names
from bayeslaw.errors import ConvergenceWarning, ExtrapolationWarning
from bayeslaw.inference import Fit
from bayeslaw.model import Checkpoints, Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs
from bayeslaw.scoring import rules
from bayeslaw.scoring.holdout import late
from tests.benchmarks.effort import Effort
from tests.benchmarks.labs_cards import declared, learned
from tests.benchmarks.report import Row, Section, at_most, below, shown

TITLE = "ColPret: the largest model from few small ones and other families"
FINAL = Checkpoints(at_most=1)
SPECS: dict[str, Callable[[str], Spec]] = {
    "default": declared,
    "learned priors": learned,
    "final losses": lambda lab: replace(declared(lab), checkpoints=FINAL),
}
_LATE = 0.3  # of the largest model's tokens, over which loss is averaged


@dataclass(frozen=True)
class Case:
    """One question: a family, the sizes of its own that are fitted, and the published error.

    Attributes
    ----------
    sizes : fitted models, counted from the smallest, as a slice.
    lab : whose runs the learned priors must not have seen.
    limit : error in per cent that is asked for; ``strict`` asks for less.
    """

    family: str
    lab: str
    label: str
    sizes: slice
    limit: float
    strict: bool = False


CASES = (
    Case("GPT3", "Brown2020", "GPT3 175B from its 5 smallest", slice(0, 5), 5.1),
    Case("GPT3", "Brown2020", "GPT3 175B from its 6 smallest", slice(0, 6), 2.0),
    Case("GPT3", "Brown2020", "GPT3 175B from its 7 smallest", slice(0, 7), 2.7),
    Case("OPT", "Xia2022", "OPT 175B from 6.7B alone", slice(2, 3), 7.1, strict=True),
    Case("OPT", "Xia2022", "OPT 175B from 13B alone", slice(3, 4), 6.1, strict=True),
    Case("OPT", "Xia2022", "OPT 175B from 30B alone", slice(4, 5), 4.4, strict=True),
    Case("OLMo1", "OLMo", "OLMo 7B from 1B alone", slice(0, 1), 1.0),
)


def run(effort: Effort, cores: int, cases: tuple[Case, ...] = CASES) -> Section:
    """Fit each case by default, with learned priors, and with checkpoints."""
    from bayeslaw.runs.datasets import load_dataset

    runs = load_dataset("colpret_clean")
    rows: list[Row] = []
    for name, believing in SPECS.items():
        for case in cases:
            train, hidden = parted(runs, case)
            fitted = fit_quietly(train, believing(case.lab), effort, cores)
            rows += case_rows(fitted, hidden, case, f"{case.label}, {name}")
    notes = (
        "training: the chosen models of the family and all models of the 29 other families; "
        "target: the mean loss over the last 30 % of the largest model's tokens",
        "limits: least squares as published by Choshen et al. (GPT3), and one model with borrowed "
        "exponents, of which OPT's perplexities were turned into nats",
        "learned priors: without the family's lab, which the built-in ones know; the default "
        "keeps up to five rows of the last half of each run, final losses one",
    )
    return Section(4, TITLE, tuple(rows), notes)


def parted(runs: Runs, case: Case) -> tuple[Runs, Runs]:
    """Return what is fitted, and the late rows of the family's largest models."""
    table = runs.table
    own = table[names.FAMILY] == case.family
    sizes = np.sort(table.loc[own, names.PARAMS].unique())
    kept = ~own | table[names.PARAMS].isin(sizes[case.sizes])
    asked = own & (table[names.PARAMS] == sizes[-1]) & late(table, _LATE)
    return runs.drop(table.index[~kept]), runs.drop(table.index[~asked])


def fit_quietly(runs: Runs, spec: Spec, effort: Effort, cores: int) -> Fit:
    """Fit; what the gate says goes into a row, not into a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return inference.fit(runs, spec, cores=cores, **effort.fit)


def mean_of_run(fitted: Fit, rows: pd.DataFrame) -> np.ndarray:
    """Return draws of the mean loss of one new run over its late rows.

    The noise is that of a run and common to its rows: it would average out if drawn for each.
    """
    family = str(rows[names.FAMILY].iloc[0])
    along = [
        Target(n, d, family, kind="mean")
        for n, d in zip(rows[names.PARAMS], rows[names.TOKENS], strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        draws = forecast(fitted, [*along, replace(along[-1], kind="run")]).draws.values
    draws = draws.reshape(-1, draws.shape[-1])
    return draws[:, :-1].mean(axis=1) * draws[:, -1] / draws[:, -2]


def case_rows(fitted: Fit, hidden: Runs, case: Case, label: str) -> list[Row]:
    """Return error, interval and CRPS for each of the largest models."""
    out: list[Row] = []
    failures = fitted.health.failures
    for run, rows in hidden.table.groupby(names.RUN, sort=False):
        named = label
        if hidden.n_runs > 1:
            named += f" ({str(run).rpartition('/')[2]})"
        draws, seen = mean_of_run(fitted, rows), float(rows[names.LOSS].mean())
        middle = float(np.median(draws))
        low, high = np.quantile(draws, [0.05, 0.95])
        judge = below if case.strict else at_most
        held = "holds" if low <= seen <= high else "does NOT hold"
        interval = f"{middle:.3f} ({low:.3f} to {high:.3f}) {held} {seen:.3f}"
        score = float(rules.crps(draws[None], np.array([seen]))[0])
        out += [
            judge(f"{named}: error", 100 * abs(middle / seen - 1), case.limit, "%"),
            shown(f"{named}: median, 90 %", interval),
            shown(f"{named}: CRPS", 100 * score, "% of loss"),
        ]
    if failures:
        out.append(shown(f"{label}: health", "; ".join(f.found for f in failures)))
    return out

"""Items 3 and 5: published splits of one table by compute or by size, and their scores."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import ConvergenceWarning
from bayeslaw.model import Inflated, Spec
from bayeslaw.runs import Runs
from bayeslaw.scoring import Scorecard, backtest
from tests.benchmarks.effort import Effort
from tests.benchmarks.labs_cards import learned
from tests.benchmarks.report import Row, Section, at_least, at_most, shown

EPOCH = "chinchilla_epoch: C <= 3e20 forecasts the 63 larger runs"
GADRE = "gadre_overtrain: runs up to 411M forecast those of 1.4B and 6.9B"
# Budgets were digitised: a run drawn on the 3e20 line belongs to the training part.
EPOCH_CUT, GADRE_CUT = "flops > 3.0e20", "params > 420M"
COVERAGE, WIDTH, ERROR = 0.90, 0.09, 0.021
GADRE_LIMITS = {"c4_val": 2.8, "openlm_val": 2.3}
_LEAST_INSIDE = 7  # of 9, inside 90 % intervals


def epoch_split(effort: Effort, cores: int) -> Section:
    """Forecast the larger digitised Chinchilla runs, with and without a discrepancy."""
    from bayeslaw.runs.datasets import load_dataset

    rows: list[Row] = []
    for name in ("chinchilla_epoch_240", "chinchilla_epoch"):
        runs = load_dataset(name)
        for spec, label in (
            (Spec(), ""),
            (learned("Hoffmann2022"), ", learned priors"),
            (Spec(discrepancy=Inflated()), ", inflated"),
            (Spec(discrepancy=None), ", law trusted"),
        ):
            card = held_out(runs, EPOCH_CUT, spec, effort, cores)
            judged = name.endswith("240") and not label
            rows += epoch_rows(card, f"{len(runs)} points{label}", judged)
    notes = (
        "judged on the 240 points, with the default specification; learned priors are those "
        "without the lab; 245 keeps the five highest "
        "losses, which a refit of the data dropped as outliers",
        "targets are quoted from other tools and raw samplers on the same split: 95 % coverage "
        ".65 to .86 at widths of .066 nats, MAE .0205 to .028",
    )
    return Section(3, EPOCH, tuple(rows), notes)


def gadre_split(effort: Effort, cores: int) -> Section:
    """Forecast the two largest sizes on two losses with one specification."""
    from bayeslaw.runs.datasets import load_dataset

    rows: list[Row] = []
    for loss, limit in GADRE_LIMITS.items():
        card = held_out(
            load_dataset("gadre_overtrain", loss=loss), GADRE_CUT, Spec(), effort, cores
        )
        rows += gadre_rows(card, loss, limit)
        other = load_dataset("gadre_overtrain", loss=loss)
        card = held_out(other, GADRE_CUT, learned("Gadre2024"), effort, cores)
        rows += errors(card.table, f"{loss}, learned priors")
    both = pd.concat([_marked(load_dataset("gadre_overtrain", loss=n), n) for n in GADRE_LIMITS])
    card = held_out(Runs(both, source="both losses"), GADRE_CUT, Spec(), effort, cores)
    for loss in GADRE_LIMITS:
        own = card.table[card.table[names.FAMILY].str.endswith(loss)]
        rows += errors(own, f"{loss}, one fit of both")
    notes = (
        "the error is the mean over the 9 hidden runs of |median / observed - 1|",
        "least squares with separate families is 2.96 % and 2.29 % off; with exponents and "
        "amplitudes shared 2.78 % and 5.25 %",
    )
    return Section(5, GADRE, tuple(rows), notes)


def held_out(runs: Runs, cut: str, spec: Spec, effort: Effort, cores: int) -> Scorecard:
    """Back-test one split; the health of the fit goes into a row, not into a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return backtest(runs, cut, spec=spec, cores=cores, **effort.fit)


def epoch_rows(card: Scorecard, label: str, judged: bool) -> list[Row]:
    """Return coverage, width and error in nats."""
    table = card.table
    error = float((table["median"] - table["observed"]).abs().mean())
    width = float((table["high95"] - table["low95"]).mean())
    covered = inside(table, "95")
    count = shown(f"{label}: hidden runs", len(table))
    what = [f"{label}: {w}" for w in ("95 % coverage", "mean 95 % width", "mean absolute error")]
    if not judged:
        figures = zip(what, (covered, width, error), ("", "nats", "nats"), strict=True)
        return [*(shown(*f) for f in figures), health_row(card, label)]
    return [
        count,
        at_least(what[0], covered, COVERAGE),
        at_most(what[1], width, WIDTH, "nats"),
        at_most(what[2], error, ERROR, "nats"),
        shown(f"{label}: 90 % coverage", inside(table, "90")),
        shown(f"{label}: CRPS", 100 * float(table["crps"].mean()), "% of loss"),
        health_row(card, label),
    ]


def gadre_rows(card: Scorecard, loss: str, limit: float) -> list[Row]:
    """Return the error against its limit, and how many runs lie inside their intervals."""
    first, *rest = errors(card.table, loss)
    held = round(inside(card.table, "90") * len(card.table))
    return [
        at_most(first.what, float(first.measured), limit, "%"),
        *rest,
        at_least(f"{loss}: runs inside 90 %, of {len(card.table)}", held, _LEAST_INSIDE),
        health_row(card, loss),
    ]


def errors(table: pd.DataFrame, label: str) -> list[Row]:
    """Return mean and largest error, bias and width in per cent of the loss."""
    off = 100 * (table["median"] / table["observed"] - 1)
    width = 100 * ((table["high90"] - table["low90"]) / table["median"]).mean()
    return [
        shown(f"{label}: mean error", float(off.abs().mean()), "%"),
        shown(f"{label}: largest error", float(off.abs().max()), "%"),
        shown(f"{label}: bias", float(off.mean()), "%"),
        shown(f"{label}: mean 90 % width", float(width), "%"),
    ]


def inside(table: pd.DataFrame, level: str) -> float:
    """Return the share of observed losses inside the intervals of a level."""
    seen = table["observed"]
    return float(np.mean((table[f"low{level}"] <= seen) & (seen <= table[f"high{level}"])))


def health_row(card: Scorecard, label: str) -> Row:
    """Return what the gate said of the fit behind a card."""
    health = card.health
    failures = () if health is None else health.failures
    return shown(f"{label}: health", "; ".join(f.found for f in failures) or "healthy")


def _marked(runs: Runs, loss: str) -> pd.DataFrame:
    """Make the families of one loss distinct from those of the other."""
    table = runs.table
    return table.assign(
        **{n: table[n].astype(str) + f" | {loss}" for n in (names.FAMILY, names.RUN)}
    )

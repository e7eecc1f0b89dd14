"""The tables of a report, as cells of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design import Allocation, Comparison, Decision
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast
from bayeslaw.runs import Runs
from bayeslaw.runs.quantities import quantity
from bayeslaw.scoring import CalibrationCard, Scorecard

MOST_ROWS = 60


@dataclass(frozen=True)
class Table:
    """Cells as text, and how many rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int


def as_table(columns: dict[str, Any]) -> Table:
    """Return a table of text cells, cut to a readable length; fractions are four digits.

    Parameters
    ----------
    columns : cells by heading.
    """
    frame = pd.DataFrame(columns)
    shown = frame.head(MOST_ROWS)
    rows = [
        tuple(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row)
        for row in shown.itertuples(index=False, name=None)
    ]
    return Table(tuple(map(str, frame.columns)), tuple(rows), len(frame) - len(shown))


def forecast_table(forecast: Forecast) -> Table:
    """Return what is forecast of each target."""
    t = forecast.table
    return as_table(
        {
            "family": t["family"].where(t["known_family"], t["family"] + " (new)"),
            "params": t["params"].map(quantity),
            "tokens": t["tokens"].map(quantity),
            "kind": t["kind"],
            "median": _loss(t["median"]),
            "s.d.": _loss(t["sd"]),
            "50 % interval": _interval(t["low50"], t["high50"]),
            "90 % interval": _interval(t["low90"], t["high90"]),
            "times largest compute": t["extrapolation_factor"].map("{:.3g}".format),
        }
    )


def card_table(card: Scorecard) -> Table:
    """Return each hidden run beside its forecast and the baselines."""
    t = card.table
    shown = {
        "family": t["family"],
        "params": t["params"].map(quantity),
        "tokens": t["tokens"].map(quantity),
        "observed": _loss(t["observed"]),
        "median": _loss(t["median"]),
        "90 % interval": _interval(t["low90"], t["high90"]),
        "CRPS": _share(t["crps"]),
        "PIT": t["pit"].map("{:.2f}".format),
        "times largest compute": t["extrapolation_factor"].map("{:.3g}".format),
    }
    plain = {name.replace("_", " "): _loss(t[name]) for name in card.summary["baselines"]}
    return as_table(shown | plain)


def held_table(card: CalibrationCard) -> Table:
    """Return how often intervals held, by where and by reach."""
    t = card.table
    held = {f"{level} %": _share(t[f"held{level}"], 0) for level in ("50", "80", "90", "95")}
    scores = {"CRPS": _share(t["crps"]), "bias": t["bias"].map("{:+.2%}".format)}
    counts = {"families": t["n_families"], "labs": t["n_labs"]}
    return as_table({"in": t["where"], "beyond": t["beyond"]} | held | scores | counts)


def plan_table(choice: Decision) -> Table:
    """Return what each plan costs and what it is expected to buy."""
    t = choice.table
    shown: dict[str, Any] = {"plan": t["plan"], "compute (FLOP)": t["cost"].map("{:.3g}".format)}
    if "price" in t:
        shown["price"] = t["price"].map("{:,.0f}".format)
    shown |= {
        "runs": t["runs"],
        "s.d.": _share(t["sd"]),
        "90 % width": _share(t["width90"]),
        "90 % width (nats)": t["width90_nats"].map("{:.3g}".format),
        "regret": _share(t["regret"]),
    }
    if "pcs" in t:
        shown["P(right)"] = _share(t["pcs"], 0)
    return as_table(shown)


def allocation_table(made: Sequence[Allocation]) -> Table:
    """Return the best size and data of each budget, with 90 % intervals."""
    t = pd.concat([a.table for a in made], ignore_index=True)

    def spread(name: str, write: Any) -> list[str]:
        columns = (t[f"{name}{end}"].map(write) for end in ("", "_low90", "_high90"))
        return [f"{m} ({low} to {high})" for m, low, high in zip(*columns, strict=True)]

    near = zip(t["near_low"].map(quantity), t["near_high"].map(quantity), strict=True)
    return as_table(
        {
            "family": t["family"],
            "compute (FLOP)": t["flops"].map("{:.3g}".format),
            "params to train": t["advised_params"].map(quantity),
            "tokens to train": t["advised_tokens"].map(quantity),
            "best params": spread("params", quantity),
            "best tokens": spread("tokens", quantity),
            "loss": spread("loss", "{:.3f}".format),
            "near-optimal params": [f"{low} to {high}" for low, high in near],
        }
    )


def comparison_table(made: Comparison) -> Table:
    """Return each pair: who is ahead, by how much, and what that is worth in compute."""
    t = made.table
    gap = (t[f"gap{end}"].map("{:+.3f}".format) for end in ("", "_low90", "_high90"))
    gain = (t[f"gain{end}"].map("{:.3g}".format) for end in ("", "_low90", "_high90"))
    return as_table(
        {
            "A": t["a"],
            "B": t["b"],
            "P(A better)": _share(t["p_a_better"], 0),
            "loss of B minus A, nats": [f"{m} ({a} to {b})" for m, a, b in zip(*gap, strict=True)],
            "compute B needs, times": [f"{m} ({a} to {b})" for m, a, b in zip(*gain, strict=True)],
        }
    )


def runs_table(runs: Runs) -> Table:
    """Return what there is of each family."""
    groups = runs.table.groupby(names.FAMILY, sort=False)

    def ends(name: str, write: Any) -> list[str]:
        low, high = groups[name].min().map(write), groups[name].max().map(write)
        return [a if a == b else f"{a} to {b}" for a, b in zip(low, high, strict=True)]

    return as_table(
        {
            "family": runs.families,
            "runs": groups[names.RUN].nunique().tolist(),
            "rows": groups.size().tolist(),
            "params": ends(names.PARAMS, quantity),
            "tokens": ends(names.TOKENS, quantity),
            "compute (FLOP)": ends(names.FLOPS, "{:.2g}".format),
            "loss": ends(names.LOSS, "{:.3f}".format),
        }
    )


def parameter_table(fit: Fit) -> Table:
    """Return the published parameters, a row per family: median and 90 % interval."""
    t = fit.table.head(MOST_ROWS * len(fit.published(fit.families[0])))
    ends = zip(t["median"], t["low90"], t["high90"], strict=True)
    cells = t.assign(cell=[f"{m:.3g} ({low:.3g} to {high:.3g})" for m, low, high in ends])
    wide = cells.pivot_table("cell", "family", "parameter", aggfunc="first", sort=False)
    table = as_table({"family": list(wide.index)} | {str(c): list(wide[c]) for c in wide})
    return Table(table.columns, table.rows, len(fit.families) - len(table.rows))


def _loss(values: pd.Series) -> pd.Series:
    return values.map(lambda v: "\u2013" if np.isnan(v) else f"{v:.3f}")


def _share(values: pd.Series, places: int = 2) -> pd.Series:
    return values.map(lambda v: "\u2013" if v is None or np.isnan(v) else f"{v:.{places}%}")


def _interval(lows: pd.Series, highs: pd.Series) -> list[str]:
    return [f"{low:.3f} to {high:.3f}" for low, high in zip(lows, highs, strict=True)]

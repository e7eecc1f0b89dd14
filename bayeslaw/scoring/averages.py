"""Averages of scores: over the rows of a run, the runs of a family, the families of a lab."""

from __future__ import annotations

from typing import Any, overload

import pandas as pd

from bayeslaw import names

LEVELS = ("50", "80", "90", "95")


@overload
def by_family(values: pd.Series, table: pd.DataFrame) -> pd.Series: ...
@overload
def by_family(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame: ...
def by_family(values: pd.Series | pd.DataFrame, table: pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Average over each run's rows, then over each family's runs.

    Parameters
    ----------
    values : one row per row of the table; missing ones are left out.
    table : columns lab, family and run.

    Returns
    -------
    pandas.Series or pandas.DataFrame
        One row per family, indexed by lab and family.

    Examples
    --------
    >>> table = pd.DataFrame({"lab": "l", "family": list("aab"), "run": list("rst")})
    >>> by_family(pd.Series([1.0, 3.0, 5.0]), table).tolist()
    [2.0, 5.0]
    """
    keys = [table[name] for name in (names.LAB, names.FAMILY, names.RUN)]
    runs = values.groupby(keys, sort=False).mean()
    return runs.groupby(level=[0, 1], sort=False).mean()


def figures(table: pd.DataFrame, rival: str | None = None) -> pd.DataFrame:
    """Return what a card says of each family, for its own forecasts or for those of a rival.

    Parameters
    ----------
    table : of a score card.
    rival : a baseline with a column in the table; None for the forecasts themselves.

    Returns
    -------
    pandas.DataFrame
        One row per family: are, bias, crps and, where the forecast has intervals, coverage50 to
        coverage95 and width90 (relative to the median). All are fractions. The CRPS of a
        forecast without a spread is its absolute error.
    """
    prefix = "" if rival is None else f"{rival}_"
    observed, middle = table["observed"], table["median" if rival is None else rival]
    off = (middle - observed) / observed
    rows = pd.DataFrame({"are": off.abs(), "bias": off})
    rows["crps"] = table[f"{prefix}crps"] if f"{prefix}crps" in table else rows["are"]
    if f"{prefix}low90" in table:
        for level in LEVELS:
            low, high = table[f"{prefix}low{level}"], table[f"{prefix}high{level}"]
            inside = (low <= observed) & (observed <= high)
            rows[f"coverage{level}"] = inside.astype(float).where(low.notna())
        rows["width90"] = (table[f"{prefix}high90"] - table[f"{prefix}low90"]) / middle
    return by_family(rows, table)


def averages(units: pd.DataFrame) -> dict[str, Any]:
    """Return the averages over units, families or labs, under the contract's names.

    Parameters
    ----------
    units : one row per unit, with the columns of :func:`figures`.

    Returns
    -------
    dict
        mean_are, median_are, bias, crps and, where the forecast has intervals, coverage by level
        and width90; missing values are left out of each mean.
    """
    mean = {name: float(value) for name, value in units.mean().items()}
    out: dict[str, Any] = {"mean_are": mean["are"], "median_are": float(units["are"].median())}
    out |= {"bias": mean["bias"], "crps": mean["crps"]}
    if "width90" in mean:
        out["coverage"] = {level: mean[f"coverage{level}"] for level in LEVELS}
        out["width90"] = mean["width90"]
    return out

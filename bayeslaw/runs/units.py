"""Losses turned into nats per token from perplexity or bits per byte."""

import math

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import LOSS, LOSS_SD
from bayeslaw.runs.problems import Problem

LOSS_UNITS = ("nats", "ppl", "bpb")
LOSS_UNIT = "loss_unit"  # bookkeeping column of some tables

_STATED = {
    "": "", "nan": "",
    "nat": "nats", "nats/token": "nats", "nat/token": "nats", "nats per token": "nats",
    "perplexity": "ppl",
    "bits/byte": "bpb", "bits per byte": "bpb",
}  # fmt: skip
_NATS_ALREADY = 3.7  # a median perplexity this low is a median of 1.3 nats


def check_loss_unit(unit: str, bytes_per_token: float | None) -> None:
    """Refuse an unknown unit, and bytes per token that are missing, useless or impossible.

    Examples
    --------
    >>> check_loss_unit("bpb", 4.2)
    >>> check_loss_unit("bits", None)
    Traceback (most recent call last):
    bayeslaw.errors.RunsError: loss_unit 'bits' is unknown; expected one of nats, ppl, bpb
    """
    if unit not in LOSS_UNITS:
        raise RunsError(f"loss_unit {unit!r} is unknown; expected one of {', '.join(LOSS_UNITS)}")
    if unit == "bpb" and (bytes_per_token is None or not 0 < bytes_per_token < math.inf):
        raise RunsError(
            f"bits per byte need bytes_per_token, found {bytes_per_token}; expected the mean "
            "bytes per token of the evaluation text, such as 4.2; pass --bytes-per-token"
        )
    if unit != "bpb" and bytes_per_token is not None:
        raise RunsError(
            f"bytes_per_token is given but the loss unit is {unit}; "
            "pass --loss-unit bpb too, or leave bytes_per_token out"
        )


def to_nats(
    table: pd.DataFrame, unit: str, bytes_per_token: float | None
) -> tuple[pd.DataFrame, list[Problem], list[str]]:
    """Convert the loss and its standard deviation; a loss with no logarithm becomes NaN.

    Parameters
    ----------
    table
        Float columns `loss` and perhaps `loss_sd` in the unit given.
    unit
        One of `LOSS_UNITS`.
    bytes_per_token
        Mean bytes per token, for ``bpb``.

    Returns
    -------
    tuple of DataFrame, list of Problem and list of str
        The table in nats per token, losses that cannot be converted, and what was done.

    Examples
    --------
    >>> table, _, notes = to_nats(pd.DataFrame({"loss": [np.e**3]}), "ppl", None)
    >>> table["loss"].round(9).tolist(), notes
    ([3.0], ['loss converted from perplexity to nats'])
    """
    if unit == "nats":
        return table, [], []
    loss = table[LOSS]
    if unit == "bpb":
        factor = math.log(2) * float(bytes_per_token or math.nan)
        scaled = {name: table[name] * factor for name in (LOSS, LOSS_SD) if name in table}
        told = f"loss converted from bits per byte to nats at {bytes_per_token:g} bytes per token"
        return table.assign(**scaled), [], [told]

    too_small = loss <= 1
    problems = []
    if too_small.any():
        offenders = tuple((int(row) + 1, loss.iloc[row]) for row in np.flatnonzero(too_small))
        remedy = "correct the row, or drop --loss-unit ppl if these are nats"
        problems = [Problem(LOSS, offenders, "a perplexity above 1", remedy)]
    perplexity = loss.mask(too_small)
    table = table.assign(**{LOSS: np.log(perplexity.to_numpy())})
    if LOSS_SD in table:
        table = table.assign(**{LOSS_SD: table[LOSS_SD] / perplexity})  # delta method for a log
    notes = ["loss converted from perplexity to nats"]
    if perplexity.median() < _NATS_ALREADY:
        notes.append(f"the median perplexity is below {_NATS_ALREADY}; was the loss nats already?")
    return table, problems, notes


def drop_agreeing_unit(table: pd.DataFrame, source: str, unit: str) -> pd.DataFrame:
    """Refuse a `loss_unit` column that contradicts the argument; else drop it as redundant."""
    if LOSS_UNIT not in table:
        return table
    stated = table[LOSS_UNIT].astype("str").str.strip().str.lower().replace(_STATED)
    other = np.flatnonzero(~stated.isin([unit, ""]))
    if len(other):
        found = stated.iloc[other[0]]
        raise RunsError(
            f"{source}: column 'loss_unit' says {found!a} (row {other[0] + 1}); expected {unit!r} "
            "on every row; load each unit separately with --loss-unit"
        )
    return table.drop(columns=LOSS_UNIT)

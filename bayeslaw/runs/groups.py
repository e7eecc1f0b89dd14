"""Faults that show only when rows are compared: repeats, mixed runs, mixed units."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayeslaw.names import FAMILY, LAB, LOSS, PARAMS, RUN, SEED, TOKENS
from bayeslaw.runs.columns import LAW_INPUTS
from bayeslaw.runs.quantities import shown
from bayeslaw.runs.trend import log_residuals

MIXED_FACTOR = 4.0  #: losses of one family this far off its trend are in another unit
PERPLEXITY_MEDIAN = 8.0  #: nats; a whole column above this is not a language-model loss
PERPLEXITY_LARGEST = 12.0  #: nats; a uniform guess over 160 thousand tokens

_USE_PPL = 'pass --loss-unit ppl (loss_unit="ppl")'


def repeated_rows(table: pd.DataFrame, given_runs: pd.Series) -> Iterator[str]:
    """Name the rows that claim to be the same measurement.

    Parameters
    ----------
    table
        A complete runs table on a range index.
    given_runs
        Run labels as the file gave them, ``''`` where it gave none.

    Yields
    ------
    str
        One sentence per repeated measurement.
    """
    key = [FAMILY, PARAMS, TOKENS, SEED, "given", *(c for c in LAW_INPUTS if c in table)]
    keyed = table.assign(given=given_runs)
    repeats = keyed[keyed.duplicated(key, keep=False)]
    for _, rows in repeats.groupby(key, sort=False, dropna=False):
        one = rows.iloc[0]
        losses = rows[LOSS].unique()
        same = len(losses) == 1
        remedy = (
            "drop the copies"
            if same
            else "label replicates in a 'seed' column and checkpoints in a 'run' column, "
            "or keep one evaluation set"
        )
        what = "the same loss" if same else "different losses"
        yield (
            f"{_rows(rows)} repeat family {shown(one[FAMILY])}, params {one[PARAMS]:g}, "
            f"tokens {one[TOKENS]:g}, seed {shown(one[SEED])} with {what} "
            f"{', '.join(f'{loss:g}' for loss in losses[:4])}; "
            f"expected one row per measurement; {remedy}"
        )


def runs_of_two_sizes(table: pd.DataFrame) -> Iterator[str]:
    """Name the runs whose rows disagree on the parameter count."""
    sizes = table.groupby(RUN, sort=False)[PARAMS].transform("nunique")
    for run, rows in table[sizes > 1].groupby(RUN, sort=False):
        firsts = rows.drop_duplicates(PARAMS)
        found = ", ".join(
            f"{params:g} (row {row + 1})"
            for row, params in zip(firsts.index[:4], firsts[PARAMS][:4], strict=True)
        )
        yield (
            f"column 'params': run {shown(run)} has {found}; expected one parameter count per "
            "run; give every training run its own label in column 'run'"
        )


def families_of_two_labs(table: pd.DataFrame) -> Iterator[str]:
    """Name the families that rows put under different labs."""
    pairs = table[[FAMILY, LAB]].drop_duplicates()
    for family, rows in pairs[pairs[FAMILY].duplicated(keep=False)].groupby(FAMILY, sort=False):
        found = ", ".join(
            f"{shown(lab)} (row {row + 1})"
            for row, lab in zip(rows.index[:4], rows[LAB][:4], strict=True)
        )
        yield (
            f"column 'lab': family {shown(family)} has {found}; expected one lab per family; "
            "write the lab into the family name if these are different recipes"
        )


def perplexity_column(table: pd.DataFrame) -> Iterator[str]:
    """Say when the losses as a whole are too large to be nats."""
    median, largest = table[LOSS].median(), table[LOSS].max()
    if median > PERPLEXITY_MEDIAN and largest > PERPLEXITY_LARGEST:
        row = int(np.argmax(table[LOSS].to_numpy())) + 1
        yield (
            f"column 'loss': median {median:.3g}, largest {largest:.3g} (row {row}); expected "
            f"nats per token, seldom above {PERPLEXITY_MEDIAN:g}; looks like perplexity; {_USE_PPL}"
        )


def mixed_units(table: pd.DataFrame) -> Iterator[str]:
    """Name losses so far off their family's trend that they must be in another unit."""
    residuals = log_residuals(table)
    far = table[residuals.abs() > np.log(MIXED_FACTOR)]
    for family, rows in far.groupby(FAMILY, sort=False):
        found = ", ".join(
            f"{loss:g} (row {row + 1})"
            for row, loss in zip(rows.index[:4], rows[LOSS][:4], strict=True)
        )
        more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""
        yield (
            f"column 'loss': family {shown(family)} has {found}{more}, more than "
            f"{MIXED_FACTOR:g} times off its own trend; expected one unit in a family; "
            f"looks like perplexity mixed with nats: convert those rows, or {_USE_PPL} "
            "when every row is perplexity, or drop the failed runs"
        )


def _rows(rows: pd.DataFrame) -> str:
    numbers = [str(row + 1) for row in rows.index[:4]]
    more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""
    return f"rows {', '.join(numbers)}{more}" if more else f"rows {' and '.join(numbers)}"

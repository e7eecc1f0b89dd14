"""Holdouts: which runs a back-test hides, and which it leaves to be fitted."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import RunsError, SpecError
from bayeslaw.runs import Runs

KNOWN = "'largest', 'smallest-k:3', 'tail:0.3' or a condition such as 'flops > 1e21'"

# To forecast a size from fewer than two others is a question about the prior, not about the runs.
_LEAST_FOR_LARGEST = 3
# Sizes closer than this are one size counted slightly differently.
_SAME_SIZE = np.log(1.02)


def hide(
    runs: Runs, holdout: str = "largest", *, least_sizes: int | None = None
) -> tuple[Runs, Runs]:
    """Part runs into those to train on and those to hide.

    Parameters
    ----------
    runs : the training runs.
    holdout : ``"largest"`` hides the largest size of each family; ``"smallest-k:3"`` all but the
        three smallest sizes; ``"tail:0.3"`` the last 30 % of each run's tokens; anything else is
        a condition for :meth:`Runs.where`, and a run with a row that satisfies it is hidden
        whole.
    least_sizes : sizes (distinct params) a family needs to be scored: 3 for ``"largest"`` and 1
        for the others, unless given. A family of fewer stays in the training part, save for
        what a condition names: that is hidden all the same, and then in neither part.

    Returns
    -------
    tuple of Runs
        Training runs and hidden runs. Only ``"tail"`` cuts a run in two, into its past and its
        continuation; runs without a row on both sides of the cut stay in the training part.

    Raises
    ------
    RunsError
        If either part is empty, or the holdout cannot be read.
    SpecError
        If ``least_sizes`` is below 1.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> runs = load_runs(pd.DataFrame({"family": "a", "params": ["1B", "2B", "4B"],
    ...                                "tokens": "20B", "loss": [2.9, 2.7, 2.6]}))
    >>> training, hidden = hide(runs)
    >>> training.table["loss"].tolist(), hidden.table["loss"].tolist()
    ([2.9, 2.7], [2.6])
    """
    if least_sizes is not None and least_sizes < 1:
        raise SpecError(f"least_sizes is {least_sizes}; expected 1 or more sizes per family.")
    table, holdout = runs.table, holdout.strip()
    rank = table.groupby(names.FAMILY, sort=False)[names.PARAMS].transform(_size_rank)
    sizes = rank.groupby(table[names.FAMILY]).transform("max") + 1
    least = least_sizes or (_LEAST_FOR_LARGEST if holdout == "largest" else 1)
    enough = sizes >= least
    smallest = re.fullmatch(r"smallest-k:(\d+)", holdout)
    tail = re.fullmatch(r"tail:(0?\.\d+)", holdout)
    if holdout == "largest":
        gone = scored = enough & (rank == sizes - 1)
        why = f"no family has {least} sizes (distinct params)"
    elif smallest:
        gone = scored = enough & (rank >= int(smallest[1]))
        why = f"no family has more than {smallest[1]} sizes (distinct params)"
    elif tail:
        share = _share(tail[1])
        behind = late(table, share)
        both = (~behind).groupby(table[names.RUN]).transform("any")
        gone = scored = enough & behind & both
        why = f"no run has rows both before and in the last {share:.0%} of its tokens"
    else:
        gone = _whole_runs(runs, holdout)
        scored = enough & gone
        why = f"no row satisfies '{holdout}'"
        if gone.any():
            why = f"no family that '{holdout}' hides has {least} sizes (distinct params)"
    if not scored.any():
        raise RunsError(
            f"nothing can be held out: {why}. Use another holdout, such as a condition on flops."
        )
    if gone.all():
        raise RunsError(
            f"holdout '{holdout}' leaves no run to fit; hide fewer runs, or add smaller ones."
        )
    return runs.drop(table.index[gone]), runs.drop(table.index[~scored])


def late(table: pd.DataFrame, share: float) -> pd.Series:
    """Mark the rows in the last share of their run's tokens.

    Parameters
    ----------
    table : columns run and tokens.
    share : of the tokens of a run, between 0 and 1.

    Returns
    -------
    pandas.Series of bool

    Examples
    --------
    >>> late(pd.DataFrame({"run": "r", "tokens": [60.0, 70.0, 100.0]}), 0.3).tolist()
    [False, True, True]
    """
    last = table.groupby(names.RUN)[names.TOKENS].transform("max")
    return table[names.TOKENS] >= (1 - share) * last


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise RunsError(f"holdout 'tail:{text}' hides nothing; expected a share such as tail:0.3.")
    return share


def _whole_runs(runs: Runs, condition: str) -> pd.Series:
    """Mark every row of the runs that have a row satisfying a condition."""
    try:
        rows = runs.where(condition).table
    except RunsError as error:
        raise RunsError(f"{error}. As a holdout, expected {KNOWN}.") from None
    return runs.table[names.RUN].isin(rows[names.RUN])


def _size_rank(params: pd.Series) -> pd.Series:
    """Rank the sizes of a family from 0, smallest first."""
    ordered = params.sort_values()
    steps = np.diff(np.log(ordered.to_numpy()), prepend=np.log(ordered.iloc[0])) > _SAME_SIZE
    return pd.Series(np.cumsum(steps), index=ordered.index).reindex(params.index)

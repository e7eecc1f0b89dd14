"""Ladders to learn priors from: public data sets and tables, joined, and thinned per family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import RunsError
from bayeslaw.runs import Runs
from bayeslaw.runs.columns import CANONICAL
from bayeslaw.runs.datasets import load_dataset
from bayeslaw.runs.quantities import shown

#: Sizes a family needs: fewer tell nothing of a curve, and none can be hidden.
LEAST_SIZES = 3
#: The laws count every token as new; beyond this many passes over the data it is not.
MOST_EPOCHS = 4.5
#: Labs that are one under two names, and would else be left out by half.
SAME_LAB = {"OLMo": "Bhagia2024"}


@dataclass(frozen=True)
class PublicLadder:
    """A data set as it is learned from.

    Attributes
    ----------
    dataset : its name in the registry.
    options : choices of :func:`bayeslaw.load_dataset`.
    without : families that are left out, for another set holds the same runs.
    """

    dataset: str
    options: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def load(self) -> Runs:
        """Load the runs, labs under one name, repeated data left out."""
        runs = load_dataset(self.dataset, **self.options)
        table = runs.table[~runs.table[names.FAMILY].isin(self.without)]
        if "epochs" in table:
            table = table[~(pd.to_numeric(table["epochs"], errors="coerce") > MOST_EPOCHS)]
        table = table.assign(**{names.LAB: table[names.LAB].replace(SAME_LAB)})
        return Runs(table.reset_index(drop=True), self.dataset, runs.notes)


PUBLIC_LADDERS = (
    PublicLadder("colpret_clean", without=("Chinchilla",)),
    PublicLadder("gadre_overtrain"),
    PublicLadder("gemstones", {"phase": "cooldown_end"}),
    PublicLadder("datablations"),
    PublicLadder("porian"),
    PublicLadder("olmo_ladder"),
    PublicLadder("chinchilla_epoch"),
    PublicLadder("gdm_routing"),
    PublicLadder("published"),
)


def public_ladder(dataset: str) -> PublicLadder:
    """Return how a data set is learned from; one that is not listed is taken whole."""
    known = {ladder.dataset: ladder for ladder in PUBLIC_LADDERS}
    return known.get(dataset, PublicLadder(dataset))


def joined(parts: list[Runs]) -> Runs:
    """Join tables whose families stay apart, whatever their runs are called.

    Parameters
    ----------
    parts : with other sources.

    Raises
    ------
    RunsError
        If two tables name a family of one lab alike, or none is given.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> row = {"params": [1e9], "tokens": 2e10, "loss": 2.5}
    >>> parts = [load_runs(pd.DataFrame({"family": name, **row})) for name in "ab"]
    >>> joined(parts).families
    ['a', 'b']
    """
    if not parts:
        raise RunsError("there is no table to learn from; expected one or more. Name a data set.")
    owner: dict[str, str] = {}
    tables = []
    for i, runs in enumerate(parts):
        for family in runs.families:
            if family in owner:
                raise RunsError(
                    f"family {shown(family)} is in both {owner[family]} and {runs.source}; "
                    "expected each family once. Rename one of them, or leave one table out."
                )
            owner[family] = runs.source
        table = runs.table[list(CANONICAL)]
        tables.append(table.assign(**{names.RUN: [f"{i}:{run}" for run in table[names.RUN]]}))
    return Runs(pd.concat(tables, ignore_index=True), ", ".join(r.source for r in parts))


def ladders_of(
    runs: Runs, at_most: int, *, families: int = 10, leave_out: tuple[str, ...] = ()
) -> dict[str, Runs]:
    """Part a table into its labs; families of few sizes are left out, long ones are thinned.

    Parameters
    ----------
    runs : the runs of several labs.
    at_most : runs kept per family, evenly spaced in the order of their compute.
    families : families kept per lab, evenly spaced in the order of the table.
    leave_out : labs that must not be seen.

    Returns
    -------
    dict
        From lab to its runs, checkpoints included; labs without a family of
        :data:`LEAST_SIZES` sizes are not in it.

    Raises
    ------
    RunsError
        If a lab to be left out is not there.
    """
    table = runs.table
    labs = list(dict.fromkeys(table[names.LAB]))
    if unknown := [lab for lab in leave_out if lab not in labs]:
        raise RunsError(
            f"there is no lab {shown(unknown[0])} to leave out; expected one of "
            f"{', '.join(shown(lab) for lab in labs)}. Take it out of the list, or correct it."
        )
    sizes = table.groupby(names.FAMILY)[names.PARAMS].transform("nunique")
    table = table[(sizes >= LEAST_SIZES) & ~table[names.LAB].isin(leave_out)]
    places = table.drop_duplicates(names.FAMILY).groupby(names.LAB, sort=False)
    few = [thinned(part.index.to_series(), families) for _, part in places]
    table = (
        table[table[names.FAMILY].isin(table.loc[pd.concat(few), names.FAMILY])] if few else table
    )
    ends = table.groupby([names.FAMILY, names.RUN], sort=False)[names.FLOPS].max()
    kept = [thinned(family, at_most) for _, family in ends.groupby(level=0, sort=False)]
    chosen = {run for part in kept for _, run in part.index}
    table = table[table[names.RUN].isin(chosen)]
    return {
        str(lab): Runs(part.reset_index(drop=True), f"{runs.source}: {lab}")
        for lab, part in table.groupby(names.LAB, sort=False)
    }


def thinned(values: pd.Series, at_most: int) -> pd.Series:
    """Keep so many values, evenly spaced in their order, the least and the largest among them.

    Examples
    --------
    >>> thinned(pd.Series([5.0, 1.0, 4.0, 2.0, 3.0]), 3).tolist()
    [1.0, 3.0, 5.0]
    """
    ordered = values.sort_values(kind="stable")
    places = np.linspace(0, len(ordered) - 1, min(at_most, len(ordered))).round().astype(int)
    return ordered.iloc[np.unique(places)]

"""Where each source of width is needed: one left out at a time, lab by lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from bayeslaw import names
from tests.benchmarks.labs_cards import (
    CLEAN,
    LADDERS,
    LARGEST,
    Lengths,
    card,
    clean,
    ladder,
    learned,
)

if TYPE_CHECKING:
    from bayeslaw.model import Spec
    from bayeslaw.runs import Runs

SMALL = 0.25  # of the discrepancy's scale
_SILENT = (1e-6, 1e-5)  # a run effect too small to matter


def _small(spec: Spec) -> Spec:
    gp = spec.discrepancy
    low, high = gp.scale  # type: ignore[union-attr]
    return replace(spec, discrepancy=replace(gp, scale=(SMALL * low, SMALL * high)))  # type: ignore[type-var]


def _silent(spec: Spec) -> Spec:
    return replace(spec, noise=replace(spec.noise, run=_SILENT))


VARIANTS: dict[str, Callable[[Spec], Spec]] = {
    "everything": lambda spec: spec,
    "small discrepancy": _small,
    "no discrepancy": lambda spec: replace(spec, discrepancy=None),
    "no run effects": _silent,
    "neither": lambda spec: replace(_silent(spec), discrepancy=None),
    "no pooling": lambda spec: replace(spec, pool="none"),
    "final losses only": lambda spec: replace(
        spec, checkpoints=replace(spec.checkpoints, at_most=1)
    ),
}


def ablation(lengths: Lengths, datasets: tuple[str, ...] = (CLEAN, *LADDERS)) -> pd.DataFrame:
    """Hide the largest size of every family and forecast it with one source of width left out.

    Each lab is fitted by itself, with priors that never saw it.

    Returns
    -------
    pandas.DataFrame
        One row per variant and lab of a data set: dataset, lab, variant, n_families, are, bias,
        crps, coverage50 to coverage95, width90 and worst_z.
    """
    rows = []
    for dataset in datasets:
        for lab, runs in _labs(dataset).items():
            spec = learned(lab)
            for variant, changed in VARIANTS.items():
                score = "tail" if dataset == CLEAN else "last"
                made = card(runs, LARGEST, changed(spec), lengths, score=score, parametric=False)
                row = made.by_lab.iloc[0].to_dict()
                rows.append({"dataset": dataset, "lab": lab, "variant": variant, **row})
    return pd.DataFrame(rows)


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the labs of ColPret, and over the single-lab ladders, by variant."""
    where = table["dataset"].eq(CLEAN).map({True: CLEAN, False: "single-lab ladders"})
    columns = ["mean_are", "bias", "crps", "coverage50", "coverage80", "coverage90",
               "coverage95", "width90", "worst_z"]  # fmt: skip
    return table.groupby([where.rename("where"), "variant"], sort=False)[columns].mean()


def _labs(dataset: str) -> dict[str, Runs]:
    runs = clean() if dataset == CLEAN else ladder(dataset)
    sizes = runs.table.groupby(names.FAMILY)[names.PARAMS].transform("nunique")
    labs = dict.fromkeys(runs.table.loc[sizes >= 3, names.LAB])
    return {lab: runs.drop(runs.table.index[runs.table[names.LAB] != lab]) for lab in labs}

"""Scores of models on benchmarks, with gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import FAMILY, FLOPS, LAB, PARAMS, TOKENS
from bayeslaw.runs.cells import is_missing, to_numbers
from bayeslaw.runs.problems import listed
from bayeslaw.tasks.benchmarks import Benchmark, describe
from bayeslaw.tasks.table import numbers, positive, read_table, renamed, share, texts

MODEL = "model"
SIZES = (PARAMS, TOKENS, FLOPS)


@dataclass(frozen=True, eq=False)
class SkillTable:
    """Scores of models on benchmarks.

    Attributes
    ----------
    models, family, lab : a label per model.
    sizes : parameters, tokens and training compute, shape (model, 3); NaN where unknown.
    share : scores as shares of items passed, shape (model, benchmark); NaN where missing.
    benchmarks : their names, numbers of items and guessing floors.
    source : what the table came from.
    """

    models: np.ndarray
    family: np.ndarray
    lab: np.ndarray
    sizes: np.ndarray
    share: np.ndarray
    benchmarks: tuple[Benchmark, ...]
    source: str = "table"

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.models)

    @property
    def names(self) -> list[str]:
        """Names of the benchmarks."""
        return [b.name for b in self.benchmarks]

    def where(self, keep: np.ndarray) -> SkillTable:
        """Return some of the models, by a mask or by indices."""
        return replace(
            self, models=self.models[keep], family=self.family[keep], lab=self.lab[keep],
            sizes=self.sizes[keep], share=self.share[keep],
        )  # fmt: skip

    def hide(self, cells: np.ndarray) -> SkillTable:
        """Return the table with the marked cells, shape (model, benchmark), missing."""
        return replace(self, share=np.where(cells, np.nan, self.share))


def load_skills(
    source: str | Path | pd.DataFrame,
    *,
    benchmarks: Sequence[str] | None = None,
    items: Mapping[str, float] | None = None,
    floors: Mapping[str, float] | None = None,
    rename: Mapping[str, str] | None = None,
) -> SkillTable:
    """Load a table of benchmark scores: one row per model, one column per benchmark.

    Parameters
    ----------
    source : CSV, Parquet or JSON lines file, or a DataFrame. Columns: model, family, optionally
        lab, params, tokens, flops; scores are shares from 0 to 1, and may be missing.
    benchmarks : the columns that hold scores; by default every other column of numbers.
    items : number of items of each benchmark, where it is not a common one.
    floors : share passed by guessing, likewise.
    rename : name wanted to name found.

    Returns
    -------
    SkillTable

    Raises
    ------
    RunsError
        Naming each bad cell, what was expected and what to do.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["a", "b"], "family": "f", "params": ["1B", "7B"],
    ...                       "tokens": "1T", "MMLU": [0.26, None]})
    >>> load_skills(frame).share.round(2).tolist()
    [[0.26], [nan]]
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    chosen = list(benchmarks) if benchmarks is not None else _numeric(raw)
    if not chosen:
        raise RunsError(f"{name}: no column of scores; expected one per benchmark, shares 0 to 1")
    twice = {b for b in chosen if chosen.count(b) > 1}
    if twice:
        raise RunsError(f"{name}: benchmarks {listed(sorted(twice))} were named twice")
    described = describe(chosen, items, floors)
    models, family = texts(raw, MODEL, name, rows), texts(raw, FAMILY, name, rows)
    lab = texts(raw, LAB, name, rows) if LAB in raw else family
    unique, counts = np.unique(models.astype(str), return_counts=True)
    if (counts > 1).any():
        raise RunsError(
            f"{name}: models {listed(unique[counts > 1].tolist())} occur more than once; expected "
            "one row per model; average or drop the copies"
        )
    columns = [positive(s, required=False, gaps=True) for s in SIZES]
    columns += [share(b, gaps=True) for b in chosen]
    table = numbers(raw, columns, name, rows)
    sizes = np.column_stack([table[s] if s in table else np.full(len(raw), np.nan) for s in SIZES])
    both = np.isfinite(sizes[:, 0] * sizes[:, 1]) & ~np.isfinite(sizes[:, 2])
    sizes[both, 2] = 6 * sizes[both, 0] * sizes[both, 1]
    return SkillTable(models, family, lab, sizes, table[chosen].to_numpy(float), described, name)


def _numeric(raw: pd.DataFrame) -> list[str]:
    """Return the columns, other than known ones, whose filled cells are all numbers."""
    out = []
    for column in raw.columns:
        if column in (MODEL, FAMILY, LAB, *SIZES) or is_missing(raw[column]).all():
            continue
        _, faults = to_numbers(raw[column])
        if not faults:
            out.append(column)
    return out

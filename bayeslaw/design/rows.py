"""The rows of a plan: checked numbers, replicates joined, checkpoints told from runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from bayeslaw import names
from bayeslaw.errors import RunsError, TargetError
from bayeslaw.runs import parse_quantity

SEEDS, EXTRA = "seeds", "extra"
_NEEDED = (names.PARAMS, names.TOKENS)


@dataclass(frozen=True)
class Row:
    """One loss that a plan would observe.

    Attributes
    ----------
    params, tokens, seeds, flops : the setting, replicates, and compute of each run up to here.
    family : empty for that of the target.
    run : empty for a run of its own; rows of one label are checkpoints of one run.
    extra : compute of each run besides ``flops``; below zero what was paid already.
    """

    params: float
    tokens: float
    seeds: int
    flops: float
    family: str = ""
    run: str = ""
    extra: float = 0.0

    @property
    def setting(self) -> tuple:
        """All but the number of seeds."""
        return (self.family, self.run, self.params, self.tokens, self.flops, self.extra)


COLUMNS = tuple(f.name for f in fields(Row))


def checked(plan: str, table: pd.DataFrame) -> tuple[Row, ...]:
    """Return the rows of a table, those of one setting joined.

    Raises
    ------
    TargetError
        If a column is missing, a number is not positive, or a run contradicts itself.
    """
    missing = [c for c in _NEEDED if c not in table]
    if missing or table.empty:
        raise TargetError(
            f"plan '{plan}' has {len(table)} rows and lacks {', '.join(missing) or 'nothing'}; "
            "expected rows with params, tokens and seeds."
        )
    columns = [c for c in COLUMNS if c in table]
    joined: dict[tuple, Row] = {}
    for cells in table[columns].itertuples(index=False, name=None):
        row = _row(plan, dict(zip(columns, cells, strict=True)))
        if row.setting not in joined:
            joined[row.setting] = row
        elif not row.run:
            # Rows of one setting are replicates, whether written on one row or on several; but a
            # checkpoint that is written twice is one checkpoint.
            before = joined[row.setting]
            joined[row.setting] = replace(before, seeds=before.seeds + row.seeds)
    rows = tuple(joined.values())
    for label in dict.fromkeys(r.run for r in rows if r.run):
        own = [r for r in rows if r.run == label]
        if len({(r.family, r.params, r.seeds, r.extra) for r in own}) > 1:
            raise TargetError(
                f"plan '{plan}' has run '{label}' with several families, params, seeds or extra "
                "compute; expected checkpoints of one run. Give other runs other labels."
            )
    return rows


def _row(plan: str, cells: dict[str, Any]) -> Row:
    n, d = (positive(cells[c], plan, c) for c in _NEEDED)
    seeds = positive(cells.get(SEEDS, 1), plan, SEEDS)
    if seeds % 1:
        raise TargetError(f"plan '{plan}' has seeds that are not whole numbers.")
    compute = cells.get(names.FLOPS)
    compute = 6.0 * n * d if _blank(compute) else positive(compute, plan, names.FLOPS)
    family, run = ("" if _blank(cells.get(c)) else str(cells[c]) for c in (names.FAMILY, names.RUN))
    extra = _extra(plan, cells.get(EXTRA))
    if compute + extra <= 0:
        raise TargetError(
            f"plan '{plan}' has a run of {compute:.3g} FLOP of which {-extra:.3g} are paid; "
            "expected something left to pay."
        )
    return Row(n, d, int(seeds), compute, family, run, extra)


def _extra(plan: str, value: Any) -> float:
    if _blank(value):
        return 0.0
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise TargetError(f"plan '{plan}', {EXTRA}: {value!a} is no number; expected FLOP.")
    return found


def positive(value: Any, plan: str, what: str) -> float:
    """Read a positive quantity of a plan."""
    try:
        return parse_quantity(value)
    except (RunsError, TypeError) as error:
        raise TargetError(f"plan '{plan}', {what}: {error}") from error


def _blank(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))

"""Choices between real recipes at the largest size, from smaller sizes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslaw import names
from tests.benchmarks.labs_cards import ladder, learned
from tests.benchmarks.ladders import fitted_quietly
from tests.benchmarks.report import Row, Section, at_most, shown

if TYPE_CHECKING:
    from bayeslaw.runs import Runs
    from tests.benchmarks.decisions_sizes import Sizes

TITLE = "Choices between real recipes at the largest size"
CLIMATOLOGY = 0.25
_SAME = 0.02  # e-folds within which two runs are of one size


@dataclass(frozen=True)
class Chosen:
    """One pair of recipes at one hidden size."""

    pool: str
    a: str
    b: str
    probability: float
    a_won: bool
    plain: float


def run(sizes: Sizes, cores: int) -> Section:
    """Hide the largest size of each pool, and choose between all pairs there."""
    found: list[Chosen] = []
    for pool, runs in _pools():
        found += judged(pool, runs, sizes)
        print(pool, len(found), file=sys.stderr, flush=True)
    return Section(5, TITLE, tuple(rows(found)), _NOTES)


_NOTES = (
    "Pairs of families at the largest common size and data, which are hidden; the plain ranking "
    "takes the winner at the largest size that is not. Pairs of one pool are not independent.",
)


def _pools():
    yield "gadre", ladder("gadre_overtrain").last()
    routing = ladder("gdm_routing").last()
    yield "gdm_routing", routing
    for corpus in ("rw", "owt2"):
        porian = ladder("porian").last()
        table = porian.table
        own = table[names.FAMILY].str.startswith(f"{corpus}|")
        # Families with one run per point: others end where their largest budget does.
        yield f"porian {corpus}", porian.drop(table.index[~own])


def judged(pool: str, runs: Runs, sizes: Sizes) -> list[Chosen]:
    """Return every pair of a pool at its largest common size."""
    from bayeslaw.design import compare
    from bayeslaw.prediction import Target

    table = runs.table
    tops = table.loc[table.groupby(names.FAMILY)[names.FLOPS].idxmax()].set_index(names.FAMILY)
    size = float(tops[names.PARAMS].median())
    tops = tops[np.abs(np.log(tops[names.PARAMS] / size)) < _SAME]
    if len(tops) < 2:
        return []
    kept = table[names.FAMILY].isin(tops.index)
    hidden = table[names.PARAMS] >= size * (1 - _SAME)
    training = runs.drop(table.index[hidden | ~kept])
    spec = learned(str(table[names.LAB].iloc[0]))
    fitted = fitted_quietly(training, spec, sizes.effort, 1, 0)
    out = []
    for a, b in combinations(tops.index, 2):
        if abs(np.log(tops.loc[a, names.TOKENS] / tops.loc[b, names.TOKENS])) > _SAME:
            continue
        target = Target(size, float(tops.loc[a, names.TOKENS]), kind="run")
        (pair,) = compare(fitted, target, families=[a, b], level=0.5001).pairs
        losses = tops.loc[a, names.LOSS], tops.loc[b, names.LOSS]
        plain = np.nan if pair.plain is None else float(pair.plain.a_better)
        won = bool(losses[0] < losses[1])
        out.append(Chosen(pool, str(a), str(b), pair.p_a_better, won, plain))
    return out


def rows(found: list[Chosen]) -> list[Row]:
    """Return the rows of the report."""
    table = pd.DataFrame([vars(c) for c in found])
    out: list[Row] = []
    for pool, own in [*table.groupby("pool", sort=False), ("all", table)]:
        p, won = own["probability"], own["a_won"].astype(float)
        brier = float(((p - won) ** 2).mean())
        right = float(((p > 0.5) == (won > 0.5)).mean())
        known = own["plain"].notna()
        plain = float((own["plain"] == won)[known].mean())
        error = np.sqrt(max(right * (1 - right), 1e-9) / len(own))
        out.append(at_most(f"{pool}, {len(own)} pairs: Brier score of P(A better)", brier,
                           CLIMATOLOGY))  # fmt: skip
        allowed = max(plain - 2 * error, 0.0)
        what = f"{pool}: accuracy; plain ranking {plain:.3f} ({int(known.sum())} pairs)"
        out.append(Row(what, right, "", f">= {allowed:.3f}", right >= allowed))
        sure = np.maximum(p, 1 - p) >= 0.9
        if sure.any():
            held = float(((p > 0.5) == (won > 0.5))[sure].mean())
            out.append(shown(f"{pool}: verdicts at 90 %, {int(sure.sum())}: right", held))
    return out

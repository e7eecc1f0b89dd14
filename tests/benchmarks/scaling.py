"""Item 3: what a fit costs as families and rows grow, and what the low-rank discrepancy costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from bayeslaw.inference import Fit
from bayeslaw.model import Discrepancy, Spec
from bayeslaw.runs import Runs
from tests.benchmarks.fitting import beyond, moments, timed_fit, verdict
from tests.benchmarks.fresh import Unmeasured, job, measure
from tests.benchmarks.report import Row, Section, at_most, failed, shown
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tables import simulated

TITLE = "Cost against families and rows"
GROWTH, SECONDS, MEMORY, LARGEST = 1.3, 120.0, 2048.0, 1000
FULL_RANK = 60  # of the discrepancy, in place of the default


def run(sizes: Sizes, cores: int) -> Section:
    """Time ``auto`` on simulated tables of growing size."""
    rows = [*family_rows(sizes, cores), *row_rows(sizes, cores)]
    notes = (
        "families: one fresh process per size, so the peak memory is that fit's; growth is judged "
        "on the second call without compile, so that a constant cost does not flatter it",
        f"rows: one family; what takes over as rows grow is the low rank of the discrepancy: "
        f"{Discrepancy().rank} components however many rows there are, what they miss being "
        f"independent between runs; here against rank {FULL_RANK}",
        f"checkpoints: the last half of each run, at most {Spec().checkpoints.at_most} rows",
    )
    return Section(3, TITLE, tuple(rows), notes)


def family_rows(sizes: Sizes, cores: int) -> list[Row]:
    """Return seconds and memory by number of families, and how they grow."""
    rows: list[Row] = []
    cost: dict[int, float] = {}
    for count in sizes.families:
        options = {"families": count, "rows": sizes.family_rows}
        task = job("simulated", "auto", calls=2, options=options, cores=cores, **sizes.fit)
        what = f"{count} families x {sizes.family_rows} rows"
        try:
            found = measure(task, sizes.limit)
        except Unmeasured as error:
            rows.append(failed(f"{what}: fit", error, "an answer"))
            rows += unmeasured(sizes, count)
            break
        cost[count] = found["calls"][1] - found["seconds"].get("compile", 0.0)
        rows += size_rows(what, count, found)
    return rows + growth_rows(cost)


def size_rows(what: str, count: int, found: dict[str, Any]) -> list[Row]:
    """Return the rows of one number of families."""
    health = "" if found["ok"] else ", NOT healthy"
    first, second = found["calls"]
    seconds = f"{what}: fit, first call"
    return [
        at_most(seconds, first, SECONDS, "s") if count >= LARGEST else shown(seconds, first, "s"),
        shown(f"{what}: second call", second, "s"),
        at_most(f"{what}: peak memory", found["peak"], MEMORY, "MiB"),
        shown(f"{what}: engine", f"{found['engine']}{health}: {found['reason']}"),
    ]


def unmeasured(sizes: Sizes, reached: int) -> list[Row]:
    """Return what is missed when a size has no answer: larger ones are not tried."""
    return [
        failed(f"{count} families: fit", f"{reached} families had no answer", "an answer")
        for count in sizes.families
        if count > reached
    ]


def growth_rows(cost: dict[int, float]) -> list[Row]:
    """Return exponents between neighbours, and the excess over linear between tenfold sizes."""
    sizes = sorted(cost)
    rows = [
        shown(f"exponent of growth, {few} to {many} families", exponent(cost, few, many))
        for few, many in pairwise(sizes)
    ]
    for few, many in combinations(sizes, 2):
        if many == 10 * few:
            excess = cost[many] / cost[few] / 10
            rows.append(at_most(f"time over linear, {few} to {many} families", excess, GROWTH))
    return rows


def exponent(cost: dict[int, float], few: int, many: int) -> float:
    """Return the slope of log cost against log size.

    Examples
    --------
    >>> exponent({10: 1.0, 100: 100.0}, 10, 100)
    2.0
    """
    return math.log(cost[many] / cost[few]) / math.log(many / few)


def row_rows(sizes: Sizes, cores: int) -> list[Row]:
    """Return seconds by rows of one family, and what the low rank costs in accuracy."""
    settings = {"cores": cores, **sizes.fit}
    timed_fit(simulated(1, sizes.rows[0]), None, "auto", **settings)  # compiles, untimed
    kept = Spec().checkpoints.at_most
    return [
        *kind_rows("final losses", sizes.rows, settings, lambda count: simulated(1, count)),
        # More checkpoints than are kept: the default thins them to the last half of each run.
        *kind_rows(
            f"rows of {kept} checkpoints a run", sizes.rows, settings,
            lambda count: simulated(1, count // kept, checkpoints=4 * kept),
        ),
    ]  # fmt: skip


def kind_rows(
    kind: str, counts: tuple[int, ...], settings: dict[str, Any], made: Callable[[int], Runs]
) -> list[Row]:
    """Return the rows of tables of growing size whose rows are of one kind."""
    rows: list[Row] = []
    cost: dict[int, float] = {}
    for count in counts:
        runs = made(count)
        targets = beyond(runs)
        short, seconds = timed_fit(runs, Spec(), "auto", **settings)
        cost[count] = seconds - _compile(short)
        full_spec = Spec(discrepancy=Discrepancy(rank=FULL_RANK))
        full, full_seconds = timed_fit(runs, full_spec, "auto", **settings)
        low, high = moments(short, targets), moments(full, targets)
        what = f"{count} {kind}"
        left = float(np.sqrt(short.layout.remainder.max()))
        rows += [
            shown(f"{what}: fit ({short.engine}, {verdict(short)})", cost[count], "s"),
            shown(f"{what}: rank {FULL_RANK}", full_seconds - _compile(full), "s"),
            shown(f"{what}: means apart at 10x compute, in s.d.", float(abs(low.apart(high)[0]))),
            shown(f"{what}: of that by chance (1 s.d.)", float(low.noise(high)[0])),
            shown(f"{what}: ratio of s.d.", float(low.sd[0] / high.sd[0])),
            shown(f"{what}: share of the discrepancy's s.d. that is left out, most", left),
        ]
        reason = short.reason
    rows.append(shown(f"{counts[-1]} {kind}: reason", reason))
    few, many = min(cost), max(cost)
    rows.append(shown(f"exponent of growth, {few} to {many} {kind}", exponent(cost, few, many)))
    return rows


def _compile(fitted: Fit) -> float:
    return dict(fitted.seconds).get("compile", 0.0)

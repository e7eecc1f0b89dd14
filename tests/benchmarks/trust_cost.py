"""Item 3: seconds and memory of a fit against families, runs, checkpoints and draws."""

from __future__ import annotations

from itertools import product

from tests.benchmarks.fresh import Unmeasured, job, measure
from tests.benchmarks.report import Row, Section, failed, shown
from tests.benchmarks.trust_sizes import Sizes

TITLE = "Cost of a fit: families x runs x checkpoints x draws"
CHAINS = 4


def run(sizes: Sizes, cores: int) -> Section:
    """Fit every combination in a process of its own."""
    rows = [
        cost_row(*cell, sizes.limit, cores)
        for cell in product(sizes.families, sizes.runs, sizes.checkpoints, sizes.chain)
    ]
    notes = (
        f"engine auto, {CHAINS} chains; seconds of the second call, so imports and compiles are "
        "left out; memory is the most that the process held, imports included",
        "a run's checkpoints are thinned to five of its last half by default; here it has as many",
    )
    return Section(3, TITLE, tuple(rows), notes)


def cost_row(
    families: int, runs: int, checkpoints: int, draws: int, limit: float, cores: int
) -> Row:
    """Return the cost of one combination."""
    what = f"{families} x {runs} x {checkpoints} x {CHAINS * draws}"
    options = {"families": families, "rows": runs, "checkpoints": checkpoints}
    task = job(
        "simulated", "auto", calls=2, options=options, draws=draws, chains=CHAINS, cores=cores
    )
    try:
        found = measure(task, limit)
    except Unmeasured as error:
        return failed(what, error, "an answer")
    health = "healthy" if found["ok"] else "; ".join(found["failures"])
    return shown(
        what, f"{found['calls'][1]:.2f} s, {found['peak']:.0f} MiB ({found['engine']}, {health})"
    )

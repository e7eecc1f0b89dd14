"""Item 7: what the first fit of a process waits for."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.fresh import Unmeasured, job, measure
from tests.benchmarks.report import Row, Section, at_most, failed, shown
from tests.benchmarks.sizes import Sizes

TITLE = "First fit in a fresh process, warm compile cache"
COMPILE = 3.0
ENGINES = ("collapsed", "quadrature")
TABLE = {"families": 5, "rows": 12}


def run(sizes: Sizes, cores: int) -> Section:
    """Fit twice in a fresh process, after another process has filled the compile cache."""
    rows: list[Row] = []
    settings = {**sizes.fit, "retry": False}
    for engine in ENGINES:
        task = job("simulated", engine, calls=2, options=TABLE, cores=cores, **settings)
        try:
            measure({**task, "calls": 1}, sizes.limit)
            rows += start_rows(engine, measure(task, sizes.limit))
        except Unmeasured as error:
            rows.append(failed(f"{engine}: compile", error, f"<= {COMPILE:g} s"))
    notes = (
        "compile as the fit reports it, and as the first call takes longer than the second; the "
        "difference also holds imports left to the fit, and chance",
    )
    return Section(7, TITLE, tuple(rows), notes)


def start_rows(engine: str, found: dict[str, Any]) -> list[Row]:
    """Return the rows of one engine."""
    first, second = found["calls"]
    return [
        shown(f"{engine}: whole process, two fits", found["wall"], "s"),
        shown(f"{engine}: imports", found["imports"], "s"),
        shown(f"{engine}: first call", first, "s"),
        shown(f"{engine}: second call", second, "s"),
        at_most(f"{engine}: compile as reported", found["compile"], COMPILE, "s"),
        at_most(f"{engine}: first call over second", first - second, COMPILE, "s"),
    ]

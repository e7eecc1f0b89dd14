"""Item 1: thirty real families, the largest model of each held out."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.fresh import Unmeasured, job, measure
from tests.benchmarks.plain import Plain, sample_plain
from tests.benchmarks.report import Row, Section, at_least, at_most, below, failed, shown
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tables import load

TITLE = "30 families of ColPret, largest models held out"
AUTO, COLLAPSED, RHAT, ESS, RATIO = 10.0, 60.0, 1.01, 400.0, 75.0
_BRIEF = {"draws": 20, "tune": 20, "chains": 2, "retry": False}


def run(sizes: Sizes, cores: int, table: str = "real_clean") -> Section:
    """Time ``auto`` and ``collapsed`` in fresh processes, and the plain graph beside them."""
    rows: list[Row] = []
    rates: dict[str, float] = {}
    for engine in ("auto", "collapsed"):
        try:
            found = timed(engine, sizes, cores, table)
        except Unmeasured as error:
            rows.append(failed(f"{engine}: wall", error, f"<= {_limit(engine):g} s"))
            continue
        rates[engine] = found["figures"]["ess"] / found["calls"][0]
        rows += engine_rows(engine, found)
    draws, tune = sizes.plain
    plain = sample_plain(load(table), draws=draws, tune=tune, limit=sizes.plain_limit)
    rows += plain_rows(plain, draws, tune)
    rows += ratio_rows(rates, plain)
    notes = (
        "fresh process: interpreter, imports, reading the data and the fit, up to the posterior; "
        "the compile cache is warm, because the same fit was made once before, briefly",
        "ESS per second: bulk ESS of the slowest population parameter over the seconds of the "
        "fit, warm-up and cached compile included; for the plain graph its compile is left out",
        "where the R-hat of the plain graph is far above 1, its chains have not met and their ESS "
        "is flattered: the ratios are lower bounds",
    )
    return Section(1, TITLE, tuple(rows), notes)


def timed(engine: str, sizes: Sizes, cores: int, table: str) -> dict[str, Any]:
    """Fit once in a fresh process, after another has filled the compile cache."""
    measure(job(table, engine, cores=cores, **_BRIEF), sizes.limit)
    return measure(job(table, engine, cores=cores, **sizes.fit), sizes.limit)


def engine_rows(engine: str, found: dict[str, Any]) -> list[Row]:
    """Return the rows of one engine."""
    figures = found["figures"]
    rows = [
        at_most(f"{engine}: wall, fresh process", found["wall"], _limit(engine), "s"),
        shown(f"{engine}: without imports and reading", found["calls"][0], "s"),
        shown(f"{engine}: of that compile", found["compile"], "s"),
        shown(f"{engine}: engine used", found["engine"]),
        shown(f"{engine}: reason", found["reason"]),
        shown(f"{engine}: health", "healthy" if found["ok"] else "; ".join(found["failures"])),
    ]
    rhat, ess = f"{engine}: R-hat, population", f"{engine}: bulk ESS of {figures['slowest']}"
    if engine != "collapsed":
        return [*rows, shown(rhat, figures["rhat"]), shown(ess, figures["ess"])]
    rows += [
        below(rhat, figures["rhat"], RHAT),
        at_most(f"{engine}: divergences", figures["divergences"], 0),
        at_least(ess, figures["ess"], ESS),
        shown(f"{engine}: draws", figures["draws"]),
    ]
    if figures["gradients"] is not None:
        rows.append(shown(f"{engine}: gradients per draw", figures["gradients"]))
    return rows


def plain_rows(plain: Plain, draws: int, tune: int) -> list[Row]:
    """Return the rows of the plain graph."""
    end = "finished" if plain.finished else "stopped at the limit"
    return [
        shown(f"plain: sampling, 2 chains of {tune} + {draws}, {end}", plain.sampling, "s"),
        shown("plain: compile", plain.compiling, "s"),
        shown("plain: draws kept", plain.draws),
        shown("plain: gradients per draw", plain.gradients if plain.draws else "no draws"),
        shown("plain: R-hat, population", plain.rhat),
        shown(f"plain: bulk ESS of {plain.slowest}", plain.ess),
        shown("plain: ESS per second", plain.rate),
    ]


def ratio_rows(rates: dict[str, float], plain: Plain) -> list[Row]:
    """Return how many times faster each engine makes effective draws than the plain graph."""
    what = "{}: ESS per second over that of the plain graph"
    rows = [shown(f"{engine}: ESS per second", rate) for engine, rate in rates.items()]
    for engine in ("auto", "collapsed"):
        if engine in rates:
            rows.append(at_least(what.format(engine), rates[engine] / plain.rate, RATIO))
        else:
            rows.append(failed(what.format(engine), f"{engine} did not run", f">= {RATIO:g}"))
    return rows


def _limit(engine: str) -> float:
    return AUTO if engine == "auto" else COLLAPSED

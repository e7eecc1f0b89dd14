"""Item 2: one family of 240 runs, beside a long reference and two published bootstraps."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayeslaw import names
from bayeslaw.prediction import Target
from bayeslaw.runs import Runs
from tests.benchmarks.fitting import Moments, moments, timed_fit, verdict
from tests.benchmarks.fresh import job, measure
from tests.benchmarks.peers import Additive, Bootstrap, huber_bootstrap, wild_least_squares
from tests.benchmarks.report import Row, Section, at_least, at_most, between, failed, shown
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tables import load

TITLE = "One family of 240 runs (Chinchilla), loss of 70B parameters on 1.4T tokens"
SECONDS, RATIO, APART, NARROW, WIDE = 0.5, 100.0, 0.05, 0.95, 1.05
PARAMS, TOKENS = 70e9, 1.4e12


def run(sizes: Sizes, cores: int, table: str = "chinchilla", options: Any = None) -> Section:
    """Time quadrature against the PyMC path and compare its forecast with a long run of NUTS."""
    runs = load(table, **(options or {}))
    targets = [
        Target(PARAMS, TOKENS, str(runs.table[names.FAMILY].iloc[0]), kind=kind)
        for kind in ("mean", "run")
    ]
    reference, seconds = timed_fit(runs, None, "pymc", cores=cores, **sizes.long)
    long = moments(reference, targets)
    draws = {"draws": sizes.single, "chains": 4, "cores": cores}
    rows = [
        shown("long NUTS reference: seconds", seconds, "s"),
        shown("long NUTS reference: health", verdict(reference)),
        shown("long NUTS reference: bulk ESS of the target", float(long.ess[0])),
        *target_rows("long NUTS reference", long),
    ]
    try:
        fast = measure(job(table, "quadrature", calls=2, options=options, **draws), sizes.limit)
        slow = measure(job(table, "pymc", options=options, retry=False, **draws), sizes.limit)
        rows += time_rows(fast, slow)
        fitted, _ = timed_fit(runs, None, "quadrature", **draws)
        rows += agreement_rows(moments(fitted, targets), long)
    except Exception as error:  # a path that fails is a result too, and the peers still run
        rows.append(failed("quadrature: seconds, and agreement", error, f"<= {SECONDS:g} s"))
    rows += peer_rows(runs, sizes)
    notes = (
        "first and second call of the same fit in one process, imports before both",
        "the bootstraps are our own code for the published procedures, without discrepancy; each "
        "refit starts at the optimum of the whole table, so their times are lower bounds",
    )
    return Section(2, TITLE, tuple(rows), notes)


def time_rows(fast: dict[str, Any], slow: dict[str, Any]) -> list[Row]:
    """Return seconds of the two paths for the same number of draws, and their ratios."""
    first, second = fast["calls"]
    made = f"{fast['figures']['draws']} draws"
    total, sampling = slow["calls"][0], slow["seconds"]["sample"]
    return [
        at_most(f"quadrature: {made}, second call", second, SECONDS, "s"),
        at_most(f"quadrature: {made}, first call", first, SECONDS, "s"),
        shown(f"pymc: {slow['figures']['draws']} draws, first call", total, "s"),
        shown("pymc: of that sampling", sampling, "s"),
        at_least("times faster, first calls, compile included", total / first, RATIO),
        at_least("times faster, sampling against second call", sampling / second, RATIO),
    ]


def target_rows(who: str, found: Moments) -> list[Row]:
    """Return mean and s.d. of the curve and of a new run."""
    return [
        shown(f"{who}: {kind}, {what}", float(values[i]), "nat/token")
        for i, kind in enumerate(("curve", "new run"))
        for what, values in (("mean", found.mean), ("s.d.", found.sd))
    ]


def agreement_rows(found: Moments, long: Moments) -> list[Row]:
    """Return how far a forecast lies from the reference, in its s.d."""
    rows = target_rows("quadrature", found)
    apart, ratio, noise = np.abs(found.apart(long)), found.sd / long.sd, found.noise(long)
    for i, kind in enumerate(("curve", "new run")):
        what = f"quadrature against reference, {kind}"
        rows += [
            at_most(f"{what}: means apart, in s.d.", float(apart[i]), APART),
            shown(f"{what}: of that by chance (1 s.d.)", float(noise[i])),
            between(f"{what}: ratio of s.d.", float(ratio[i]), NARROW, WIDE),
        ]
    return rows


def peer_rows(runs: Runs, sizes: Sizes) -> list[Row]:
    """Run both bootstraps and return their times and forecasts."""
    columns = [runs.table[n].to_numpy(float) for n in (names.PARAMS, names.TOKENS, names.LOSS)]
    data = Additive.of(*columns)
    rows = []
    for who, made in (
        (
            "wild least squares, as simple-scaling-laws",
            wild_least_squares(data, sizes.least_squares),
        ),
        ("Huber, rows resampled, as Besiroglu et al.", huber_bootstrap(data, sizes.huber)),
    ):
        rows.append(shown(f"{who}: {len(made.draws)} draws", made.seconds, "s"))
        rows += target_rows(who, _moments(made))
    return rows


def _moments(made: Bootstrap) -> Moments:
    both = np.stack(made.at(PARAMS, TOKENS))
    count = np.full(2, float(both.shape[1]))
    return Moments(both.mean(1), both.std(1, ddof=1), count)

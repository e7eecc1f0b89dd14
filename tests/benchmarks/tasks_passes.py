"""Item 3: rates from passes among samples are unbiased, and their intervals cover."""

from __future__ import annotations

import numpy as np

from bayeslaw.tasks.passes import fit_passes, rate_interval, unbiased_rate
from tests.benchmarks.report import Section, at_most, between, shown
from tests.benchmarks.tasks_simulated import coverage_of_rates, pass_counts, pass_rate

TITLE = "rare successes (PassUntil), simulated"
RATES, WANTED = (1e-5, 1e-4, 1e-3, 1e-2, 0.1), (2, 3, 5, 10)
LARGE = 2.4e9  # the size to forecast
SIZE_SD = 0.05  # of F, from size to size


def run(quick: bool, cores: int) -> Section:
    """Measure bias, coverage, the bound without a pass, and forecasts of a larger size."""
    rng = np.random.default_rng(0)
    bias, cover = [], {}
    for wanted in WANTED:
        for rate in RATES:
            samples = wanted + rng.negative_binomial(wanted, rate, 200_000)
            found = unbiased_rate(np.full(len(samples), wanted), samples)
            bias.append((found.mean() - rate) / (found.std() / np.sqrt(len(samples))))
            cover[wanted, rate] = coverage_of_rates(wanted, rate)
    rows = [
        at_most("bias of the rate in standard errors, r.m.s. over 20 cells of 200,000",
                float(np.sqrt(np.mean(np.square(bias)))), 1.5),
        between("coverage of 90 % intervals of a rate, mean over 20 cells",
                float(np.mean(list(cover.values()))), 0.86, 0.93),
        between("least coverage of the 20 cells", min(cover.values()), 0.86, 0.93),
        between("95 % upper bound without a pass in 1e5 samples, in 1e-5",
                1e5 * rate_interval(0, 100_000, 0.95)[1], 2.8, 3.2),
    ]  # fmt: skip
    held, called, shapes = [], [], []
    for i in range(5 if quick else 40):
        fit = fit_passes(pass_counts(rng, size_sd=SIZE_SD), draws=1000, seed=i)
        low, high = np.quantile(fit.rate(LARGE), [0.05, 0.95])
        truth = pass_rate(LARGE, departure=SIZE_SD * rng.standard_normal())
        held.append(low <= truth <= high)
        called.append(fit.verdict() == "accelerated")
        shapes.append(fit.tail_shape)
    rows += [
        between(f"coverage of the sixth size from five ({len(held)} tables)",
                float(np.mean(held)), 0.8, 0.98),
        at_most("straight laws called accelerated", float(np.mean(called)), 0.1),
        shown("largest Pareto shape of the fits", float(max(shapes))),
    ]  # fmt: skip
    return Section(3, TITLE, tuple(rows))

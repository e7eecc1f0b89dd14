"""Hu et al. 2023 (PassUntil): rare successes counted until some pass, and their law over sizes."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds, near
from bayeslaw.tasks.passes import PassCounts, fit_passes, rate_interval, unbiased_rate

SIZES = np.array([3e7, 1e8, 3e8, 7e8, 1.5e9])
TARGET = 2.4e9
EXPONENT, INSTANCES, WANTED, CAP = 0.3, 25, 3, 100_000
SIMULATIONS, DRAWS = 20, 600
INSTANCE_SD, SIZE_SD = 0.3, 0.05


def _level(params: np.ndarray) -> np.ndarray:
    """Return F = log(-log rate), a line in log size."""
    return 1.3 - EXPONENT * np.log(params / 2.5e8)


def simulated(rng: np.random.Generator) -> tuple[PassCounts, float]:
    """Return counts at five sizes, capped as theirs, and the true rate at a sixth."""
    f = _level(np.append(SIZES, TARGET)) + SIZE_SD * rng.standard_normal(len(SIZES) + 1)
    rate = np.exp(-np.exp(np.repeat(f[:-1], INSTANCES)
                          + INSTANCE_SD * rng.standard_normal(len(SIZES) * INSTANCES)))  # fmt: skip
    samples = WANTED + rng.negative_binomial(WANTED, rate).astype(float)
    passes = np.full(len(rate), float(WANTED))
    for i in np.flatnonzero(samples > CAP):
        samples[i], passes[i] = CAP, min(rng.binomial(CAP, rate[i]), WANTED - 1)
    many = f[-1] + INSTANCE_SD * np.random.default_rng(0).standard_normal(20_000)
    return (PassCounts(np.repeat(SIZES, INSTANCES), passes, samples),
            float(np.exp(-np.exp(many)).mean()))  # fmt: skip


def _replicate(seed: int) -> list[Claim]:
    rng = np.random.default_rng(seed)
    samples = 2 + rng.negative_binomial(2, 0.01, 100_000)
    unbiased = unbiased_rate(np.full(len(samples), 2), samples)
    means = Number.of(unbiased.mean() + unbiased.std() / np.sqrt(len(samples))
                      * rng.standard_normal(4000), 0.95)  # fmt: skip
    first = 1 / rng.geometric(0.01, 100_000)
    held, bent, exponents = [], [], []
    for i in range(SIMULATIONS):
        counts, truth = simulated(rng)
        fit = fit_passes(counts, draws=DRAWS, seed=seed + i)
        low, high = np.quantile(fit.rate(TARGET), [0.05, 0.95])
        held.append(low <= truth <= high)
        bent.append(fit.verdict() == "accelerated")
        exponents.append(float(np.median(fit.exponent)))
    bound = rate_interval(0, CAP, 0.95)[1]
    inside, called = float(np.mean(held)), float(np.mean(bent))
    return [
        close("mean of (r-1)/(K-1) at a rate of .01, r = 2", 0.01, means),
        near("mean of r/K at the same rate, r = 1", 0.0465, Number(float(first.mean())), 0.001),
        near("upper bound of a rate without a pass in 1e5, 95 %", 3e-5, Number(bound), 1e-6),
        holds(f"share of {SIMULATIONS} tables whose 90 % interval holds the rate at 2.4B",
              Number(inside), 0.8 <= inside <= 1, ".80 or more"),
        holds("share of straight laws called accelerated", Number(called), called <= 0.1,
              "at most .1"),
        close("exponent, the truth of the simulation", EXPONENT, Number.of(exponents)),
    ]  # fmt: skip


SYSTEM = System(
    "hu2023",
    "rates of rare successes follow a law over sizes, forecast from passes among samples",
    "arXiv:2310.03262",
    None,
    "no pass counts are public: 5 sizes x 25 instances simulated, 3 passes or 1e5 samples",
    _replicate,
)

"""Simulated tasks with known truths: pass counts, token accuracies, and benchmark tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import nbinom

from bayeslaw.tasks.mirage import Curve
from bayeslaw.tasks.passes import PassCounts, rate_interval

PASS_SIZES = np.array([3e7, 1e8, 3e8, 7e8, 1.5e9])
EXPONENT, INSTANCE_SD = 0.3, 0.3
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


def pass_level(params: np.ndarray, bend: float = 0.0) -> np.ndarray:
    """Return F = log(-log rate) of a typical instance: a line in log size, and a bend."""
    x = np.log(params / 2.5e8)
    return 1.3 - EXPONENT * x + bend * x**2


def pass_rate(params: float, bend: float = 0.0, departure: float = 0.0) -> float:
    """Return the true rate of the task: the mean over its instances."""
    f = pass_level(np.array([params]), bend) + departure + INSTANCE_SD * _NODES
    return float((np.exp(-np.exp(f)) * _WEIGHTS).sum() / _WEIGHTS.sum())


def pass_counts(
    rng: np.random.Generator, *, instances: int = 25, wanted: int = 3, cap: float = 1e5,
    bend: float = 0.0, size_sd: float = 0.0,
) -> PassCounts:  # fmt: skip
    """Sample every instance at every size until so many passed, or the cap."""
    size = np.repeat(PASS_SIZES, instances)
    f = pass_level(PASS_SIZES, bend) + size_sd * rng.standard_normal(len(PASS_SIZES))
    f = np.repeat(f, instances) + INSTANCE_SD * rng.standard_normal(len(size))
    p = np.exp(-np.exp(f))
    samples = wanted + rng.negative_binomial(wanted, p).astype(float)
    capped = samples > cap
    passes = np.full(len(size), float(wanted))
    # Below the cap fewer passed: the count of passes given that sampling went on to the cap.
    for i in np.flatnonzero(capped):
        while (found := rng.binomial(int(cap), p[i])) >= wanted:
            pass
        passes[i], samples[i] = found, cap
    return PassCounts(size, passes, samples)


def coverage_of_rates(wanted: int, rate: float, level: float = 0.9) -> float:
    """Return how often the interval of a rate holds it when sampling stops at so many passes.

    Exactly: both ends fall as the number of samples grows, so the interval holds the rate between
    two numbers of samples.
    """

    def first(is_past: Callable[[int], bool]) -> int:
        low, high = wanted - 1, wanted
        while not is_past(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if is_past(middle) else (middle, high)
        return high

    begins = first(lambda k: rate_interval(wanted, k, level)[0] <= rate)
    ends = first(lambda k: rate_interval(wanted, k, level)[1] < rate)
    fails = np.array([ends - 1, begins - 1]) - wanted
    below, above = nbinom.cdf(fails, wanted, rate)
    return float(below - above)


def token_curve(
    rng: np.random.Generator, *, broken: bool, tokens: int = 20_000, sizes: int = 9
) -> Curve:
    """Score so many tokens at sizes over four decades, of a skill that is a power law or breaks."""
    n = np.geomspace(1e7, 1e11, sizes)
    slope = -rng.uniform(0.2, 0.4)
    f = np.log(rng.uniform(0.7, 1.4)) + slope * np.log(n / n[2])
    if broken:
        at = n[rng.integers(3, sizes - 3)] * 1.5
        f = f + np.where(n > at, -rng.uniform(0.8, 1.6), 0.0)
    p = np.exp(-np.exp(f + 0.03 * rng.standard_normal(sizes)))
    right = np.clip(rng.binomial(tokens, p), 1, tokens - 1)
    return Curve(n, right / tokens, np.full(sizes, float(tokens)))


def skill_frame(
    rng: np.random.Generator, *, families: int = 8, models: int = 4, items: int = 2000
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores of models with one skill that grows with size, and their true shares."""
    loadings = {"reading": 0.9, "logic": 1.3, "facts": 0.7}
    levels = {"reading": 0.4, "logic": -0.8, "facts": 0.0}
    rows, truths = [], []
    for family in range(families):
        offset = 0.5 * rng.standard_normal()
        sizes = 10 ** np.sort(rng.uniform(8.5, 11, models))
        for i, params in enumerate(sizes):
            skill = 0.9 * np.log10(params / 3e9) + offset + 0.15 * rng.standard_normal()
            row = {"model": f"m{family}-{i}", "family": f"f{family}", "params": params,
                   "tokens": 20 * params}  # fmt: skip
            truth = {}
            for name, loading in loadings.items():
                eta = levels[name] + loading * skill + 0.08 * rng.standard_normal()
                truth[name] = 1 / (1 + np.exp(-eta))
                row[name] = rng.binomial(items, truth[name]) / items
            rows.append(row)
            truths.append(truth)
    return pd.DataFrame(rows), pd.DataFrame(truths)


def task_frame(
    rng: np.random.Generator, *, sizes: int = 8, items: int = 2000, chance: float = 0.25
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return runs of one family with losses and shares, and the truth at seven times the largest.

    The loss follows the additive law; the task is a sigmoid of it between chance and .95.
    """

    def loss(n: np.ndarray | float) -> np.ndarray | float:
        return 1.7 + 400 * n**-0.34 + 410 * (20 * n) ** -0.28

    def share(value: np.ndarray | float) -> np.ndarray | float:
        return chance + (0.95 - chance) / (1 + np.exp(-3.5 * (2.75 - value)))

    n = np.geomspace(5e7, 3e9, sizes)
    seen = loss(n) * np.exp(0.003 * rng.standard_normal(sizes))
    frame = pd.DataFrame({
        "family": "ours", "params": n, "tokens": 20 * n, "loss": seen,
        "share": rng.binomial(items, share(loss(n))) / items, "items": items,
    })  # fmt: skip
    large = 2e10
    truth = {"params": large, "tokens": 20 * large, "loss": float(loss(large)),
             "share": float(share(loss(large))),
             "threshold": 2.75 + np.log(0.95 / 0.05) / 3.5}  # fmt: skip
    return frame, truth

"""Simulated learning curves of classifiers, on which the model of curves is chosen.

Five ways for an error to fall, none of them the law that is fitted. Levels, exponents and noise
are round numbers around what arXiv:2209.06640 and arXiv:2505.23032 report or assume; designs (few
early checkpoints far apart, many late ones, targets to 2.1 times the data) are those of the former.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy.special import expit

from tests.benchmarks.curve_tables import Curve, simulated

_REACH = 2.12
_TARGETS = 12
_EXAMPLES = 400
# A curve is worth forecasting if it has fallen by a tenth, tenfold at most, and is an error rate.
_FALLEN, _LEAST, _MOST = (0.1, 0.9), 0.02, 1.3


def stages(log_x: np.ndarray, cut: float, rng: np.random.Generator) -> np.ndarray:
    """Fall after a delay, at a rate that changes smoothly up to twice."""
    beta = np.exp(rng.normal(-1.0, 0.5))
    fall = beta * _ramp(log_x, rng.uniform(-1.0, 0.6) * cut, np.exp(rng.normal(-0.5, 0.6)))
    for _ in range(rng.integers(0, 3)):
        at, width = rng.uniform(0.1, 1.0) * cut, np.exp(rng.normal(-1.0, 0.7))
        fall += beta * np.expm1(rng.normal(0.0, 0.5)) * _ramp(log_x, at, width)
    floor = rng.uniform(0, 0.6) ** 1.5 if rng.random() < 0.7 else 0.0
    return rng.uniform(0.4, 1.0) * (floor + (1 - floor) * np.exp(fall[0] - fall))


def broken(log_x: np.ndarray, cut: float, rng: np.random.Generator) -> np.ndarray:
    """Fall as a power with one or two breaks (arXiv:2210.14891), half of the time to a floor."""
    beta = np.exp(rng.normal(-1.5, 0.7))
    fall = beta * log_x
    for _ in range(rng.integers(1, 3)):
        at, width = rng.uniform(-0.5, cut), np.exp(rng.normal(-1.0, 0.8))
        fall += max(rng.normal(0.25, 0.3), -0.8 * beta) * _ramp(log_x, at, width)
    floor = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0
    return rng.uniform(0.3, 1.0) * (floor + (1 - floor) * np.exp(fall[0] - fall))


def sigmoid(log_x: np.ndarray, cut: float, rng: np.random.Generator) -> np.ndarray:
    """Solve M4 of arXiv:2209.06640, (e - floor) / (top - e)^a = k x^-c, by bisection."""
    top = 1.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.2)
    a, c = np.exp(rng.normal(0.0, 0.5)), np.exp(rng.normal(-0.7, 0.5))
    floor, middle = top * rng.uniform(0, 0.6), rng.uniform(-1.5, cut - 0.25)
    half = (1 - a) * np.log((top - floor) / 2)  # half-way at the middle
    low, high = np.full_like(log_x, floor + 1e-12), np.full_like(log_x, top - 1e-12)
    for _ in range(60):
        error = (low + high) / 2
        above = np.log(error - floor) - a * np.log(top - error) + c * (log_x - middle) > half
        low, high = np.where(above, low, error), np.where(above, error, high)
    return (low + high) / 2


def skills(log_x: np.ndarray, cut: float, rng: np.random.Generator) -> np.ndarray:
    """Average over examples, each learned around its own amount of data, some never."""
    groups = int(rng.integers(1, 4))
    middle, spread = rng.uniform(-1, cut + 3.25, groups), np.exp(rng.normal(0.6, 0.4, groups))
    group = rng.choice(groups, _EXAMPLES, p=rng.dirichlet(np.full(groups, 2.0)))
    skewed = rng.random() < 0.5
    unit = rng.gumbel(size=_EXAMPLES) if skewed else rng.standard_normal(_EXAMPLES)
    learned_at = middle[group] + spread[group] * unit
    known = expit((log_x[:, None] - learned_at) / np.exp(rng.normal(-0.3, 0.5))).mean(axis=1)
    return 1 - (1 - rng.uniform(0, 0.3)) * known


KINDS: tuple[Callable[..., np.ndarray], ...] = (stages, broken, sigmoid, skills)
"""Ways to fall: each takes log data since the first point, the log of the last seen, and a
generator, and returns errors without noise."""


def worlds(each: int, seed: int = 11) -> Iterator[Curve]:
    """Yield curves of every kind, and as many from the published prior of NSL-PFN."""
    for k, kind in enumerate(KINDS):
        for i in range(each):
            yield drawn(kind, np.random.default_rng([seed, k, i]), str(i))
    for curve in simulated(each, seed):
        yield replace(curve, model="published")


def drawn(kind: Callable[..., np.ndarray], rng: np.random.Generator, label: str) -> Curve:
    """Draw one curve of a kind."""
    while True:
        x, x_new = design(rng)
        log_x = np.log(np.concatenate([x, x_new]))
        error = kind(log_x, np.log(x[-1]), rng)
        left = error[len(x) - 1] / error[0]
        if _FALLEN[0] < left < _FALLEN[1] and error[-1] > _LEAST and error.max() < _MOST:
            break
    y, y_new = np.split(error * np.exp(_noise(log_x, error, len(x), rng)), [len(x)])
    return Curve("simulated", label, kind.__name__, x, y, x_new, y_new)


def design(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return data seen and asked: between evenly and geometrically spaced."""
    span, share = 10 ** rng.uniform(1.0, 2.7), np.linspace(0, 1, int(rng.integers(10, 72)))
    x = (span**share + 1 + (span - 1) * share) / 2
    return x, np.linspace(rng.uniform(1.06, 1.3), _REACH, _TARGETS) * span


def _ramp(log_x: np.ndarray, at: float, width: float) -> np.ndarray:
    return width * np.logaddexp(0, (log_x - at) / width)


def _noise(log_x: np.ndarray, error: np.ndarray, seen: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise of evaluations and slower wiggles that neighbouring checkpoints share."""
    level, n = np.exp(rng.normal(-4.7, 0.6)), len(log_x)
    apart = np.abs(log_x[:, None] - log_x) / np.exp(rng.normal(-1.0, 0.7))
    root = np.linalg.cholesky(np.exp(-apart) + 1e-9 * np.eye(n))
    wiggle = rng.uniform(0, 1) * root @ rng.standard_normal(n)
    own = rng.standard_t(6, n) if rng.random() < 0.5 else rng.standard_normal(n)
    if rng.random() < 0.5:  # a share of wrong answers scatters less where all are wrong
        right = np.maximum(1 - error, 0.03)
        own = own * np.sqrt(right / right[seen - 1])
    return level * (own + wiggle)

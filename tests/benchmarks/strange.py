"""Worlds that the model does not know: broken powers, coupled terms, recipes that drift.

Each is a loss as a function of size and data, drawn at random before any forecast is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

World = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Plain:
    """The additive law that a world departs from, with values as published ladders have them.

    Amplitudes are the losses owed to size and data in the middle of the ladder.
    """

    floor: float
    size: float
    data: float
    alpha: float
    beta: float
    middle: float

    @classmethod
    def drawn(cls, params: np.ndarray, rng: np.random.Generator) -> Plain:
        """Draw one for a ladder of these sizes."""
        middle = float(np.sqrt(params.min() * params.max()))
        floor = rng.uniform(1.4, 2.1)
        size, data = rng.uniform(0.2, 0.8, 2)
        alpha, beta = rng.uniform(0.2, 0.45, 2)
        return cls(floor, size, data, alpha, beta, middle)

    def terms(self, n: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what size and data owe."""
        size = self.size * (n / self.middle) ** -self.alpha
        return size, self.data * (d / (20 * self.middle)) ** -self.beta


def draw(
    kind: str, params: np.ndarray, reach: float, rng: np.random.Generator, severity: float = 1.0
) -> World:
    """Draw one world.

    Parameters
    ----------
    kind : one of :data:`KINDS`.
    params : sizes that are trained; breaks and drifts lie within them or not far beyond.
    reach : size of the farthest target.
    rng : random numbers.
    severity : multiplies how far the world departs from the additive law.

    Returns
    -------
    callable
        From params and tokens to loss without noise.
    """
    return KINDS[kind](Plain.drawn(params, rng), params, reach, rng, severity)


def _broken(
    plain: Plain, params: np.ndarray, reach: float, rng: np.random.Generator, severity: float
) -> World:
    """Each term changes its exponent once, by up to half either way."""
    change = np.clip(0.5 * severity * rng.uniform(-1, 1, 2), -0.9, None)
    sharp = rng.uniform(0.1, 0.6, 2)
    broke = params.min() * (reach / params.min()) ** rng.uniform(0, 1, 2)

    def bend(x: np.ndarray, power: float, i: int) -> np.ndarray:
        return (1 + x ** (1 / sharp[i])) ** (-change[i] * power * sharp[i])

    def loss(n: np.ndarray, d: np.ndarray) -> np.ndarray:
        size, data = plain.terms(n, d)
        # Breaks in data stand where models of 20 tokens per parameter meet them.
        size = size * bend(n / broke[0], plain.alpha, 0)
        return plain.floor + size + data * bend(d / (20 * broke[1]), plain.beta, 1)

    return loss


def _coupled(
    plain: Plain, params: np.ndarray, reach: float, rng: np.random.Generator, severity: float
) -> World:
    """Terms meet in a power mean, or give way in part to their product."""
    whole = plain.size + plain.data
    if rng.random() < 0.5:
        power = 2 ** (severity * rng.uniform(-1, 1))

        def mean(n: np.ndarray, d: np.ndarray) -> np.ndarray:
            size, data = plain.terms(n, d)
            # Twice the mean, so that equal terms add up to what they would in the additive law.
            return plain.floor + 2 * ((size**power + data**power) / 2) ** (1 / power)

        return mean
    share = min(1.0, severity * rng.uniform(0.1, 0.4))

    def product(n: np.ndarray, d: np.ndarray) -> np.ndarray:
        size, data = plain.terms(n, d)
        both = whole * (size / plain.size) * (data / plain.data)
        return plain.floor + (1 - share) * (size + data) + share * both

    return product


def _drifting(
    plain: Plain, params: np.ndarray, reach: float, rng: np.random.Generator, severity: float
) -> World:
    """Small models are tuned worse: by 1 to 5 % of the loss, and the best at some size."""
    worst = severity * rng.uniform(0.01, 0.05)
    middle = float(np.median(params))
    good = middle * (reach / middle) ** rng.uniform(0, 1)

    def loss(n: np.ndarray, d: np.ndarray) -> np.ndarray:
        short = np.log(good / n) / np.log(good / params.min())
        return (plain.floor + sum(plain.terms(n, d))) * np.exp(worst * np.clip(short, 0, 1))

    return loss


KINDS = {"broken powers": _broken, "coupled terms": _coupled, "drifting recipes": _drifting}

"""A number with an interval, as papers print it and as draws give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Number:
    """A value, and an interval of some level where there is one.

    Attributes
    ----------
    value : the number itself; the median if it comes from draws.
    low, high : ends of the interval, None if none was given.
    level : probability of the interval.
    """

    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.9

    @classmethod
    def of(cls, draws: Any, level: float = 0.9, value: float | None = None) -> Number:
        """Summarise draws, of any shape, by their median and central interval.

        Examples
        --------
        >>> Number.of(np.linspace(0, 1, 101), level=0.8)
        Number(value=0.5, low=0.1, high=0.9, level=0.8)
        """
        flat = np.asarray(draws, float).ravel()
        ends = np.quantile(flat, [(1 - level) / 2, (1 + level) / 2])
        middle = float(np.median(flat)) if value is None else float(value)
        return cls(middle, float(ends[0]), float(ends[1]), level)

    @property
    def width(self) -> float:
        """Width of the interval, not a number without one."""
        return float("nan") if self.low is None or self.high is None else self.high - self.low

    def holds(self, value: float) -> bool:
        """Return whether the interval holds a value."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high

    def __str__(self) -> str:
        """Write the value with the digits its interval warrants."""
        if self.low is None or self.high is None:
            return _short(self.value)
        ends = f"{_short(self.low, self.width)} to {_short(self.high, self.width)}"
        return f"{_short(self.value, self.width)} ({ends})"


def _short(value: float, width: float = 0.0) -> str:
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e5:
        return f"{value:.3g}"
    finest = min(abs(value) / 100, width / 10) if width > 0 else abs(value) / 1000
    places = int(min(max(np.ceil(-np.log10(finest)), 0), 6))
    return f"{value:.{places}f}"

"""Draws summed up as every command writes them."""

from __future__ import annotations

from typing import Any

import numpy as np

LEVELS = (50, 80, 90, 95)


def summary(draws: np.ndarray) -> dict[str, Any]:
    """Return median, mean, s.d. and central intervals of draws.

    Examples
    --------
    >>> summary(np.arange(101.0))["intervals"]["90"]
    [5.0, 95.0]
    """
    draws = np.asarray(draws, float)
    return {
        "median": float(np.median(draws)),
        "mean": float(draws.mean()),
        "sd": float(draws.std()),
        "intervals": intervals(draws),
    }


def intervals(draws: np.ndarray) -> dict[str, list[float]]:
    """Return the central intervals by level in percent."""
    return {
        str(level): np.quantile(draws, [(100 - level) / 200, (100 + level) / 200]).tolist()
        for level in LEVELS
    }

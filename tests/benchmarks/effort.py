"""How much work the calibration benchmark does: in full, quickly, or as a toy that only runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Effort:
    """Numbers of simulations and curves, and settings of every fit.

    Attributes
    ----------
    simulations : ladders drawn from the model's own prior.
    worlds : ladders drawn from laws that the model does not know.
    every : one curve in so many of each domain is forecast.
    fit : settings passed on to every fit.
    """

    simulations: int = 500
    worlds: int = 200
    every: int = 1
    fit: Mapping[str, Any] = field(default_factory=lambda: {"engine": "quadrature"})


FULL = Effort()
QUICK = Effort(simulations=50, worlds=30, every=6)
TOY = Effort(2, 3, 30, {"engine": "quadrature", "draws": 50, "chains": 2, "retry": False})

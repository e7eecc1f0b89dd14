"""How much of the benchmark of decisions is run."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.effort import Effort


@dataclass(frozen=True)
class Sizes:
    """Simulations, fits and draws.

    Attributes
    ----------
    simulations, many_simulations : refits per cell, and of the one cell that gets more.
    effort : of the fits.
    random_plans : random plans of one cost per pool.
    draws : draws of the fits that are timed.
    """

    simulations: int
    many_simulations: int
    effort: Effort
    random_plans: int
    draws: int = 1000


def _effort(draws: int) -> Effort:
    return Effort(fit={"engine": "quadrature", "draws": draws, "chains": 4, "retry": False})


FULL = Sizes(40, 200, _effort(500), 5)
QUICK = Sizes(6, 6, _effort(250), 2)

"""The break-even of plans: at which seed noise one overtakes another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayeslaw.design.beliefs import with_family
from bayeslaw.design.plan import Plan
from bayeslaw.design.value import Problem, pose
from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target


@dataclass(frozen=True, eq=False)
class BreakEven:
    """Expected s.d. of the target's curve after each plan, as seed noise grows.

    Attributes
    ----------
    seed_sds : s.d. of log loss between seeds.
    sds : expected s.d. of the curve after each plan, from name to one value per seed noise.
    crossings : (first plan, later plan, seed noise at which the later one becomes the better one),
        rising in it; two plans may cross more than once.
    seed_sd : what the fit believes the seed noise is.
    discrepancy_sd : what it believes the discrepancy at the target is.
    """

    seed_sds: np.ndarray
    sds: dict[str, np.ndarray]
    crossings: tuple[tuple[str, str, float], ...]
    seed_sd: float
    discrepancy_sd: float

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per seed noise: the expected s.d. of each plan, and the best one."""
        table = pd.DataFrame({"seed_sd": self.seed_sds, **self.sds})
        return table.assign(best=table[list(self.sds)].idxmin(axis=1))

    @property
    def text(self) -> str:
        """What the curve says, in a few lines."""
        lines = [
            f"Seed noise is believed to be {self.seed_sd:.2%}, the discrepancy at the target "
            f"{self.discrepancy_sd:.2%}."
        ]
        lines += [
            f"'{later}' overtakes '{first}' at a seed noise of {at:.2%}."
            for first, later, at in self.crossings
        ]
        if not self.crossings:
            best = self.table["best"].iloc[0]
            ends = self.seed_sds[[0, -1]]
            lines.append(f"'{best}' is best from {ends[0]:.2%} to {ends[1]:.2%} of seed noise.")
        return "\n".join(lines)


def break_even(
    fit: Fit,
    plans: Sequence[Plan],
    *,
    target: Target,
    seed_sds: Sequence[float] | None = None,
    seed: int = 0,
) -> BreakEven:
    """Return how plans compare as the seed noise of the runs to come grows.

    What the runs so far say of the curve stays as it is; only the noise of new runs changes.

    Parameters
    ----------
    fit : the posterior of the runs so far.
    plans : two or more, such as :meth:`Plan.one_large` and :meth:`Plan.many_small`.
    target : the curve to forecast.
    seed_sds : s.d. of log loss between seeds, rising; from .03 to 10 % unless given.
    seed : seed of the random numbers.

    Returns
    -------
    BreakEven

    Raises
    ------
    TargetError
        If there are fewer than two plans.
    """
    plans = list(plans)
    if len({p.name for p in plans}) < 2:
        raise TargetError(
            f"{len(plans)} plans were given; expected two or more with different names to compare."
        )
    target = replace(with_family(fit, target), kind="mean")
    grid = np.geomspace(3e-4, 0.1, 61) if seed_sds is None else np.asarray(seed_sds, float)
    problem = pose(fit, [target], plans, seed)
    sds = {p.name: np.array([_sd(problem, p, v) for v in grid**2]) for p in plans}
    curves = list(sds.items())
    crossings = []
    for i, (first, a) in enumerate(curves):
        for later, b in curves[i + 1 :]:
            lead = a - b
            for j in np.flatnonzero(np.diff(np.sign(lead)) != 0):
                share = lead[j] / (lead[j] - lead[j + 1])
                at = float(np.exp(np.log(grid[j]) + share * np.log(grid[j + 1] / grid[j])))
                ahead = (first, later) if lead[j] < 0 else (later, first)
                crossings.append((*ahead, at))
    own = problem.noise[str(target.family)]
    found = tuple(sorted(crossings, key=lambda c: c[-1]))
    return BreakEven(grid, sds, found, own.total**0.5, problem.variance.discrepancy**0.5)


def _sd(problem: Problem, plan: Plan, seed_variance: float) -> float:
    noise = {k: replace(v, seed=seed_variance, checkpoint=0.0) for k, v in problem.noise.items()}
    return problem.sd_after(plan, noise)

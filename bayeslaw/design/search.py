"""Building the best plan from a pool: greedy by information per cost, then exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.design.beliefs import Beliefs, beliefs, family_draws, with_family
from bayeslaw.design.candidates import _budget, default_pool
from bayeslaw.design.noise import run_noise
from bayeslaw.design.plan import Plan
from bayeslaw.design.rows import SEEDS
from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target

NAME = "best of pool"
# Exponents of the cost in the greedy score. Information per cost (1) under-uses large runs and
# information alone (0) small ones; .4 is the value of arXiv:2604.22753. The best end wins.
_EXPONENTS = (0.0, 0.4, 1.0)
_MOST_RUNS, _MOST_SWAPS = 40, 40
# Draws of the law that the search looks at; the plan it ends with is judged by all of them.
_DRAWS = 1000


def best_plan(
    fit: Fit,
    budget: float | str,
    *,
    target: Target,
    pool: pd.DataFrame | None = None,
    most_runs: int = _MOST_RUNS,
    seed: int = 0,
) -> Plan:
    """Build the plan from a pool of runs that narrows the forecast of a target most.

    Runs are added by the variance they remove per cost, conditioning on those chosen already; then
    single runs are exchanged as long as that helps. A setting may be chosen more than once: those
    are seeds.

    Parameters
    ----------
    fit : the posterior of the runs so far.
    budget : compute in FLOP for the whole plan.
    target : the run to forecast.
    pool : runs to choose from, with columns params, tokens and, if wanted, flops, and seeds: how
        many of a setting there are, without end unless given. Sizes up to the budget at several
        ratios if there is no pool.
    most_runs : runs in the plan at most.
    seed : seed of the random numbers, which matter only for a new family.

    Returns
    -------
    Plan
        Named "best of pool"; judge it beside others with :func:`bayeslaw.decide`.

    Raises
    ------
    TargetError
        If nothing in the pool can be paid.
    """
    budget, target = _budget(budget), with_family(fit, target)
    table = Plan(NAME, default_pool(budget, target) if pool is None else pool).runs
    cost = table[names.FLOPS].to_numpy(float)
    if not (cost <= budget * (1 + 1e-9)).any():
        raise TargetError(
            f"a budget of {budget:.3g} FLOP pays for nothing in a pool whose cheapest run costs "
            f"{cost.min():.3g}; expected one that does. Add smaller runs or raise the budget."
        )
    family = str(target.family)
    points = [replace(target, kind="mean")]
    points += [
        Target(n, d, family, c, "mean", target.inputs)
        for n, d, c in zip(table[names.PARAMS], table[names.TOKENS], cost, strict=True)
    ]
    own = family_draws(fit, family, seed)
    believed = beliefs(fit, points, {family: own}, at_most=_DRAWS)
    most = np.full(len(table), np.inf)
    if pool is not None and SEEDS in pool:
        most = table[SEEDS].to_numpy(float)
    state = _Pool(believed, run_noise(fit, own, family).total, cost, budget, most)
    ends = [state.exchanged(state.greedy(kappa, most_runs), most_runs) for kappa in _EXPONENTS]
    chosen = min(ends, key=state.left)
    counts = pd.Series(chosen).value_counts(sort=False)
    rows = table.iloc[counts.index.to_numpy()][[names.PARAMS, names.TOKENS, names.FLOPS]]
    return Plan(NAME, rows.assign(seeds=counts.to_numpy()))


@dataclass(eq=False)
class _Pool:
    """Covariances of the target and of a pool, worked out column by column as asked for."""

    believed: Beliefs
    noise: float
    cost: np.ndarray
    budget: float
    most: np.ndarray
    columns: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        drawn = self.believed.law + self.believed.known
        self._drawn = drawn - drawn.mean(axis=0)
        self._scale = 1.0 / (len(drawn) - 1)
        self._diagonal = (self._drawn**2).sum(axis=0) * self._scale
        self._diagonal = self._diagonal + self.believed.rest.diagonal()

    def column(self, i: int) -> np.ndarray:
        """Return the covariance of point i (0 is the target) with all points."""
        if i not in self.columns:
            own = self._drawn[:, i] @ self._drawn * self._scale
            self.columns[i] = own + self.believed.rest[i]
        return self.columns[i]

    def _step(self, i: int, told: list[np.ndarray]) -> np.ndarray:
        """Return what a noisy run i adds to what is known of every point."""
        own = self.column(i + 1).copy()
        for step in told:
            own -= step * step[i + 1]
        return own / np.sqrt(own[i + 1] + self.noise)

    def _known(self, chosen: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return covariances with the target and variances, given the chosen runs.

        And how both would grow were one of them taken back: loadings (chosen, points) and their
        precisions.
        """
        if not chosen:
            none = np.zeros((0, len(self._diagonal)))
            return self.column(0), self._diagonal, none, np.zeros(0)
        shared = np.stack([self.column(i + 1) for i in chosen])
        at = [i + 1 for i in chosen]
        precision = np.linalg.inv(shared[:, at] + self.noise * np.eye(len(at)))
        loading = precision @ shared
        with_target = self.column(0) - shared[:, 0] @ loading
        variance = self._diagonal - (shared * loading).sum(axis=0)
        return with_target, variance, loading, precision.diagonal()

    def left(self, chosen: list[int]) -> float:
        """Return the variance of the target given the chosen runs."""
        return float(self._known(chosen)[1][0])

    def gains(self, with_target: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return by how much each run of the pool would lower the target's variance."""
        told = np.maximum(variance[..., 1:], 0.0) + self.noise
        return with_target[..., 1:] ** 2 / told

    def used_up(self, chosen: list[int]) -> np.ndarray:
        """Mark the settings of which all runs there are were chosen."""
        return np.bincount(np.asarray(chosen, int), minlength=len(self.cost)) >= self.most

    def greedy(self, kappa: float, most: int) -> list[int]:
        """Add runs by gain over cost to a power, until nothing more can be paid."""
        chosen: list[int] = []
        told: list[np.ndarray] = []
        with_target, variance = self.column(0).copy(), self._diagonal.copy()
        rest = self.budget * (1 + 1e-9)
        while len(chosen) < most:
            score = self.gains(with_target, variance) / self.cost**kappa
            score[(self.cost > rest) | self.used_up(chosen)] = -1.0
            best = int(score.argmax())
            if score[best] <= 0:
                break
            chosen.append(best)
            rest -= self.cost[best]
            told.append(self._step(best, told))
            with_target -= told[-1] * told[-1][0]
            variance -= told[-1] ** 2
        return chosen

    def exchanged(self, chosen: list[int], most: int) -> list[int]:
        """Exchange single runs, or fill what is left of the budget, while the variance falls."""
        for _ in range(_MOST_SWAPS):
            with_target, variance, loading, precision = self._known(chosen)
            spare = self.budget * (1 + 1e-9) - self.cost[chosen].sum()
            # One row per run that could be taken back, and a last one for taking none back.
            back = loading / np.sqrt(precision)[:, None]
            back = np.vstack([back, np.zeros(len(variance))])
            gains = self.gains(with_target + back[:, :1] * back, variance + back**2)
            spared = spare + np.append(self.cost[chosen], 0.0)
            gains[(self.cost > spared[:, None]) | self.used_up(chosen)] = -np.inf
            if len(chosen) == most:
                gains[-1] = -np.inf
            after = variance[0] + back[:, 0] ** 2 - gains.max(axis=1)
            i = int(after.argmin())
            if not after[i] < variance[0] * (1 - 1e-4):
                break
            chosen = [*chosen[:i], *chosen[i + 1 :], int(gains[i].argmax())]
        return chosen

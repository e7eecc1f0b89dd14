"""Rates of success too rare for a fixed number of samples: sample until enough pass (PassUntil).

An instance is sampled until ``r`` answers pass or a cap is reached; the number of samples K has a
negative binomial distribution, censored at the cap. Over sizes N the rate of the task follows
``rate = exp(-c N^-alpha)``, so that ``F = log(-log rate)`` is a straight line in log N. Where F is
concave the rate rises faster than the law, which is called accelerated emergence.

References: arXiv:2310.03262.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import beta

from bayeslaw.errors import FitError, RunsError, TargetError
from bayeslaw.names import PARAMS
from bayeslaw.runs.problems import Problem, refuse
from bayeslaw.tasks.importance import Weighted, weigh
from bayeslaw.tasks.summary import summary
from bayeslaw.tasks.table import numbers, positive, read_table, renamed, whole

PASSES, SAMPLES = "passes", "samples"
LEAST_SIZES = 3
#: Priors, normal, at the geometric mean of the sizes: F, its slope per e-fold of size, its
#: curvature per squared e-fold, and the logarithms of two spreads in F, of a size and an instance.
LEVEL, SLOPE, CURVATURE = (0.5, 1.5), (-0.3, 0.3), (0.0, 0.15)
SIZE_SPREAD, INSTANCE_SPREAD = (np.log(0.05), 0.7), (np.log(0.3), 0.8)
DRAWS = 4_000
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(13)  # of an instance
_OUTER, _OUTER_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)  # of a size


@dataclass(frozen=True, eq=False)
class PassCounts:
    """Passes among samples: a row per instance and size.

    Attributes
    ----------
    params : size of the model.
    passes, samples : passes seen, and samples drawn until sampling stopped.
    source : what the table came from.
    """

    params: np.ndarray
    passes: np.ndarray
    samples: np.ndarray
    source: str = "table"

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.params)


def load_passes(
    source: str | Path | pd.DataFrame, *, rename: Mapping[str, str] | None = None
) -> PassCounts:
    """Load a table of pass counts: columns params, passes and samples.

    A row that stopped at the cap before its passes were reached holds the passes it had; whether
    sampling was stopped by passes or by a cap does not change the likelihood of the rate (for
    intervals of single rates that cover, see ``capped`` in :func:`rate_interval`).

    Raises
    ------
    RunsError
        Naming each bad cell; passes may not exceed samples.

    Examples
    --------
    >>> len(load_passes(pd.DataFrame({"params": ["1B"], "passes": [2], "samples": [940]})))
    1
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    table = numbers(raw, [positive(PARAMS), whole(PASSES, 0), whole(SAMPLES, 1)], name, rows)
    over = table[PASSES] > table[SAMPLES]
    if over.any():
        bad = tuple((int(i) + 1, table[PASSES].iloc[i]) for i in np.flatnonzero(over))
        problem = Problem(PASSES, bad, "no more than the samples of the row", "correct the row")
        refuse(name, [problem], rows)
    params, passes, samples = table[[PARAMS, PASSES, SAMPLES]].to_numpy(float).T
    return PassCounts(params, passes, samples, name)


def unbiased_rate(passes: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the unbiased estimate of a rate from samples drawn until ``passes`` passed.

    ``(r - 1) / (K - 1)`` for r of at least 2, and never r / K, which is too high: for r = 1 and a
    rate of .01 by a factor of 4.7.

    Raises
    ------
    RunsError
        If some row has fewer than two passes: nothing unbiased can be said of it.

    Examples
    --------
    >>> unbiased_rate(np.array([2]), np.array([101])).tolist()
    [0.01]
    """
    passes, samples = np.asarray(passes, float), np.asarray(samples, float)
    if (passes < 2).any():
        raise RunsError(
            f"{int((passes < 2).sum())} rows have fewer than 2 passes; expected at least 2 for an "
            "unbiased estimate; use rate_interval, which needs none"
        )
    return (passes - 1) / (samples - 1)


def rate_interval(
    passes: float, samples: float, level: float = 0.9, *, capped: bool = False
) -> tuple[float, float]:
    """Return a central credible interval of one rate, by the Jeffreys prior in p.

    The likelihood is proportional to ``p^r (1-p)^(K-r)`` however sampling was stopped, but the
    prior by which intervals cover is not the same: ``1 / p`` where the last pass ended it, and
    ``p^-1/2`` where a number of samples did (both times ``(1-p)^-1/2``).

    Parameters
    ----------
    passes, samples : r and K.
    level : of the interval.
    capped : whether a number of samples set beforehand ended it, not the last pass. Without a
        pass nothing else can have, and the interval starts at 0 and leaves all doubt above it.

    Returns
    -------
    Both ends, shares.

    Raises
    ------
    RunsError
        If there are more passes than samples.

    Examples
    --------
    >>> [float(f"{x:.2g}") for x in rate_interval(0, 100_000, 0.95)]
    [0.0, 3e-05]
    """
    if passes > samples or passes < 0 or samples < 1:
        raise RunsError(f"{passes:g} passes of {samples:g} samples; expected 0 to all of them")
    if passes == 0:
        # The uniform prior for the bound alone: 3 / K, the rule of three.
        return 0.0, float(beta.ppf(level, 1, samples + 1))
    a, b = passes + 0.5 * capped, samples - passes + 0.5
    tail = (1 - level) / 2
    high = 1.0 if passes == samples else float(beta.ppf(1 - tail, a, b))
    return float(beta.ppf(tail, a, b)), high


@dataclass(frozen=True, eq=False)
class PassFit:
    """A fitted law of rare successes.

    Attributes
    ----------
    counts : what it was fitted to.
    reference : size at which level and slope are taken, the geometric mean.
    draws : F at the reference, slope, curvature and log spreads; shape (draw, 5).
    p_concave : posterior probability that F is concave, the emergence accelerated; a priori half.
    log_bayes : log Bayes factor of a curved F against a straight one.
    tail_shape : Pareto shape of the importance weights; above .7 the draws are not to be trusted.
    """

    counts: PassCounts
    reference: float
    draws: np.ndarray
    p_concave: float
    log_bayes: float
    tail_shape: float
    seed: int

    @property
    def exponent(self) -> np.ndarray:
        """Draws of alpha, at the reference size."""
        return -self.draws[:, 1]

    def verdict(self) -> str:
        """Say whether the emergence is accelerated."""
        if self.log_bayes > 0 and self.p_concave > 0.95:
            return "accelerated"
        if self.log_bayes > 0 and self.p_concave < 0.05:
            return "decelerated"
        return "as the law"

    def rate(self, params: Any, *, new_size: bool = True) -> np.ndarray:
        """Draw the rate of the task at sizes, shape (draw, size): the mean over its instances."""
        params = np.atleast_1d(np.asarray(params, float))
        if not (np.isfinite(params) & (params > 0)).all():
            raise TargetError("a size is not a positive number; give parameters such as 2.4e9")
        rng = np.random.default_rng(self.seed)
        x = np.log(params / self.reference)
        level, slope, bend, size_sd, instance_sd = self.draws.T
        f = level[:, None] + slope[:, None] * x + bend[:, None] * x**2
        if new_size:
            f = f + np.exp(size_sd)[:, None] * rng.standard_normal(f.shape)
        nodes = f[..., None] + np.exp(instance_sd)[:, None, None] * _NODES
        return (np.exp(-np.exp(np.minimum(nodes, 30.0))) * _WEIGHTS).sum(-1) / _WEIGHTS.sum()

    def seen(self) -> list[dict[str, Any]]:
        """Return median and intervals of the rate at each size seen, without new departures."""
        sizes = np.unique(self.counts.params)
        rates = self.rate(sizes, new_size=False)
        return [{"params": float(n), **summary(rates[:, i])} for i, n in enumerate(sizes)]

    def forecast(self, params: Any) -> list[dict[str, Any]]:
        """Return median and intervals of the rate at each size."""
        sizes = np.atleast_1d(np.asarray(params, float))
        rates = self.rate(sizes)
        largest = float(self.counts.params.max())
        return [
            {"params": float(n), **summary(rates[:, i]), "extrapolation_factor": float(n) / largest}
            for i, n in enumerate(sizes)
        ]


def fit_passes(counts: PassCounts, *, draws: int = DRAWS, seed: int = 0) -> PassFit:
    """Fit the law of rare successes to pass counts over sizes.

    Parameters
    ----------
    counts : a row per instance and size; instances without a pass are as good as any.
    draws : posterior draws.
    seed : seed of the draws.

    Returns
    -------
    PassFit

    Raises
    ------
    RunsError
        If there are fewer than three sizes, or no pass at all.
    FitError
        If no posterior mode is found.

    References
    ----------
    arXiv:2310.03262.
    """
    sizes, where = np.unique(counts.params, return_inverse=True)
    if len(sizes) < LEAST_SIZES:
        raise RunsError(
            f"{counts.source}: {len(sizes)} sizes; a law over sizes needs at least {LEAST_SIZES}"
        )
    if counts.passes.sum() == 0:
        raise RunsError(
            f"{counts.source}: not one sample passed; expected some passes at the largest size; "
            "raise the cap, or bound each rate with rate_interval"
        )
    reference = float(np.exp(np.log(sizes).mean()))
    problem = _Problem(np.log(sizes / reference), where, counts.passes, counts.samples)
    curved, evidence = problem.posterior(curved=True, draws=draws, seed=seed)
    _, straight = problem.posterior(curved=False, draws=draws, seed=seed)
    bend = curved.draws[:, 2]
    return PassFit(
        counts, reference, curved.draws, float((bend < 0).mean()), evidence - straight,
        curved.tail_shape, seed,
    )  # fmt: skip


@numba.njit(cache=True, error_model="numpy")
def _row_totals(
    rate: np.ndarray, fails: np.ndarray, where: np.ndarray, passed: np.ndarray,
    failed: np.ndarray, weights: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the log likelihood of each size at outer nodes, instances integrated out."""
    sizes, outer, inner = rate.shape
    out = np.zeros((sizes, outer))
    cell = np.empty(inner)
    for row in range(len(where)):
        s = where[row]
        for a in range(outer):
            top = -np.inf
            for b in range(inner):
                cell[b] = passed[row] * rate[s, a, b] + failed[row] * fails[s, a, b]
                top = max(top, cell[b])
            total = 0.0
            for b in range(inner):
                total += weights[b] * math.exp(cell[b] - top)
            out[s, a] += top + math.log(total)
    return out


@dataclass(frozen=True, eq=False)
class _Problem:
    """Counts with the departures of instances and sizes integrated out by quadrature.

    Parameters are level, slope, curvature, and the log spreads of sizes and instances.
    """

    x: np.ndarray
    where: np.ndarray
    passes: np.ndarray
    samples: np.ndarray

    def log_density(self, theta: np.ndarray, curved: bool) -> float:
        """Return the log posterior density; a straight law has no curvature to be judged."""
        level, slope, bend, size_sd, instance_sd = theta
        means, sds = np.array([LEVEL, SLOPE, CURVATURE, SIZE_SPREAD, INSTANCE_SPREAD]).T
        u = (theta - means) / sds
        if max(abs(size_sd), abs(instance_sd)) > 10:
            return -np.inf
        f = level + slope * self.x + (bend * self.x**2 if curved else 0.0)
        f = f[:, None] + np.exp(size_sd) * _OUTER
        nodes = np.minimum(f[:, :, None] + np.exp(instance_sd) * _NODES, 6.0)
        rate = -np.exp(nodes)  # log of the rate, shape (size, outer, inner)
        fails = np.log(-np.expm1(np.minimum(rate, -1e-12)))
        sizes = _row_totals(
            rate, fails, self.where, self.passes, self.samples - self.passes,
            _WEIGHTS / _WEIGHTS.sum(),
        )  # fmt: skip
        sizes = sizes + np.log(_OUTER_WEIGHTS / _OUTER_WEIGHTS.sum())
        total = np.logaddexp.reduce(sizes, axis=1).sum()
        return float(total - 0.5 * u @ u)

    def posterior(self, *, curved: bool, draws: int, seed: int) -> tuple[Weighted, float]:
        """Return draws of the parameters, and the log evidence up to a shared constant."""
        share = np.bincount(self.where, self.passes) + 0.5
        share /= np.bincount(self.where, self.samples) + 1
        slope, level = np.polyfit(self.x, np.log(-np.log(np.minimum(share, 0.98))), 1)
        start = np.array([level, slope, 0.0, SIZE_SPREAD[0], INSTANCE_SPREAD[0]])

        def negative(theta: np.ndarray) -> float:
            return -self.log_density(theta, curved)

        found: Any = minimize(negative, start, method="BFGS", options={"gtol": 1e-3})
        if not np.isfinite(found.fun):
            raise FitError("no posterior mode was found; check passes and samples for typing slips")
        weighted = weigh(lambda t: self.log_density(t, curved), found.x, draws=draws, seed=seed)
        return weighted, weighted.log_evidence

"""From loss to task: accuracy as a curve of the loss, with a threshold, carried through a forecast.

``share = g + (c - g) sigmoid(k (L0 - L))^v`` with binomial counts and a jitter between models; the
power v lets the way up be longer than the way down. Two steps make a forecast of a task: the law
says the loss of a larger model, the curve what accuracy goes with it, and each draw of one meets a
draw of the other.

References: arXiv:2403.08540, arXiv:2403.15796.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logit

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.names import LOSS
from bayeslaw.tasks.importance import weigh
from bayeslaw.tasks.table import numbers, positive, read_table, renamed, share, whole

SHARE, ITEMS = "share", "items"
LEAST_ROWS = 4
LEAVES = 0.05  #: of the way from chance to the ceiling, at which a task has left chance
#: Priors, normal: log steepness per nat; logit of how far the ceiling lies above chance; log jitter
#: in logits; log power. The middle of the curve lies within the losses seen, give or take their
#: spread.
STEEPNESS, CEILING, JITTER = (np.log(3.0), 0.8), (2.5, 1.2), (np.log(0.1), 0.8)
POWER = (0.0, 0.5)
MIDDLE_SD = 2.0  #: in spreads of the losses
KINK = (np.log(0.2), 1.0)  #: log rise of the share per nat below a change point
DRAWS = 4_000


@dataclass(frozen=True, eq=False)
class TaskScores:
    """Losses of models and their shares of items passed.

    Attributes
    ----------
    loss, share, items : one entry per evaluation; loss in nats per token.
    """

    loss: np.ndarray
    share: np.ndarray
    items: np.ndarray
    source: str = "table"


def load_task_scores(
    source: str | Path | pd.DataFrame, *, rename: Mapping[str, str] | None = None
) -> TaskScores:
    """Load a table with columns loss, share and items; rows without a share are left out.

    Raises
    ------
    RunsError
        Naming each bad cell, or if fewer than four rows have a share.
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    table = numbers(raw, [positive(LOSS), share(SHARE, gaps=True), whole(ITEMS, 1)], name, rows)
    return task_scores(*table.dropna().to_numpy(float).T, source=name)


def task_scores(
    loss: np.ndarray, shares: np.ndarray, items: np.ndarray, *, source: str = "table"
) -> TaskScores:
    """Return checked scores from arrays.

    Raises
    ------
    RunsError
        If there are fewer than four, or all at one loss.
    """
    if len(loss) < LEAST_ROWS or np.ptp(loss) == 0:
        raise RunsError(
            f"{source}: {len(loss)} scores at {len(np.unique(loss))} losses; a curve from loss to "
            f"task needs at least {LEAST_ROWS} at different losses; add evaluations"
        )
    return TaskScores(
        np.asarray(loss, float), np.asarray(shares, float), np.asarray(items, float), source
    )


@dataclass(frozen=True, eq=False)
class TaskCurve:
    """Posterior of the curve from loss to task.

    Attributes
    ----------
    draws : middle L0, log steepness, logit of the ceiling, log jitter, log power; shape (draw, 5).
    change : draws of the loss at which a change-point curve leaves chance.
    p_change_point : posterior probability of a change point against a sigmoid, a priori half;
        between .1 and .9 the scores do not decide.
    chance : share passed by guessing.
    tail_shape : Pareto shape of the importance weights.
    """

    draws: np.ndarray
    change: np.ndarray
    p_change_point: float
    chance: float
    tail_shape: float
    scores: TaskScores
    seed: int

    @property
    def shape(self) -> str:
        """Return ``change point``, ``sigmoid`` or ``undecided``."""
        if 0.1 < self.p_change_point < 0.9:
            return "undecided"
        return "change point" if self.p_change_point >= 0.9 else "sigmoid"

    def threshold(self) -> np.ndarray:
        """Draw the loss below which the task has left chance (a twentieth of the way up)."""
        return self.draws[:, 0] - logit(LEAVES ** np.exp(-self.draws[:, 4])) / np.exp(
            self.draws[:, 1]
        )

    def share(self, loss: np.ndarray, *, items: float | None = None) -> np.ndarray:
        """Draw shares at draws of the loss.

        Parameters
        ----------
        loss : draws of the loss, shape (draw, target); any number of draws.
        items : also draw the binomial noise of that many items, and the jitter between models.

        Returns
        -------
        numpy.ndarray
            Shape (draw, target): as many as the longer of the two sets of draws.
        """
        loss = np.asarray(loss, float)
        n = max(len(loss), len(self.draws))
        rng = np.random.default_rng(self.seed + 1)
        theta = self.draws[rng.permutation(np.resize(np.arange(len(self.draws)), n))]
        loss = loss[np.resize(np.arange(len(loss)), n)]
        middle, steep, top, jitter, power = (column[:, None] for column in theta.T)
        eta = np.exp(steep) * (middle - loss)
        if items is not None:
            eta = eta + np.exp(jitter) * rng.standard_normal(eta.shape)
        p = self.chance + (1 - self.chance) * expit(top) * expit(eta) ** np.exp(power)
        if items is None:
            return p
        n_items = max(1, round(items))
        return rng.binomial(n_items, np.clip(p, 0, 1)) / n_items


def fit_task(
    scores: TaskScores, *, chance: float = 0.0, draws: int = DRAWS, seed: int = 0
) -> TaskCurve:
    """Fit the curve from loss to task.

    Parameters
    ----------
    scores : losses, shares and items.
    chance : share passed by guessing.
    draws : posterior draws.
    seed : seed of the draws.

    Returns
    -------
    TaskCurve

    Raises
    ------
    SpecError
        If chance is not from 0 to below 1.

    References
    ----------
    arXiv:2403.08540, arXiv:2403.15796.
    """
    if not 0 <= chance < 1:
        raise SpecError(f"chance is {chance:g}; expected a share from 0 to below 1")
    sigmoid = _Curve(scores, chance, kinked=False)
    kinked = _Curve(scores, chance, kinked=True)
    smooth = weigh(sigmoid, sigmoid.mode(), draws=draws, seed=seed, batched=True)
    sharp = weigh(kinked, kinked.mode(), draws=draws, seed=seed, batched=True)
    gap = np.clip(sharp.log_evidence - smooth.log_evidence, -700, 700)
    return TaskCurve(
        smooth.draws, sharp.draws[:, 0], float(1 / (1 + np.exp(-gap))), chance,
        smooth.tail_shape, scores, seed,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Curve:
    """A curve's log density: a sigmoid, or chance above a change point and a line below it.

    Parameters: the middle or the change point; log steepness, or log rise per nat; logit of the
    ceiling; log jitter; of a sigmoid, log power.
    """

    scores: TaskScores
    chance: float
    kinked: bool

    @property
    def priors(self) -> np.ndarray:
        loss = self.scores.loss
        middle = (float(np.median(loss)), MIDDLE_SD * max(float(loss.std()), 1e-3))
        if self.kinked:
            return np.array([middle, KINK, CEILING, JITTER])
        return np.array([middle, STEEPNESS, CEILING, JITTER, POWER])

    def __call__(self, theta: np.ndarray) -> Any:
        """Return the log density at one point, or at many, shape (..., parameter)."""
        mean, sd = self.priors.T
        u = (theta - mean) / sd
        middle, *rest = np.moveaxis(theta, -1, 0)[..., None]
        steep, top, log_jitter, *power = (np.clip(column, -20, 20) for column in rest)
        span = (1 - self.chance) * expit(top)
        if self.kinked:
            way = np.exp(steep) * np.maximum(middle - self.scores.loss, 0) / span
            s = np.minimum(way, 1.0)
        else:
            s = expit(np.exp(steep) * (middle - self.scores.loss)) ** np.exp(power[0])
        p = np.clip(self.chance + span * s, 1e-6, 1 - 1e-6)
        jitter = np.exp(log_jitter) * span * s * (1 - s)
        rho = jitter**2 / (p * (1 - p))
        phi = 1 / (rho / (1 + rho) + 1e-6)
        k, n = self.scores.share * self.scores.items, self.scores.items
        a, b = p * phi, (1 - p) * phi
        value = (
            gammaln(k + a) + gammaln(n - k + b) - gammaln(n + phi)
            - gammaln(a) - gammaln(b) + gammaln(phi)
        )  # fmt: skip
        total = value.sum(-1) - 0.5 * (u**2).sum(-1) - np.log(sd).sum()
        return np.where((np.abs(theta[..., 1:]) < 20).all(-1), total, -np.inf)[()]

    def mode(self) -> np.ndarray:
        mean, sd = self.priors.T
        best: Any = None
        for middle in np.quantile(self.scores.loss, [0.1, 0.5, 0.9]):
            for steep in (-0.5, 0.5):
                start = mean.copy()
                start[:2] = middle, mean[1] + sd[1] * steep
                found: Any = minimize(
                    lambda t: -self(t), start, method="Nelder-Mead",
                    options={"maxiter": 800, "xatol": 1e-4, "fatol": 1e-3},
                )  # fmt: skip
                if best is None or found.fun < best.fun:
                    best = found
        return best.x


def size_at(loss: np.ndarray, params: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return, draw by draw, the size at which a falling loss reaches what is wanted.

    Parameters
    ----------
    loss : draws of the loss over a grid of sizes, shape (draw, size).
    params : the sizes, rising.
    wanted : draws of the loss to reach, shape (draw,); the two meet as they come.

    Returns
    -------
    numpy.ndarray
        Sizes; infinite where the largest does not reach it, the smallest where all do.

    Examples
    --------
    >>> size_at(np.array([[3.0, 2.0]]), np.array([1e8, 1e10]), np.array([2.5])).tolist()
    [1000000000.0]
    """
    n = max(len(loss), len(wanted))
    loss, wanted = np.resize(loss, (n, loss.shape[1])), np.resize(wanted, n)
    falling = np.minimum.accumulate(loss, axis=1)
    out = np.full(n, np.inf)
    x = np.log10(params)
    for i in range(n):
        below = np.flatnonzero(falling[i] <= wanted[i])
        if not len(below):
            continue
        j = below[0]
        if j == 0:
            out[i] = params[0]
            continue
        way = (falling[i, j - 1] - wanted[i]) / (falling[i, j - 1] - falling[i, j])
        out[i] = 10 ** (x[j - 1] + way * (x[j] - x[j - 1]))
    return out

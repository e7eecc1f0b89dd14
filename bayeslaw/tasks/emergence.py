"""The compute at which a skill emerges, with an interval, and whether the prior decides it.

``share = g + (1 - g) sigmoid(k (log C - log C0))`` with binomial counts, on a grid of the threshold
C0 and the steepness k, so the posterior is exact. A threshold read off a plot is the first model
above chance: it is censored to the gap below that model, and the posterior shows it.

References: arXiv:2206.07682.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logsumexp, xlogy

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.names import FLOPS
from bayeslaw.tasks.summary import LEVELS
from bayeslaw.tasks.table import numbers, positive, read_table, renamed, share, whole

SHARE, ITEMS = "share", "items"
BEYOND = 2.0  #: decades of compute past the models seen that the threshold may lie
STEEPEST, FLATTEST = 20.0, 0.15  #: bounds of the steepness, per e-fold of compute
JITTER = 0.02  #: s.d. of a share past its binomial noise, at half way
SENSITIVE = 0.5  #: decades by which another prior may move the interval's ends
LEAVES = 0.05  #: share of the way up at which a skill leaves chance
_GRID = 241


@dataclass(frozen=True, eq=False)
class Scores:
    """Shares of items passed at several amounts of compute.

    Attributes
    ----------
    flops, share, items : one entry per model.
    """

    flops: np.ndarray
    share: np.ndarray
    items: np.ndarray
    source: str = "table"


def load_scores(
    source: str | Path | pd.DataFrame, *, rename: Mapping[str, str] | None = None
) -> Scores:
    """Load a table with columns flops, share and items.

    Raises
    ------
    RunsError
        Naming each bad cell, or if there are fewer than three amounts of compute.
    """
    raw, name, rows = read_table(source)
    raw = renamed(raw, name, rename)
    table = numbers(raw, [positive(FLOPS), share(SHARE), whole(ITEMS, 1)], name, rows)
    if table[FLOPS].nunique() < 3:
        raise RunsError(
            f"{name}: {table[FLOPS].nunique()} amounts of compute; a threshold needs at least 3; "
            "add models"
        )
    flops, passed, items = table[[FLOPS, SHARE, ITEMS]].to_numpy(float).T
    return Scores(flops, passed, items, name)


@dataclass(frozen=True, eq=False)
class Emergence:
    """Posterior of a threshold.

    Attributes
    ----------
    log10_flops : grid of log10 C0.
    weight : posterior mass at each, summing to one.
    draws : of log10 C0 and of the steepness per e-fold of compute, shape (draw, 2).
    p_sharp : probability that the rise from 10 to 90 % takes less than a decade of compute.
    prior_decides : whether another prior moves the interval's ends by half a decade, or the
        interval reaches the end of what the prior allows.
    chance : the guessing floor.
    scores : what it rests on.
    """

    log10_flops: np.ndarray
    weight: np.ndarray
    draws: np.ndarray
    p_sharp: float
    prior_decides: bool
    chance: float
    scores: Scores

    @property
    def leaves(self) -> np.ndarray:
        """Draws of log10 of the compute at which the skill leaves chance."""
        middle, steep = self.draws.T
        return middle - np.log((1 - LEAVES) / LEAVES) / steep / np.log(10)

    def share(self, flops: np.ndarray) -> np.ndarray:
        """Draw the share passed at amounts of compute, shape (draw, point)."""
        middle, steep = self.draws.T[:, :, None]
        way = expit(steep * np.log(10) * (np.log10(flops) - middle))
        return self.chance + (1 - self.chance) * way

    def quantile(self, q: float) -> float:
        """Return a quantile of log10 C0."""
        return float(np.interp(q, _below(self.weight), self.log10_flops))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the central interval of C0, in FLOP."""
        tail = 0.5 - level / 2
        return 10 ** self.quantile(tail), 10 ** self.quantile(1 - tail)

    def probability(self, low: float, high: float) -> float:
        """Return the probability that C0 lies between two amounts of compute."""
        inside = np.interp(np.log10([low, high]), self.log10_flops, _below(self.weight))
        return float(inside[1] - inside[0])

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        left = 10**self.leaves
        return {
            "threshold_flops": {
                "median": 10 ** self.quantile(0.5),
                "intervals": {str(v): list(self.interval(v / 100)) for v in LEVELS},
            },
            "leaves_chance_flops": {
                "median": float(np.median(left)),
                "intervals": {
                    str(v): np.quantile(left, [0.5 - v / 200, 0.5 + v / 200]).tolist()
                    for v in LEVELS
                },
            },
            "p_sharp": self.p_sharp,
            "prior_decides": self.prior_decides,
            "chance": self.chance,
        }


def emergence(scores: Scores, *, chance: float = 0.0, seed: int = 0) -> Emergence:
    """Return the posterior of the compute at which a skill is half way up.

    Parameters
    ----------
    scores : shares passed and numbers of items at several amounts of compute.
    chance : share passed by guessing.
    seed : seed of the draws of the compute at which the skill leaves chance.

    Returns
    -------
    Emergence

    Raises
    ------
    SpecError
        If chance is not from 0 to below 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"flops": [1e20, 1e21, 1e22, 1e23], "share": [0, 0, 0.02, 0.8],
    ...                       "items": 2000})
    >>> found = emergence(load_scores(frame))
    >>> 1e22 < found.interval(0.9)[0] < found.interval(0.9)[1] < 1e23
    True
    """
    if not 0 <= chance < 1:
        raise SpecError(f"chance is {chance:g}; expected a share from 0 to below 1")
    x, k, joint = _posterior(scores, chance, beyond=BEYOND, flat_in_log=True)
    weight = joint.sum(axis=1)
    decides = bool(weight[:3].sum() > 0.005 or weight[-3:].sum() > 0.005)
    x, k, joint = _posterior(scores, chance, within=_bulk(x, weight), flat_in_log=True)
    weight = joint.sum(axis=1)
    ends = _ends(x, weight)
    rng = np.random.default_rng(seed)
    at = rng.choice(joint.size, 4000, p=joint.ravel() / joint.sum())
    rows, columns = np.unravel_index(at, joint.shape)
    rise = 2 * np.log(9) / k / np.log(10)
    p_sharp = float(joint.sum(axis=0)[rise < 1].sum())
    for beyond, in_log in ((2 * BEYOND, True), (BEYOND, False)):
        other_x, _, other = _posterior(scores, chance, beyond=beyond, flat_in_log=in_log)
        moved = _ends(other_x, other.sum(axis=1)) - ends
        decides |= bool(np.abs(moved).max() > SENSITIVE)
    draws = np.stack([x[rows], k[columns]], axis=1)
    return Emergence(x, weight, draws, p_sharp, decides, chance, scores)


def _ends(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the 5 and 95 % points of log10 C0."""
    return np.interp([0.05, 0.95], _below(weight), x)


def _below(weight: np.ndarray) -> np.ndarray:
    """Return the mass below the middle of each cell."""
    return np.cumsum(weight) - weight / 2


def _bulk(x: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the ends of what holds all but a millionth of the mass, a cell to spare."""
    held = np.flatnonzero(weight > 1e-6 * weight.max())
    return float(x[max(held[0] - 1, 0)]), float(x[min(held[-1] + 1, len(x) - 1)])


def _posterior(
    scores: Scores, chance: float, *, flat_in_log: bool, beyond: float = BEYOND,
    within: tuple[float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return the grids of log10 C0 and steepness, and posterior masses."""
    seen = np.log10(scores.flops)
    low, high = within or (seen.min() - beyond, seen.max() + beyond)
    x = np.linspace(low, high, _GRID)
    k = np.geomspace(FLATTEST, STEEPEST, 97)
    eta = k[None, :, None] * np.log(10) * (seen[None, None, :] - x[:, None, None])
    s = expit(eta)
    p = np.clip(chance + (1 - chance) * s, 1e-9, 1 - 1e-9)
    # Items are not the only noise: fewer of them count where the jitter is larger than theirs.
    noise = p * (1 - p)
    jitter = (JITTER * 4 * s * (1 - s)) ** 2
    effective = noise / (noise / scores.items + jitter)
    log_likelihood = (effective * (xlogy(scores.share, p) + xlogy(1 - scores.share, 1 - p)
                                   - _best(scores.share))).sum(-1)  # fmt: skip
    log_prior = np.zeros(len(k)) if flat_in_log else np.log(k)
    mass = log_likelihood + log_prior
    return x, k, np.exp(mass - logsumexp(mass))


def _best(share: np.ndarray) -> np.ndarray:
    return xlogy(share, share) + xlogy(1 - share, 1 - share)

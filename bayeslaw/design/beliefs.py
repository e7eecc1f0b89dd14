"""What a fit believes jointly of targets and of the outcomes of runs that could be trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target
from bayeslaw.prediction.family import FamilyDraws, known_family, new_family
from bayeslaw.prediction.forecast import given_draws


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Log loss of the curve at points: at each draw a mean, and a covariance all draws share.

    The covariance of the points is that of the means over draws plus ``rest``. Because the second
    part is analytic, only the law's parameters and the components of the discrepancy are sampled,
    and no draw of a discrepancy adds Monte Carlo error.

    Attributes
    ----------
    points : where, in the order of the columns.
    law, known : log loss of the law and the known part of the discrepancy, shapes
        (draws, points).
    rest : covariance of the unknown part of the discrepancy, shape (points, points).
    """

    points: tuple[Target, ...]
    law: np.ndarray
    known: np.ndarray
    rest: np.ndarray

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.law)

    @property
    def mean(self) -> np.ndarray:
        """Mean log loss at the points."""
        return (self.law + self.known).mean(axis=0)

    def covariance(self) -> np.ndarray:
        """Return the covariance of log loss between the points."""
        centred = self.law + self.known
        centred = centred - centred.mean(axis=0)
        return centred.T @ centred / (self.draws - 1) + self.rest


def family_draws(fit: Fit, family: str | None, seed: int) -> FamilyDraws:
    """Return the draws of a family with rows, or of a new one."""
    # Two new families must not be one and the same.
    rng = np.random.default_rng([seed, 3, crc32(str(family).encode())])
    if family in fit.families:
        return known_family(fit, str(family), rng)
    return new_family(fit, rng)


def beliefs(
    fit: Fit,
    points: Sequence[Target],
    own: dict[str, FamilyDraws],
    *,
    at_most: int | None = None,
) -> Beliefs:
    """Return what a fit believes of the curve at points of several families.

    Parameters
    ----------
    points : each with a family.
    own : draws of every family among them.
    at_most : draws that are used, evenly spaced; all unless given.
    """
    count = len(points)
    if at_most is not None:
        own = {family: thinned(draws, at_most) for family, draws in own.items()}
    draws = next(iter(own.values())).noise.size
    law, known = np.empty((draws, count)), np.empty((draws, count))
    rest = np.zeros((count, count))
    for family in dict.fromkeys(str(p.family) for p in points):
        places = [i for i, p in enumerate(points) if p.family == family]
        curve, wander, left = given_draws(fit, own[family], [points[i] for i in places])
        law[:, places] = curve.reshape(draws, -1)
        known[:, places] = wander.reshape(draws, -1)
        # Families wander independently.
        rest[np.ix_(places, places)] = left * float((own[family].discrepancy ** 2).mean())
    return Beliefs(tuple(points), law, known, rest)


def thinned(own: FamilyDraws, at_most: int) -> FamilyDraws:
    """Keep so many draws of a family, evenly spaced, as one chain."""

    def few(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, *values.shape[2:])
        return flat[:: max(1, -(-len(flat) // at_most))][None]

    return replace(
        own,
        parameters={n: few(v) for n, v in own.parameters.items()},
        noise=few(own.noise),
        discrepancy=few(own.discrepancy),
        drift=few(own.drift),
        components=None if own.components is None else few(own.components),
    )


def with_family(fit: Fit, target: Target) -> Target:
    """Name the only family of the fit where a target names none.

    Raises
    ------
    TargetError
        If there are several.
    """
    if target.family is not None:
        return target
    if len(fit.families) > 1:
        raise TargetError(
            f"the target names no family and the fit has {len(fit.families)}: "
            f"{', '.join(fit.families[:8])}. Name the one to decide for."
        )
    return replace(target, family=next(iter(fit.families)))

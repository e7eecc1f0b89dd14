"""From a latent skill to a share of passes: a sigmoid between a guessing floor and a ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, xlogy

_EDGE = 1e-9  # no probability is nearer to 0 or 1
_LEAST_WEIGHT = 1e-4  # of a cell in a Newton step


@dataclass(frozen=True, eq=False)
class Link:
    """A sigmoid per benchmark; arrays broadcast against (..., benchmark).

    Attributes
    ----------
    floor : share passed by guessing.
    ceiling : share passed by a perfect model; mislabelled items keep it below one.
    """

    floor: np.ndarray
    ceiling: np.ndarray

    def share(self, eta: np.ndarray) -> np.ndarray:
        """Return the expected share of passes at latent values.

        Examples
        --------
        >>> Link(np.array([0.25]), np.array([1.0])).share(np.array([0.0]))
        array([0.625])
        """
        span = self.ceiling - self.floor
        return np.clip(self.floor + span * expit(eta), _EDGE, 1 - _EDGE)

    def slope(self, eta: np.ndarray) -> np.ndarray:
        """Return the derivative of the share."""
        s = expit(eta)
        return (self.ceiling - self.floor) * s * (1 - s)

    def start(self, share: np.ndarray) -> np.ndarray:
        """Return latent values near which a Newton search may start; missing shares stay NaN."""
        inside = (share - self.floor) / (self.ceiling - self.floor)
        return logit(np.clip(inside, 0.02, 0.98))

    def working(
        self, eta: np.ndarray, share: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the normal observation of eta that stands for a binomial one near ``eta``.

        Returns
        -------
        Working responses and their variances, by Fisher scoring.
        """
        p, slope = self.share(eta), self.slope(eta)
        weight = items * slope**2 / (p * (1 - p))
        weight = np.maximum(weight, _LEAST_WEIGHT)
        push = items * (share - p) * slope / (p * (1 - p))
        return eta + np.clip(push / weight, -4, 4), 1 / weight

    def log_likelihood(self, eta: np.ndarray, share: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the binomial log likelihood, up to a constant in eta."""
        p = self.share(eta)
        return items * (xlogy(share, p) + xlogy(1 - share, 1 - p))

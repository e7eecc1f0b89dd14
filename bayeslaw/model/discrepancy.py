"""The discrepancy as a low-rank Gaussian process on the logarithms of a law's inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Eigenvalues below this share of the largest carry no information in float64.
_SMALLEST = 1e-9


def matern32(x: np.ndarray, y: np.ndarray, length: float) -> np.ndarray:
    """Return the Matern-3/2 correlation between two sets of points.

    Parameters
    ----------
    x, y : points, shapes (n, inputs) and (m, inputs), in e-folds.
    length : correlation length in e-folds.
    """
    squared = ((x[:, None, :] - y[None, :, :]) / length) ** 2
    r = np.sqrt(3.0 * squared.sum(-1))
    return (1.0 + r) * np.exp(-r)


@dataclass(frozen=True)
class Features:
    """The leading components of the process at the inputs of one family's runs.

    With standard normal coefficients c, the process at training points is scale x phi @ c plus
    an independent remainder; conditional on c it is known exactly at any other point.
    """

    points: np.ndarray
    projection: np.ndarray
    length: float

    @property
    def rank(self) -> int:
        """Number of components."""
        return self.projection.shape[1]

    def at(self, x: np.ndarray) -> np.ndarray:
        """Return the component values at points of shape (n, inputs): shape (n, rank)."""
        return matern32(x, self.points, self.length) @ self.projection

    def remainder(self, x: np.ndarray) -> np.ndarray:
        """Return the covariance (n, n) that the components leave unexplained, at unit scale."""
        phi = self.at(x)
        return matern32(x, x, self.length) - phi @ phi.T


def features(points: np.ndarray, length: float, rank: int) -> Features:
    """Keep the leading components of the process at distinct points of shape (n, inputs)."""
    distinct = np.unique(points, axis=0)
    values, vectors = np.linalg.eigh(matern32(distinct, distinct, length))
    order = np.argsort(values)[::-1][:rank]
    order = order[values[order] > _SMALLEST * values.max()]
    return Features(distinct, vectors[:, order] / np.sqrt(values[order]), length)

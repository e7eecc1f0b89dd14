"""The likelihood of whole runs: seed effect, checkpoint process and remainder, robust tails."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.model.tensor import pt

# A student-t with few degrees of freedom carries less information than its scale suggests.
_STUDENT_INFLATION = 1.4


class Residuals:
    """The covariance of a run's rows, and the map that makes rows independent with unit variance.

    A run's covariance is g gᵀ + s² R: g is the run effect joined by measurement error and the
    discrepancy's remainder, R the correlation of the checkpoint process, which is Markov, so
    everything costs time linear in the rows.
    """

    def __init__(
        self, spec: Spec, layout: Layout, run_sd: Any, checkpoint_sd: Any, scale: Any
    ) -> None:
        rows = layout.family_of_row
        self.layout, self.tails = layout, spec.noise.tails
        self._scale: Any = None if scale is None else scale[rows]
        variance = run_sd[rows] ** 2 + layout.loss_sd**2
        if scale is not None:
            variance = variance + self._scale**2 * layout.remainder
        self._common = pt.sqrt(variance)
        self.sizes = np.bincount(layout.run_of_row)
        self._single = checkpoint_sd is None
        if not self._single:
            self._members, self._present = _padded(layout.run_of_row, len(self.sizes))
            self._before = np.maximum(np.arange(len(rows)) - 1, 0)
            self._fresh = checkpoint_sd[rows] * np.sqrt(1.0 - layout.link**2)
            self._loading = self._innovations(self._common[:, None])
            self._loading_norm = self.by_run(self._loading**2)

    def wander(self, component: Any) -> Any:
        """Return the discrepancy at the rows, from components of dims (family, component)."""
        return self._scale * (self.layout.phi * component[self.layout.family_of_row]).sum(axis=1)

    def scaled_phi(self, *, before: int, after: int) -> Any:
        """Return the discrepancy's derivative in its components, with columns of zeros around."""
        phi = np.pad(self.layout.phi, ((0, 0), (before, after)))
        return phi if self._scale is None else self._scale[:, None] * phi

    def by_run(self, columns: Any) -> Any:
        """Sum rows over each run: (rows, k) to (runs, k)."""
        if self._single:
            return columns
        return (columns[self._members] * self._present[:, :, None]).sum(axis=1)

    def _innovations(self, columns: Any) -> Any:
        moved = columns - self.layout.link[:, None] * columns[self._before]
        return moved / self._fresh[:, None]

    def whiten(self, columns: Any) -> Any:
        """Make rows of shape (rows, k) independent with unit variance."""
        if self._single:
            return columns / self._common[:, None]
        moved = self._innovations(columns)
        norm = self._loading_norm
        shrink = (1.0 - 1.0 / pt.sqrt(1.0 + norm)) / norm
        along = self.by_run(self._loading * moved) * shrink
        return moved - self._loading * along[self.layout.run_of_row]

    def log_determinant(self) -> Any:
        """Return the log determinant of each run's covariance, shape (runs,)."""
        if self._single:
            return 2.0 * pt.log(self._common)
        own = 2.0 * pt.log(self._fresh)
        return self.by_run(own[:, None])[:, 0] + pt.log1p(self._loading_norm[:, 0])

    def working_weights(self) -> np.ndarray:
        """Return row weights that turn the robust likelihood into a Gaussian one."""
        if self.tails is None:
            return self.layout.weights
        return self.layout.weights / _STUDENT_INFLATION


def run_log_likelihood(residuals: Residuals, off: Any) -> Any:
    """Return the log density of each run's log losses, shape (runs,)."""
    squared = residuals.by_run(residuals.whiten(off[:, None]) ** 2)[:, 0]
    sizes, nu = residuals.sizes, residuals.tails
    half = 0.5 * residuals.log_determinant()
    if nu is None:
        return -half - 0.5 * squared - 0.5 * sizes * np.log(2 * np.pi)
    constant = gammaln((nu + sizes) / 2) - gammaln(nu / 2) - 0.5 * sizes * np.log(nu * np.pi)
    return constant - half - 0.5 * (nu + sizes) * pt.log1p(squared / nu)


def _padded(group_of_row: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of each group, padded to one length, and which entries are real."""
    sizes = np.bincount(group_of_row, minlength=n_groups)
    members = np.zeros((n_groups, sizes.max()), int)
    present = np.arange(sizes.max()) < sizes[:, None]
    for g in range(n_groups):
        members[g, : sizes[g]] = np.flatnonzero(group_of_row == g)
    return members, present.astype(float)

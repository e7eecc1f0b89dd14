"""Families around labs around a population, one value at a time, the families known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """Families around labs around a population, each value by itself, and the families known.

    Attributes
    ----------
    count : families of each lab, shape (labs, 1, 1).
    mean : their mean, shape (labs, chains, values), around the population's prior centre.
    square : summed squares of families around these, shape (chains, values).
    within : how many of these squares are free.
    wide : s.d. of the population's prior, shape (values,).
    """

    count: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    within: int
    wide: np.ndarray

    @classmethod
    def of(cls, families: np.ndarray, share: np.ndarray, wide: np.ndarray) -> Tree:
        """Take families, shape (families, chains, values), and their share in labs' means."""
        count = 1.0 / share.max(1)[:, None, None]
        mean = np.tensordot(share, families, 1)
        square = (families**2).sum(0) - (count * mean**2).sum(0)
        return cls(count, mean, square, len(families) - len(mean), wide)

    def _population(
        self, own: np.ndarray, across: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return labs' variances around the population, its precision and its mean."""
        around = across + own / self.count
        precision = (1.0 / around).sum(0) + self.wide**-2.0
        return around, precision, (self.mean / around).sum(0) / precision

    def log_evidence(self, own: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Return the log evidence of variances, shape (chains, values)."""
        around, precision, middle = self._population(own, across)
        labs = (np.log(around) + self.mean**2 / around).sum(0)
        families = self.within * np.log(own) + self.square / own
        return 0.5 * (precision * middle**2 - np.log(precision) - labs - families)

    def drawn(
        self, own: np.ndarray, across: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the population, (chains, values), and its labs, (labs, chains, values)."""
        _, precision, middle = self._population(own, across)
        centre = middle + rng.standard_normal(middle.shape) / np.sqrt(precision)
        exact = 1.0 / across + self.count / own
        mean = (centre / across + self.count * self.mean / own) / exact
        return centre, mean + rng.standard_normal(mean.shape) / np.sqrt(exact)

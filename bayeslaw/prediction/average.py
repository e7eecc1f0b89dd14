"""Several laws at once: fits to the same runs, weighted, and forecasts that mix their draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayeslaw.errors import SpecError
from bayeslaw.inference import Fit, Health
from bayeslaw.inference.health import Failure
from bayeslaw.model.spec import Spec


@dataclass(frozen=True, eq=False)
class Average:
    """Fits of several laws to the same runs, and the weight of each.

    Attributes
    ----------
    spec : what was asked for; :attr:`Spec.also` names the further laws.
    fits : one per law, in the order of the specification.
    weights : of each fit; they sum to one.
    notes : how the weights came about, where that needs a word.
    """

    spec: Spec
    fits: tuple[Fit, ...]
    weights: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        weights = np.array(self.weights)
        if len(weights) != len(self.fits) or (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
            raise SpecError(
                f"{len(self.fits)} fits have weights {self.weights}; expected as many weights, "
                "none below zero, that sum to one."
            )

    @property
    def seed(self) -> int:
        """The seed of the fits."""
        return self.fits[0].seed

    @property
    def by_law(self) -> dict[str, float]:
        """The weights by the names of the laws."""
        return {fit.law.name: w for fit, w in zip(self.fits, self.weights, strict=True)}

    @property
    def health(self) -> Health:
        """The verdict on all fits: as good as the worst of them."""
        return Health(
            failures=tuple(
                Failure(f.check, f"{fit.law.name}: {f.found}")
                for fit in self.fits
                for f in fit.health.failures
            ),
            warnings=tuple(
                dict.fromkeys((*self.notes, *(w for f in self.fits for w in f.health.warnings)))
            ),
            figures=tuple(
                (f"{fit.law.name}: {name}", value)
                for fit in self.fits
                for name, value in fit.health.figures
            ),
        )

    def __repr__(self) -> str:
        shares = ", ".join(f"{name} {weight:.2f}" for name, weight in self.by_law.items())
        return f"<Average: {shares}; {'healthy' if self.health.ok else 'NOT trustworthy'}>"


def mixed(parts: list[xr.DataArray], weights: tuple[float, ...], seed: int) -> xr.DataArray:
    """Mix draws of the same targets, each draw whole from one part.

    Parameters
    ----------
    parts : dims (chain, draw, target); the first one's shape is kept.
    weights : of the parts. Each gives its share of the draws, to the nearest whole number, so
        that chance adds nothing to the weights.
    seed : which draws, and their order.

    Returns
    -------
    xarray.DataArray
    """
    rng = np.random.default_rng([seed, 5])
    flat = [part.values.reshape(-1, part.sizes["target"]) for part in parts]
    ends = np.round(np.cumsum(weights) * len(flat[0])).astype(int)
    counts = np.diff(ends, prepend=0)
    picked = [
        values[rng.choice(len(values), count, replace=count > len(values))]
        for values, count in zip(flat, counts, strict=True)
    ]
    values = rng.permutation(np.concatenate(picked))
    return parts[0].copy(data=values.reshape(parts[0].shape))

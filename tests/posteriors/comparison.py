"""How far the draws of a fit lie from those of a stored reference, quantity by quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayeslaw.inference import Fit
from tests.posteriors.database import read_draws
from tests.posteriors.quantities import quantities


@dataclass(frozen=True)
class Gap:
    """Distance of one quantity from its reference, both on the log scale.

    Attributes
    ----------
    apart : means apart, in s.d. of the reference.
    ratio : s.d. over that of the reference.
    chance : s.d. that sampling alone gives ``apart``.
    """

    apart: float
    ratio: float
    chance: float


def gaps(fit: Fit, name: str) -> dict[str, Gap]:
    """Compare a fit of a case with the stored draws, by label.

    Raises
    ------
    ValueError
        If the two do not have the same quantities: then they are no posteriors of one model.
    """
    found, expected = quantities(fit), read_draws(name)
    if differ := found.keys() ^ expected.keys():
        raise ValueError(f"{name}: quantities of only one of the two: {sorted(differ)}")
    here, there = _moments(found), _moments(expected)
    return {
        label: Gap(
            (here[label][0] - mean) / sd,
            here[label][1] / sd,
            (1 / here[label][2] + 1 / ess) ** 0.5,
        )
        for label, (mean, sd, ess) in there.items()
    }


def _moments(draws: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float, float]]:
    """Return mean, s.d. and bulk ESS of the logarithm of each quantity."""
    import arviz_stats

    azs: Any = arviz_stats
    logs = {label: np.log(values) for label, values in draws.items()}
    ess = azs.ess(
        xr.Dataset({label: (("chain", "draw"), v) for label, v in logs.items()}), method="bulk"
    )
    return {
        label: (float(v.mean()), float(v.std(ddof=1)), float(ess[label]))
        for label, v in logs.items()
    }

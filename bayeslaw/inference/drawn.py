"""What every engine is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from bayeslaw.pool import Pool


@dataclass(frozen=True)
class Settings:
    """How long and on what to sample.

    Attributes
    ----------
    draws, tune, chains : draws kept and discarded per chain, and chains.
    cores : chains, or families, worked on at once.
    target_accept : NUTS acceptance.
    pool : where families are worked on, and kept, if not on threads here.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    seed: int
    target_accept: float
    progress: bool
    pool: Pool = field(default_factory=Pool)

    @property
    def of_chains(self) -> dict[str, Any]:
        """What a sampler of chains is told."""
        return {name: value for name, value in vars(self).items() if name != "pool"}

    def again(self, *, diverged: bool, short: bool) -> Settings:
        """Return settings for a second attempt: smaller steps, twice the length, or both."""
        accept = max(self.target_accept, 0.98) if diverged else self.target_accept
        times = 2 if short else 1
        return replace(self, draws=times * self.draws, tune=times * self.tune, target_accept=accept)


@dataclass(frozen=True)
class Drawn:
    """Draws of an engine, before they are judged.

    Attributes
    ----------
    posterior, likelihood : dims (chain, draw, ...); the likelihood is ``loss`` by run.
    stats : the sampler's record; empty where draws are independent.
    seconds : spent compiling and sampling.
    importance_ess : effective number of weighted points behind each family's draws, where draws
        come from such points; then that behind the population's, where families are several.
    tail_shape : Pareto shape of those weights.
    """

    posterior: xr.Dataset
    stats: xr.Dataset
    likelihood: xr.Dataset
    seconds: dict[str, float]
    importance_ess: np.ndarray = field(default_factory=lambda: np.empty(0))
    tail_shape: np.ndarray = field(default_factory=lambda: np.empty(0))


Engine = Callable[[Settings], Drawn]

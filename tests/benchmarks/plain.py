"""The plain PyMC graph, sampled as it stands: what the other engines are measured against."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayeslaw.model import Spec
from bayeslaw.runs import Runs
from tests.benchmarks.posterior import population_ess, population_rhat

_LEAST = 8  # draws per chain below which an effective sample size means nothing


@dataclass(frozen=True)
class Plain:
    """How far NUTS on the plain graph got.

    Attributes
    ----------
    compiling, sampling : seconds; warm-up is part of sampling.
    draws : draws kept, all chains together.
    gradients : gradients per kept draw.
    ess : bulk ESS of the slowest population parameter. Chains stopped before they had draws
        count one each, which flatters them.
    slowest, rhat : which parameter that is, and the largest R-hat.
    finished : whether it ended within the limit.
    """

    compiling: float
    sampling: float
    draws: int
    gradients: float
    ess: float
    slowest: str
    rhat: float
    finished: bool

    @property
    def rate(self) -> float:
        """Effective draws of the slowest population parameter per second of sampling."""
        return self.ess / self.sampling


def sample_plain(
    runs: Runs, *, draws: int, tune: int, limit: float, chains: int = 2, seed: int = 1
) -> Plain:
    """Sample the default model without any change of coordinates.

    Parameters
    ----------
    runs : the training runs.
    draws, tune, chains, seed : of the sampler.
    limit : seconds of sampling after which it is stopped; what it has by then counts.
    """
    import nutpie

    from bayeslaw.model.build import build_model
    from bayeslaw.model.layout import lay_out

    start = time.perf_counter()
    spec = Spec()
    model = build_model(spec, lay_out(spec, runs), whiten=False)
    compiled = nutpie.compile_pymc_model(model)
    built = time.perf_counter()
    sampler = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        cores=chains,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
    )
    try:
        trace, finished = sampler.wait(timeout=limit), True
    except TimeoutError:
        trace, finished = _stopped(sampler), False
    return _judged(trace, chains, built - start, time.perf_counter() - built, finished)


def _stopped(sampler: object) -> xr.DataTree | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # says that there are few draws
            return sampler.abort()
    except (RuntimeError, ValueError, KeyError, IndexError):
        return None  # stopped in warm-up: there is no draw to return


def _judged(
    trace: xr.DataTree | None, chains: int, compiling: float, sampling: float, finished: bool
) -> Plain:
    posterior = None if trace is None else _whole(trace["posterior"].to_dataset())
    kept = 0 if posterior is None else posterior.sizes["draw"]
    steps = np.nan
    if kept:
        steps = float(trace["sample_stats"]["n_steps"].isel(draw=slice(kept)).mean())
    ess = population_ess(posterior) if kept >= _LEAST else {}
    slowest = next(iter(ess), "no draws")
    rhat = population_rhat(posterior) if ess else np.inf
    least = max(ess.get(slowest, 0.0), float(chains))
    return Plain(compiling, sampling, kept * chains, steps, least, slowest, rhat, finished)


def _whole(posterior: xr.Dataset) -> xr.Dataset:
    """Keep the draws that every chain has: a stopped sampler pads the shorter ones."""
    some = posterior[next(iter(posterior.data_vars))]
    rest = [d for d in some.dims if d not in ("chain", "draw")]
    full = np.isfinite(some).all(["chain", *rest]).values
    return posterior.isel(draw=slice(int(np.argmin(full)) if not full.all() else len(full)))

"""The sampler: NUTS through nutpie, on a PyMC graph or on a density written by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

STATS = ["diverging", "energy", "n_steps", "step_size"]
_JITTER = 0.3


def sample(
    model: Any,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    seed: int,
    target_accept: float,
    progress: bool,
    compiled: Any = None,
) -> tuple[xr.Dataset, xr.Dataset, dict[str, float], Any]:
    """Draw from a model's posterior with NUTS.

    Parameters
    ----------
    model : a PyMC model.
    compiled : what an earlier call with this model returned.

    Returns
    -------
    Posterior and sampler statistics with dims (chain, draw, ...), seconds spent compiling and
    sampling, and the compiled model for another call.
    """
    import nutpie

    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model) if compiled is None else compiled
    built = time.perf_counter()
    posterior, stats = _draw(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        progress_bar=progress,
    )
    seconds = {"compile": built - start, "sample": time.perf_counter() - built}
    return posterior, stats, seconds, compiled


def sample_density(
    log_density: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    seed: int,
    target_accept: float = 0.8,
    progress: bool = False,
    deepest: int = 10,
) -> tuple[np.ndarray, xr.Dataset]:
    """Draw from a density with NUTS.

    Parameters
    ----------
    log_density : returns the log density and its gradient at coordinates of shape (size,).
    start : where chains begin, give or take a jitter: a chain started at a mode exactly has no
        gradient to learn scales from.
    deepest : how often a trajectory may double.

    Returns
    -------
    Coordinates of shape (chain, draw, size), and the sampler's statistics.
    """
    from nutpie.compiled_pyfunc import from_pyfunc

    size = len(start)

    def guarded(x: np.ndarray, **_: Any) -> tuple[float, np.ndarray]:
        # An exception inside the sampler would poison it, and far out anything may overflow.
        try:
            with np.errstate(all="ignore"):
                value, gradient = log_density(x)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            return -np.inf, np.zeros(size)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            return -np.inf, np.zeros(size)
        return value, gradient

    def begin(chain_seed: int) -> np.ndarray:
        return start + _JITTER * np.random.default_rng(chain_seed).standard_normal(size)

    compiled = from_pyfunc(
        size,
        lambda: guarded,
        lambda *_: lambda x, **__: {"x": x},
        [np.dtype(np.float64)],
        [(size,)],
        ["x"],
        make_initial_point_fn=begin,
    )
    posterior, stats = _draw(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        progress_bar=progress,
        maxdepth=deepest,
    )
    return posterior["x"].values, stats


def _draw(compiled: Any, **settings: Any) -> tuple[xr.Dataset, xr.Dataset]:
    import nutpie

    sampler: Any = nutpie.sample(compiled, save_warmup=False, blocking=False, **settings)
    try:
        trace = sampler.wait()
    except BaseException:
        # An interrupt ends the sampling; a shorter posterior must not pass for a whole one.
        sampler.cancel()
        raise
    stats = trace["sample_stats"].to_dataset().drop_attrs()
    return trace["posterior"].to_dataset().drop_attrs(), stats[STATS]

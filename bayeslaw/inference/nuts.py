"""The sampler: a PyMC graph through nutpie."""

from __future__ import annotations

import time
from typing import Any

import xarray as xr


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
    sampler: Any = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        progress_bar=progress,
        save_warmup=False,
        blocking=False,
    )
    try:
        trace = sampler.wait()
    except BaseException:
        # An interrupt ends the sampling; a shorter posterior must not pass for a whole one.
        sampler.cancel()
        raise
    seconds = {"compile": built - start, "sample": time.perf_counter() - built}
    posterior = trace["posterior"].to_dataset().drop_attrs()
    stats = trace["sample_stats"].to_dataset().drop_attrs()
    stats = stats[["diverging", "energy", "n_steps", "step_size"]]
    return posterior, stats, seconds, compiled

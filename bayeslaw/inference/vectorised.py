"""Chains side by side on JAX, on its GPU where it has one: numpyro's NUTS on the PyMC graph."""

from __future__ import annotations

import os
import time
from typing import Any

from bayeslaw.errors import SpecError
from bayeslaw.inference.drawn import Drawn, Settings
from bayeslaw.inference.nuts import STATS
from bayeslaw.model.affine_jax import register

_FLAGS = "XLA_FLAGS"


def sample_vectorised(model: Any, settings: Settings) -> Drawn:
    """Draw from a model's posterior with all chains in one program.

    Parameters
    ----------
    model : a PyMC model, from :func:`bayeslaw.model.build.build_model`.

    Returns
    -------
    Drawn
        Posterior and statistics as from :func:`bayeslaw.inference.nuts.sample`; JAX compiles as it
        samples, so all the time is spent sampling.

    Raises
    ------
    SpecError
        If JAX or numpyro is not installed.

    References
    ----------
    Phan, Pradhan and Jankowiak 2019, arXiv:1912.11554.
    """
    flags = os.environ.get(_FLAGS)
    try:
        from pymc.sampling.jax import sample_numpyro_nuts

        register()
    except ImportError as error:
        raise SpecError(
            "engine 'jax' needs JAX and numpyro, not installed; install bayeslaw[jax], or use "
            "engine 'pymc'."
        ) from error
    finally:
        # PyMC asks for a hundred processors, which chains in one program have no use for.
        if flags is not None:
            os.environ[_FLAGS] = flags
        else:
            os.environ.pop(_FLAGS, None)
    start = time.perf_counter()
    tree = sample_numpyro_nuts(
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        target_accept=settings.target_accept,
        random_seed=settings.seed,
        model=model,
        progressbar=settings.progress,
        compute_convergence_checks=False,
        chain_method="vectorized",
    )
    posterior = tree["posterior"].to_dataset().drop_attrs()
    stats = tree["sample_stats"].to_dataset().drop_attrs()[STATS]
    likelihood = posterior[["run_log_likelihood"]].rename(run_log_likelihood="loss")
    seconds = {"compile": 0.0, "sample": time.perf_counter() - start}
    return Drawn(posterior, stats, likelihood, seconds)

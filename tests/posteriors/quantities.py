"""What is compared of a fit: positive numbers by label, each an array of draws by chain."""

from __future__ import annotations

import warnings

import numpy as np

from bayeslaw.errors import BayeslawWarning
from bayeslaw.inference import Fit
from bayeslaw.prediction import forecast
from tests.benchmarks.fitting import beyond
from tests.benchmarks.posterior import POPULATION

_LEVELS = ("run_sd", "checkpoint_sd", "discrepancy_sd")
_CONSTANT = 1e-9  # a log s.d. below this is declared, not inferred


def quantities(fit: Fit, seed: int = 0) -> dict[str, np.ndarray]:
    """Return parameters, levels of noise, the population and the loss at 10 times the compute.

    Returns
    -------
    dict
        From a label such as ``alpha[one]`` to draws of shape (chain, draw), all above zero.
        What is constant by declaration is left out.
    """
    found: dict[str, np.ndarray] = {}
    posterior = fit.posterior
    for name in (*fit.law.parameter_names, *_LEVELS, *POPULATION):
        if name not in posterior:
            continue
        array = posterior[name].transpose("chain", "draw", ...)
        values = np.exp(array) if name.startswith("log_") else array
        rest = values.dims[2:]
        for index in np.ndindex(values.shape[2:]):
            place = [str(values[d].values[i]) for d, i in zip(rest, index, strict=True)]
            label = f"{name}[{', '.join(place)}]" if place else name
            found[label] = values.values[:, :, *index]
    targets = beyond(fit.runs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)  # that the target lies beyond the runs
        draws = forecast(fit, targets, seed=seed).draws
    losses = draws.transpose("chain", "draw", "target").values
    for i, target in enumerate(targets):
        found[f"loss[{target.family}]"] = losses[:, :, i]
    return {label: draws for label, draws in found.items() if np.log(draws).std() > _CONSTANT}

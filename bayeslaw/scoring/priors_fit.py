"""A fit as learning makes many of them: short, silent, and made again if it breaks."""

from __future__ import annotations

import warnings

import numpy as np

from bayeslaw.errors import BayeslawWarning, FitError
from bayeslaw.inference import Fit, fit
from bayeslaw.model.spec import Spec
from bayeslaw.runs import Runs

_ATTEMPTS = 4


def short_fit(runs: Runs, spec: Spec, *, draws: int, seed: int) -> Fit:
    """Fit once, by quadrature; a fit that breaks numerically is made again from other points.

    Parameters
    ----------
    runs : of one lab.
    spec : the model.
    draws : per chain.
    seed : of the first attempt; each further one has the next.

    Raises
    ------
    FitError
        If every attempt breaks.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BayeslawWarning)
                return fit(
                    runs,
                    spec,
                    seed=seed + attempt,
                    engine="quadrature",
                    draws=draws,
                    cores=1,
                    retry=False,
                )
        except np.linalg.LinAlgError:
            continue
    raise FitError(
        f"the fit broke {_ATTEMPTS} times; expected a posterior. Leave this lab out, or look for "
        "runs that are no loss curve: bayeslaw check."
    )

"""What each lab says of a quantity, and what the labs together say of the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from bayeslaw.errors import BayeslawError, FitError
from bayeslaw.inference import Fit
from bayeslaw.laws import Law
from bayeslaw.laws.law import Z95, prior_location
from bayeslaw.model.layout import APART
from bayeslaw.model.spec import Spec
from bayeslaw.pool import Pool, call
from bayeslaw.runs import Runs
from bayeslaw.scoring.priors_fit import short_fit

RUN, CHECKPOINT = "run", "checkpoint"

_DRAWS = 300
# Families that a lab needs to say how far its families lie apart.
_LEAST_FAMILIES = 3
# A posterior this close to its prior says nothing that could be told from chance.
_LEAST_GAIN = 0.02
# Labs lie further apart than families of one lab: by this much, the middle of a prior.
_LABS_APART = 2.0
# Where the scatter of labs is evaluated, in s.d. of its logarithm's prior.
_LATTICE = np.linspace(-3.5, 3.5, 71)


@dataclass(frozen=True)
class Message:
    """A Gaussian on a logarithm: what rows say, the prior they were fitted with divided out."""

    mean: float
    sd: float


def message(draws: np.ndarray, location: float, spread: float) -> Message | None:
    """Divide a normal prior out of posterior draws.

    Parameters
    ----------
    draws : of a logarithm.
    location, spread : mean and s.d. of the prior.

    Returns
    -------
    Message or None
        None if the posterior is hardly narrower than the prior.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(0.5, np.sqrt(0.5), 100_000)
    >>> found = message(draws, 0.0, 1.0)
    >>> round(found.mean, 1), round(found.sd, 1)
    (1.0, 1.0)
    """
    mean, variance = float(draws.mean()), float(draws.var(ddof=1))
    gain = 1.0 / max(variance, 1e-12) - 1.0 / spread**2
    if gain * spread**2 < _LEAST_GAIN:
        return None
    centre = (mean / max(variance, 1e-12) - location / spread**2) / gain
    return Message(centre, float(gain**-0.5))


def predictive(
    messages: Iterable[Message], location: float, spread: float, apart: float
) -> tuple[float, float]:
    """Return the 90 % interval of the quantity in a new lab, from what the others say.

    Labs scatter normally around a centre; centre and scatter are integrated on a lattice, under
    a normal prior of the centre and a log-normal one of the scatter.

    Parameters
    ----------
    messages : one per lab.
    location, spread : prior mean and s.d. of the centre.
    apart : the middle of the prior of the scatter.

    Returns
    -------
    tuple of float
        The 5 % and 95 % points of the quantity itself, not of its logarithm.

    Examples
    --------
    >>> labs = [Message(m, 0.01) for m in np.linspace(-0.3, 0.3, 31)]
    >>> low, high = predictive(labs, 0.0, 1.0, 0.2)
    >>> round(float(np.log(high)), 1)
    0.3
    """
    found = list(messages)
    means, sds = np.array([m.mean for m in found]), np.array([m.sd for m in found])
    middle, width = prior_location(*APART)
    n = len(_LATTICE)
    scatter = np.exp(np.log(apart) + middle + width * _LATTICE)
    log_weight, centres, variances = -0.5 * _LATTICE**2, np.empty(n), np.empty(n)
    for i, s in enumerate(scatter):
        precision = 1.0 / (sds**2 + s**2)
        total = precision.sum() + spread**-2.0
        centre = ((precision * means).sum() + location * spread**-2.0) / total
        off = (precision * (means - centre) ** 2).sum() + ((centre - location) / spread) ** 2
        log_weight[i] += 0.5 * (np.log(precision).sum() - np.log(total) - off)
        centres[i], variances[i] = centre, 1.0 / total + s**2
    weight = np.exp(log_weight - log_weight.max())
    weight, sd = weight / weight.sum(), np.sqrt(variances)

    def below(x: float, share: float) -> float:
        return float(weight @ norm.cdf((x - centres) / sd)) - share

    reach = 2 * Z95 * sd.max()
    bracket = (centres.min() - reach, centres.max() + reach)
    ends: list[Any] = [brentq(below, *bracket, args=(share,)) for share in (0.05, 0.95)]
    low, high = (float(f"{np.exp(end):.4g}") for end in ends)
    return low, high


@dataclass(frozen=True)
class Told:
    """What one lab says: of each parameter, of its spread between families, and of noise."""

    lab: str
    families: int
    runs: int
    parameters: dict[str, Message]
    trusting: dict[str, Message]
    between: dict[str, Message]
    noise: dict[str, Message]


def hear(
    labs: dict[str, Runs],
    spec: Spec,
    *,
    seed: int = 0,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> list[Told]:
    """Fit each lab by itself, with and without discrepancy, and take down what it says.

    Each has its own reference point and anchors, so amplitudes mean what they will mean to the
    next lab.

    Parameters
    ----------
    labs : runs by lab.
    spec : the model, its exponents and discrepancy chosen.
    seed : the same seed gives the same messages.
    pool : where fits are made.
    told : hears of each lab that is done.
    """
    # These fits are few beside those that chose the setting, so they are not kept.
    pool = replace(pool or Pool(), folder=None)
    out = pool.made([call(_heard, lab, runs, spec, seed) for lab, runs in labs.items()])
    if told:
        told(f"fitted {', '.join(labs)}")
    return out


def _heard(lab: str, runs: Runs, spec: Spec, seed: int) -> Told:
    try:
        own = short_fit(runs, spec, draws=_DRAWS, seed=seed)
        plain = replace(spec, discrepancy=None, priors={})
        trusting = short_fit(runs, plain, draws=_DRAWS, seed=seed)
    except BayeslawError as error:
        raise FitError(f"lab '{lab}': {error}") from error
    return Told(
        lab=lab,
        families=len(own.families),
        runs=len(own.layout.runs),
        parameters=_parameters(own),
        trusting=_parameters(trusting),
        between=_between(own),
        noise=_noise(own),
    )


def labs_apart(typical: float) -> float:
    """Return how far labs are expected to lie apart, given the families of one lab."""
    return _LABS_APART * typical


def _parameters(fitted: Fit) -> dict[str, Message]:
    law: Law = fitted.law
    draws = fitted.posterior["log_population"]
    found = {}
    for p in law.parameters:
        prior = fitted.layout.priors[p.name]
        own = draws.sel(parameter=p.name).values.ravel()
        if (heard := message(own, prior.location, prior.spread)) is not None:
            found[p.name] = heard
    return found


def _between(fitted: Fit) -> dict[str, Message]:
    if len(fitted.families) < _LEAST_FAMILIES:
        return {}
    middle, width = prior_location(*APART)
    found = {}
    for p in fitted.law.parameters:
        own = np.log(fitted.posterior["between"].sel(parameter=p.name).values.ravel())
        heard = message(own, float(np.log(p.between)) + middle, width)
        if heard is not None:
            found[p.name] = heard
    return found


def _noise(fitted: Fit) -> dict[str, Message]:
    post, noise = fitted.posterior, fitted.spec.noise
    found = {}
    for name, interval in ((RUN, noise.run), (CHECKPOINT, noise.checkpoint)):
        if f"{name}_sd" not in post:
            continue
        if f"log_typical_{name}_sd" in post:
            own = post[f"log_typical_{name}_sd"].values.ravel()
        else:
            own = np.log(post[f"{name}_sd"].values[..., 0]).ravel()
        if (heard := message(own, *prior_location(*interval))) is not None:
            found[name] = heard
    return found

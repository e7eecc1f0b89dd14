"""The value of a plan: linear-Gaussian conditioning on joint posterior draws."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import xarray as xr

from bayeslaw import names
from bayeslaw.design.decision import Decision, PlanValue, Variance
from bayeslaw.design.plan import SEEDS, Plan
from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast, Target, forecast
from bayeslaw.prediction.family import FamilyDraws, known_family, new_family

_BLOCKS = 10


def posterior_variance(covariance: np.ndarray, noise: np.ndarray) -> float:
    """Return the variance of a target once noisy outcomes of a plan are known.

    Parameters
    ----------
    covariance : of the target (first) and the noise-free outcomes, shape (1 + m, 1 + m).
    noise : variance of each observed outcome around the noise-free one, shape (m,).

    Returns
    -------
    float
        The variance of a Gaussian, the same whatever the outcomes; for other distributions an
        upper bound on the expected variance.

    Examples
    --------
    >>> posterior_variance(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([1.0]))
    0.5
    """
    shared = covariance[0, 1:]
    told = covariance[1:, 1:] + np.diag(noise)
    return float(covariance[0, 0] - shared @ np.linalg.solve(told, shared))


def expected_variance(target: np.ndarray, outcomes: np.ndarray, noise: np.ndarray) -> float:
    """Return the same from joint draws, corrected for their finite number.

    Parameters
    ----------
    target : draws of the target, shape (draws,).
    outcomes : draws of the noise-free outcomes, shape (draws, m).
    noise : as in :func:`posterior_variance`.

    Returns
    -------
    float
        Never above the variance of the target itself.

    Raises
    ------
    TargetError
        If there are too few draws for so many settings.
    """
    draws, m = outcomes.shape
    if draws < 10 * (m + 1):
        raise TargetError(
            f"a plan has {m} settings and the fit {draws} draws; expected at least ten draws per "
            "setting. Sample longer or merge settings."
        )
    covariance = np.cov(np.column_stack([target, outcomes]), rowvar=False)
    # m fitted coefficients take up m of the draws' degrees of freedom.
    inflated = posterior_variance(covariance, noise) * draws / (draws - m - 1)
    return min(inflated, float(covariance[0, 0]))


def decide(
    fit: Fit,
    plans: Iterable[Plan],
    *,
    target: Target,
    seed: int = 0,
    price: float | None = None,
) -> Decision:
    """Rank plans by how narrow they are expected to make the forecast of a target.

    Every plan's runs are taken to belong to the target's family. The outcomes of a plan and the
    target share posterior draws, discrepancy included; the noise of a run is its seed's and its
    last checkpoint's, divided by the number of seeds. For a target of kind ``"run"`` the noise
    of that run stays in the forecast whatever is bought.

    Parameters
    ----------
    fit : the posterior of the runs so far.
    plans : what could be bought.
    target : the run to forecast.
    seed : seed of the random numbers.
    price : cost of one FLOP in money; adds prices to the table.

    Returns
    -------
    Decision
        Plans ranked by expected s.d.

    Raises
    ------
    TargetError
        If there is no plan, two have one name, or the target's family is not clear.
    """
    plans = list(plans)
    labels = [p.name for p in plans]
    if not plans or len(set(labels)) < len(labels):
        raise TargetError(
            f"{len(plans)} plans were given, named {', '.join(labels) or 'nothing'}; expected at "
            "least one, each with a name of its own. Rename with Plan(name, plan.runs)."
        )
    target = _with_family(fit, target)
    settings = {
        (n, d, c): Target(n, d, target.family, c, "mean")
        for plan in plans
        for n, d, c in plan.settings
    }
    place = {key: i + 1 for i, key in enumerate(settings)}
    with warnings.catch_warnings():
        # The decision carries the target's notes; those of candidates are not news.
        warnings.simplefilter("ignore", ExtrapolationWarning)
        joint = forecast(
            fit, [replace(target, kind="mean"), *settings.values()], kind="mean", seed=seed
        )
    own = _family(fit, target, seed)
    seed_noise, checkpoint_noise = _noise(fit, own, target)
    noise = seed_noise + checkpoint_noise
    kept = noise if target.kind == "run" else 0.0
    logs = np.log(joint.draws.values).reshape(-1, len(settings) + 1)
    now = float(logs[:, 0].var(ddof=1))

    values = []
    for plan in plans:
        columns = [place[key] for key in plan.settings]
        each = noise / plan.runs[SEEDS].to_numpy(float)
        after = expected_variance(logs[:, 0], logs[:, columns], each)
        error = _error(logs[:, 0], logs[:, columns], each, kept)
        information = 0.5 * float(np.log(now / after))
        values.append(PlanValue(plan, float(np.sqrt(after + kept)), error, information))
    return Decision(
        target=target,
        values=tuple(sorted(values, key=lambda v: v.sd)),
        now_sd=float(np.sqrt(now + kept)),
        loss=float(np.exp(np.median(logs[:, 0]))),
        variance=Variance(
            discrepancy=_discrepancy(fit, own, joint, target),
            seed=seed_noise,
            checkpoint=checkpoint_noise,
        ),
        seed=seed,
        price=price,
        extrapolation_factor=joint.extrapolation[0],
        notes=joint.notes[0],
        healthy=fit.health.ok,
    )


def _with_family(fit: Fit, target: Target) -> Target:
    if target.family is not None:
        return target
    if len(fit.families) > 1:
        raise TargetError(
            f"the target names no family and the fit has {len(fit.families)}: "
            f"{', '.join(fit.families[:8])}. Name the one to decide for."
        )
    return replace(target, family=next(iter(fit.families)))


def _family(fit: Fit, target: Target, seed: int) -> FamilyDraws:
    rng = np.random.default_rng([seed, 3])
    if target.family in fit.families:
        return known_family(fit, str(target.family), rng)
    return new_family(fit, rng)


def _noise(fit: Fit, own: FamilyDraws, target: Target) -> tuple[float, float]:
    """Return the variances of a run's seed effect and of its last checkpoint."""
    tails = fit.spec.noise.tails
    total = float((own.noise**2).mean()) * (1.0 if tails is None else tails / (tails - 2.0))
    post = fit.posterior
    if "checkpoint_sd" not in post:
        return total, 0.0
    known = {"family": target.family} if target.family in fit.families else {}
    runs, checkpoints = (
        float((post[n].sel(known) ** 2).mean()) for n in ("run_sd", "checkpoint_sd")
    )
    share = checkpoints / (runs + checkpoints)
    return total * (1 - share), total * share


def _discrepancy(fit: Fit, own: FamilyDraws, joint: Forecast, target: Target) -> float:
    """Return the variance, at the target, of the true curve around the law."""
    if fit.spec.process is None:
        beyond = max(np.log(joint.extrapolation[0]), 0.0)
        return float((own.drift**2).mean()) * beyond**2
    if own.features is None:
        return float((own.discrepancy**2).mean())
    at = {names.PARAMS: target.params, names.TOKENS: target.tokens, names.FLOPS: target.flops}
    relative = {n: at[n] / fit.layout.references[n] for n in fit.law.input_names}
    curve = np.log(fit.law(relative, own.parameters))
    mean: xr.DataArray = joint.draws.isel(target=0)
    return float((np.log(mean.values) - curve).var(ddof=1))


def _error(target: np.ndarray, outcomes: np.ndarray, noise: np.ndarray, kept: float) -> float:
    """Return the Monte Carlo error of an expected s.d.: leave out each tenth of the draws."""
    sds = []
    for block in np.array_split(np.arange(len(target)), _BLOCKS):
        rest = np.delete(target, block), np.delete(outcomes, block, axis=0)
        sds.append(np.sqrt(kept + expected_variance(*rest, noise)))
    return float(np.sqrt((_BLOCKS - 1) * np.var(sds)))

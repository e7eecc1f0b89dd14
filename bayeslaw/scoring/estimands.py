"""What is ranked: the quantities a reader would quote, and joint ones that no margin shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from bayeslaw import names
from bayeslaw.inference import Fit
from bayeslaw.inference.prior import log_likelihood
from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs

# The target lies this many times beyond the largest compute of the runs.
_BEYOND = 5.0
KINDS = ("mean", "run")


def estimands(
    spec: Spec,
    layout: Layout,
    drawn: xr.Dataset,
    log_loss: np.ndarray,
    beyond: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return every quantity to be ranked, by its name.

    Parameters
    ----------
    spec, layout : the model and its runs.
    drawn : a posterior or a prior sample, ``draw`` the first dim.
    log_loss : shape (rows,), or (draws, rows) if each draw has losses of its own.
    beyond : losses at the target by kind, shape (draws, families).

    Returns
    -------
    dict
        From name to values of shape (draws,).
    """
    law: Law = spec.law  # type: ignore[assignment]
    families = layout.families
    # Without it a posterior that equals the prior would pass: every other rank is uniform then.
    out = {"log likelihood": log_likelihood(spec, layout, drawn, log_loss).sum(axis=1)}

    by_family = {n: drawn[n].values for n in law.parameter_names if n not in layout.shared}
    levels = ("run_sd", "checkpoint_sd", "discrepancy_sd")
    by_family |= {n: drawn[n].values for n in levels if n in drawn}
    if (exponent := _allocation_exponent(law, drawn)) is not None:
        by_family["compute-optimal exponent"] = exponent
    by_family |= {f"loss beyond the runs, {kind}": beyond[kind] for kind in KINDS}
    for name, values in by_family.items():
        out |= {f"{name}[{family}]": values[:, f] for f, family in enumerate(families)}
    if len(families) > 1:
        gap = np.log(beyond["mean"][:, 0] / beyond["mean"][:, -1])
        out[f"log loss beyond the runs[{families[0]} - {families[-1]}]"] = gap

    for i, name in enumerate(law.parameter_names):
        if spec.pooling(name) != "none":
            out[f"population {name}"] = drawn["log_population"].values[:, i]
        if spec.pooling(name) == "partial" and len(families) > 1:
            spreads = [n for n in ("between", "across") if n in drawn]
            out |= {f"{n} {name}": drawn[n].values[:, i] for n in spreads}
    typical = [n for n in ("log_typical_run_sd", "log_typical_checkpoint_sd") if n in drawn]
    return out | {n.removeprefix("log_").replace("_", " ", 1): drawn[n].values for n in typical}


def _allocation_exponent(law: Law, drawn: xr.Dataset) -> np.ndarray | None:
    """Return how size grows with compute at the optimum, for a law that answers in closed form.

    With one exponent in size and one in data, in the order of the inputs, the best size grows
    as compute to the power beta / (alpha + beta).
    """
    exponents = [p.name for p in law.parameters if not p.in_loss_units]
    if law.input_names != (names.PARAMS, names.TOKENS) or len(exponents) != 2:
        return None
    alpha, beta = (drawn[n].values for n in exponents)
    return beta / (alpha + beta)


def target_beyond(runs: Runs) -> Target:
    """Return a target beyond the runs: the inputs of the dearest one, both enlarged."""
    top = runs.table.iloc[int(runs.table[names.FLOPS].argmax())]
    grown = np.sqrt(_BEYOND)
    return Target(grown * top[names.PARAMS], grown * top[names.TOKENS])


def forecast_beyond(fit: Fit, target: Target, pick: np.ndarray) -> dict[str, np.ndarray]:
    """Return chosen forecast draws of the target for every family, by kind.

    Parameters
    ----------
    pick : which draws, counted over the chains one after the other.
    """
    out = {}
    for kind in KINDS:
        draws = forecast(fit, replace(target, kind=kind)).draws.values
        out[kind] = draws.reshape(-1, draws.shape[-1])[pick]
    return out


def truth_beyond(
    spec: Spec, layout: Layout, drawn: xr.Dataset, target: Target, seed: int
) -> dict[str, np.ndarray]:
    """Draw what the model says a forecast should cover, in a second hand.

    The curve is the law with its discrepancy, of which the components fix a part and leave the
    rest normal; a run adds its own noise.
    """
    rng = np.random.default_rng([seed, 4])
    law: Law = spec.law  # type: ignore[assignment]
    relative = {n: getattr(target, n) / layout.references[n] for n in law.input_names}
    curve = np.log(law(relative, {n: drawn[n].values for n in law.parameter_names}))
    if spec.process is not None:
        point = np.log([list(relative.values())])
        wander = drawn["wander"].values
        for f, part in enumerate(layout.features):
            known = wander[:, f, : part.rank] @ part.at(point)[0]
            left = np.sqrt(max(part.remainder(point).item(), 0.0))
            own = known + left * rng.standard_normal(len(known))
            curve[:, f] += drawn["discrepancy_sd"].values[:, f] * own
    variance = drawn["run_sd"].values ** 2
    if "checkpoint_sd" in drawn:
        variance = variance + drawn["checkpoint_sd"].values ** 2
    nu, shape = spec.noise.tails, curve.shape
    unit = rng.standard_normal(shape) if nu is None else rng.standard_t(nu, shape)
    return {"mean": np.exp(curve), "run": np.exp(curve + np.sqrt(variance) * unit)}

"""Prior sensitivity: what a forecast would be had other things been believed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw.errors import BayeslawWarning, SpecError
from bayeslaw.inference import Fit, fit as fit_again
from bayeslaw.laws.law import prior_location
from bayeslaw.model.spec import Discrepancy, Inflated, Spec
from bayeslaw.prediction import Forecast, Target, forecast as forecast_again
from bayeslaw.scoring.identifiability import identifiability, prior_driven
from bayeslaw.scoring.power_scaling import EVERY, power_scaling

STATED = "as stated"
_TIMES = 2.0


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How much a forecast rests on what was believed beforehand.

    Attributes
    ----------
    targets : what was forecast.
    refits : one row per change of belief and target, the forecast as it stands first: change,
        target (its place), family, median, low90, high90, shift (of the median, relative),
        width_ratio (of 90 % intervals) and healthy.
    scaling : what :func:`~bayeslaw.scoring.power_scaling.power_scaling` returns.
    identifiability : what :func:`bayeslaw.identifiability` returns.
    warnings : families whose floor or exponents rest on the prior.
    """

    targets: tuple[Target, ...]
    refits: pd.DataFrame
    scaling: pd.DataFrame
    identifiability: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """What moves each forecast, a few lines per target."""
        lines = []
        for i, target in enumerate(self.targets):
            own = self.refits[self.refits["target"] == i]
            stated = own.iloc[0]
            lines.append(
                f"{target.family} at {target.params:.3g} params, {target.tokens:.3g} tokens: "
                f"{stated['median']:.3f} ({stated['low90']:.3f} to {stated['high90']:.3f})"
            )
            for r in own.iloc[1:].to_dict("records"):
                sick = "" if r["healthy"] else " (the refit failed its health gate)"
                lines.append(
                    f"  {r['change']}: median {r['shift']:+.2%}, 90 % width times "
                    f"{r['width_ratio']:.2f}{sick}"
                )
            whole = self.scaling[
                (self.scaling["target"] == i) & (self.scaling["prior"] == EVERY)
            ].iloc[0]
            lines.append(
                f"  all priors counted half or double: median {_percent(whole['shift_half'])} or "
                f"{_percent(whole['shift_double'])}; {whole['verdict']} (sensitivity "
                f"{whole['sensitivity']:.2f}, of the likelihood {whole['likelihood']:.2f})"
            )
        lines += [f"note: {text}" for text in self.warnings]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what is missing is None."""
        return {
            "targets": [
                {"family": t.family, "params": t.params, "tokens": t.tokens, "kind": t.kind}
                for t in self.targets
            ],
            "refits": _records(self.refits),
            "power_scaling": _records(self.scaling),
            "identifiability": _records(self.identifiability),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        moved = self.refits["shift"].abs().max() if len(self.refits) else 0.0
        return (
            f"<Sensitivity of {len(self.targets)} forecasts: other priors move a median by at "
            f"most {moved:.2%}>"
        )


def sensitivity(
    fit: Fit,
    forecast: Forecast,
    *,
    refit: bool = True,
    told: Callable[[str], None] | None = None,
    **settings: Any,
) -> Sensitivity:
    """Say how much a forecast rests on its priors.

    Three answers: the contraction of each parameter; the power-scaling of ArviZ, by weights; and
    refits with the exponents' centre one prior s.d. lower and higher, and with the scale of the
    discrepancy halved and doubled (or with one, if the fit has none).

    Parameters
    ----------
    fit : the posterior.
    forecast : made from it.
    refit : whether to refit; without it the table of refits has the forecast as it stands only.
    told : hears of each refit before it begins.
    settings : passed on to :func:`bayeslaw.fit`, in place of the fit's own engine and seed.

    Returns
    -------
    Sensitivity

    Raises
    ------
    SpecError
        If the forecast was not made from this fit.

    Examples
    --------
    >>> import bayeslaw as bl
    >>> truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    >>> runs = bl.simulate("chinchilla", truth, params=[1e8, 2e8, 4e8, 8e8], tokens=2e10)
    >>> fit = bl.fit(runs, engine="quadrature", draws=200)
    >>> found = bl.sensitivity(fit, bl.forecast(fit, params=2e9, tokens=4e10), refit=False)
    >>> found.scaling["prior"].tolist()
    ['all priors', 'exponents', 'floor and amplitudes', 'noise', 'discrepancy']
    """
    sizes = [forecast.draws.sizes[d] for d in ("chain", "draw")]
    if sizes != [fit.posterior.sizes[d] for d in ("chain", "draw")]:
        raise SpecError(
            f"the forecast has {sizes[0]} x {sizes[1]} draws and the fit "
            f"{fit.posterior.sizes['chain']} x {fit.posterior.sizes['draw']}; expected a forecast "
            "made from this fit: forecast(fit, ...)."
        )
    rows = _rows(STATED, forecast, forecast, fit.health.ok)
    for change, spec in changes(fit.spec) if refit else ():
        if told:
            told(f"refitting: {change}")
        chosen = {"seed": fit.seed, "engine": fit.engine} | settings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BayeslawWarning)
            made = fit_again(fit.runs, spec, **chosen)
            found = forecast_again(made, forecast.targets)
        rows += _rows(change, found, forecast, made.health.ok)
    return Sensitivity(
        forecast.targets,
        pd.DataFrame(rows),
        power_scaling(fit, forecast),
        identifiability(fit),
        tuple(prior_driven(fit)),
    )


def changes(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Yield other beliefs, by their names: exponents lower and higher, more and less discrepancy.

    Examples
    --------
    >>> [name for name, _ in changes(Spec(discrepancy=None))]
    ['exponents lower by one s.d.', 'exponents higher by one s.d.', 'with a discrepancy']
    """
    law: Any = spec.law
    for word, sign in (("lower", -1.0), ("higher", 1.0)):
        moved = {}
        for name in law.nonlinear:
            low, high = spec.interval(law.parameter(name))[0]
            factor = np.exp(sign * prior_location(low, high)[1])
            moved[name] = (float(low * factor), float(high * factor))
        if moved:
            yield f"exponents {word} by one s.d.", replace(spec, priors={**spec.priors, **moved})
    if spec.discrepancy is None:
        yield "with a discrepancy", replace(spec, discrepancy=Discrepancy())
        return
    found = spec.discrepancy
    for word, factor in (("halved", 1 / _TIMES), ("doubled", _TIMES)):
        if isinstance(found, Inflated):
            wider = replace(found, kappa=tuple(factor * v for v in found.kappa))
        else:
            wider = replace(found, scale=tuple(factor * v for v in found.scale))
        yield f"discrepancy {word}", replace(spec, discrepancy=wider)


def _rows(change: str, made: Forecast, stated: Forecast, healthy: bool) -> list[dict[str, Any]]:
    out = []
    for i, target in enumerate(made.targets):
        (low, middle, high), (low_then, middle_then, high_then) = (
            np.quantile(f.draws.isel(target=i).values, (0.05, 0.5, 0.95)) for f in (made, stated)
        )
        out.append(
            {
                "change": change,
                "target": i,
                "family": target.family,
                "median": float(middle),
                "low90": float(low),
                "high90": float(high),
                "shift": float(middle / middle_then - 1),
                "width_ratio": float((high - low) / (high_then - low_then)),
                "healthy": healthy,
            }
        )
    return out


def _percent(value: float) -> str:
    return "too far to tell by weights" if np.isnan(value) else f"{value:+.2%}"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]

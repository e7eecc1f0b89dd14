"""The health gate: what must hold before a posterior is trusted, and what to try if not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import xarray as xr

MAX_RHAT = 1.01
MIN_ESS = 400
MIN_BFMI = 0.3
MAX_MISFIT = 0.05
# One family that no law follows must not pass among many that one does.
MAX_FAMILY_MISFIT = 0.25
MIN_IMPORTANCE_ESS = 200.0
# Above the first, more points are drawn; above the second, weights are not trusted at all.
MAX_TAIL_SHAPE, WORST_TAIL_SHAPE = 0.7, 0.9


class Check(Enum):
    """A condition of trust; its value is what to try when it fails."""

    DIVERGENCES = (
        "give narrower priors, or pool more parameters; in Python, raise target_accept towards 0.99"
    )
    RHAT = "sample longer (draws 4000, tune 2000); if it stays, pool more parameters"
    BULK_ESS = "sample longer (draws 4000)"
    TAIL_ESS = "sample longer (draws 4000); the interval ends are the least certain part"
    BFMI = "sample longer with tune 2000; if it stays, use noise with lighter tails"
    FINITE = "give narrower priors; if it stays, report it with the table of runs"
    IMPORTANCE = (
        "use engine pymc, which needs no importance weights; if that fails too, give the family "
        "more runs or drop it"
    )
    MISFIT = (
        "the law does not follow the training rows: look at bayeslaw check for broken runs or "
        "mixed units, drop early checkpoints, or try another law"
    )


@dataclass(frozen=True)
class Failure:
    """A failed check, what was found and what was expected."""

    check: Check
    found: str

    def __str__(self) -> str:
        """Say what was found and what to try."""
        return f"{self.found}; {self.check.value}."


@dataclass(frozen=True)
class Health:
    """Whether a posterior may be trusted.

    Attributes
    ----------
    failures : failed checks; the fit is not trustworthy unless this is empty.
    warnings : what the reader of a forecast should know all the same.
    figures : the largest R-hat, smallest ESS and so on, by name.
    """

    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON form."""
        return {
            "ok": self.ok,
            "failures": [str(f) for f in self.failures],
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        """Say in a few lines whether the fit is healthy."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.figures)
        lines = ["healthy" if self.ok else "NOT trustworthy", f"  {figures}"]
        lines += [f"  failed: {f}" for f in self.failures]
        lines += [f"  note: {w}" for w in self.warnings]
        return "\n".join(lines)


def examine(
    posterior: xr.Dataset,
    stats: xr.Dataset,
    misfit: float,
    warnings: tuple[str, ...] = (),
    worst: tuple[str, float] = ("", 0.0),
    weighed: Weighed | None = None,
) -> Health:
    """Run the gate over the quantities a reader would quote.

    Parameters
    ----------
    posterior : dims (chain, draw, ...), only the variables to be judged.
    stats : the sampler's ``diverging`` and ``energy``, dims (chain, draw); empty where draws are
        independent.
    misfit : median absolute log residual of the training rows.
    worst : the family with the largest such median, and that median.
    weighed : what engines that weigh or reject points report of each family.
    """
    import arviz_stats

    azs: Any = arviz_stats

    with np.errstate(invalid="ignore", divide="ignore"):  # constants have no R-hat
        rhat = _extreme(azs.rhat(posterior), max)
        bulk = _extreme(azs.ess(posterior, method="bulk"), min)
        tail = _extreme(azs.ess(posterior, method="tail"), min)
    figures = {"R-hat": rhat[1], "bulk ESS": bulk[1], "tail ESS": tail[1]}
    odd = [str(n) for n, v in posterior.data_vars.items() if not np.isfinite(v.values).all()]
    diverging, bfmi = 0, np.inf
    if "energy" in stats:
        diverging = int(stats["diverging"].sum())
        energy = stats["energy"].to_numpy()
        bfmi = float(np.min((np.diff(energy, axis=1) ** 2).mean(1) / energy.var(axis=1)))
        figures |= {"divergences": float(diverging), "E-BFMI": bfmi}

    failures = []
    if odd:
        text = f"{', '.join(odd)} have draws that are not finite numbers, expected none"
        failures.append(Failure(Check.FINITE, text))
    if diverging:
        failures.append(Failure(Check.DIVERGENCES, f"{diverging} divergent draws, expected none"))
    if not rhat[1] < MAX_RHAT:
        failures.append(
            Failure(Check.RHAT, f"R-hat of {rhat[0]} is {rhat[1]:.3f}, expected below {MAX_RHAT}")
        )
    for check, (where, value), word in (
        (Check.BULK_ESS, bulk, "bulk"),
        (Check.TAIL_ESS, tail, "tail"),
    ):
        if not value > MIN_ESS:
            text = f"{word} ESS of {where} is {value:.0f}, expected above {MIN_ESS}"
            failures.append(Failure(check, text))
    if not bfmi > MIN_BFMI:
        failures.append(Failure(Check.BFMI, f"E-BFMI is {bfmi:.2f}, expected above {MIN_BFMI}"))
    if not misfit < MAX_MISFIT:
        text = f"the fitted curve is off by {misfit:.1%} at the median training row"
        failures.append(Failure(Check.MISFIT, f"{text}, expected below {MAX_MISFIT:.0%}"))
    if not worst[1] < MAX_FAMILY_MISFIT:
        text = f"the fitted curve of {worst[0]} is off by {worst[1]:.0%} at its median row"
        failures.append(Failure(Check.MISFIT, f"{text}, expected below {MAX_FAMILY_MISFIT:.0%}"))
    figures["misfit"] = misfit
    if weighed is not None:
        failures += weighed.failures()
        figures |= weighed.figures()
    return Health(tuple(failures), warnings, tuple(figures.items()))


@dataclass(frozen=True)
class Weighed:
    """What engines that weigh points report, by family; empty where it does not apply.

    Attributes
    ----------
    importance_ess : effective number of points.
    tail_shape : Pareto shape of their weights.
    """

    families: tuple[str, ...]
    importance_ess: np.ndarray
    tail_shape: np.ndarray

    def figures(self) -> dict[str, float]:
        """Return the worst of each."""
        out = {}
        if self.importance_ess.size:
            out["importance ESS"] = float(self.importance_ess.min())
        if self.tail_shape.size:
            out["Pareto shape"] = float(self.tail_shape.max())
        return out

    def failures(self) -> list[Failure]:
        """Return what is out of bounds."""
        found = self.figures()
        out = []
        if not found.get("importance ESS", np.inf) >= MIN_IMPORTANCE_ESS:
            text = f"importance ESS of {self.families[int(self.importance_ess.argmin())]} is "
            text += f"{found['importance ESS']:.0f}, expected at least {MIN_IMPORTANCE_ESS:.0f}"
            out.append(Failure(Check.IMPORTANCE, text))
        if not found.get("Pareto shape", 0.0) <= WORST_TAIL_SHAPE:
            text = f"weights of {self.families[int(self.tail_shape.argmax())]} have Pareto shape "
            text += f"{found['Pareto shape']:.2f}, expected at most {WORST_TAIL_SHAPE}"
            out.append(Failure(Check.IMPORTANCE, text))
        return out


def _extreme(values: xr.Dataset, pick: Any) -> tuple[str, float]:
    """Return where a diagnostic is worst and how bad; constants have none and are left out."""
    found = []
    for name, array in values.data_vars.items():
        for index in np.ndindex(array.shape):
            value = float(array.values[index])
            if np.isfinite(value):
                place = [str(array[d].values[i]) for d, i in zip(array.dims, index, strict=True)]
                found.append((f"{name}[{', '.join(place)}]" if place else str(name), value))
    return pick(found, key=lambda pair: pair[1]) if found else ("nothing", float("nan"))

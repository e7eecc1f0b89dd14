"""The calibration card of a forecast: how often intervals like its own have held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast
from bayeslaw.prediction.forecast import UNSUPPORTED
from bayeslaw.scoring import own_ladder
from bayeslaw.scoring.averages import LEVELS
from bayeslaw.scoring.evidence import Evidence
from bayeslaw.scoring.identifiability import prior_driven
from bayeslaw.scoring.public_scores import (
    DISCREPANCY,
    TRUSTING,
    bin_of,
    shipped_scores,
)

_SCORED_LAW = "chinchilla"
_MOST_DRIVEN = 3


@dataclass(frozen=True, eq=False)
class CalibrationCard:
    """Nominal against realised coverage of forecasts like this one.

    Attributes
    ----------
    own : the back-test of the fit's own runs, their largest sizes hidden; None if there is none.
    missing : why there is none.
    public : for each target, back-tests of public ladders that reach as far beyond as it does,
        made with priors that never saw the lab that was scored.
    factors : how far each target lies beyond: compute over the largest seen.
    notes : in what this forecast differs from those back-tests, and families whose floor or
        exponents rest on the prior.
    """

    own: Evidence | None
    missing: str
    public: tuple[Evidence | None, ...]
    factors: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> list[Evidence]:
        """All the evidence, each piece once: your ladder, then public ones by reach."""
        found = {e.least: e for e in self.public if e is not None}
        own = [] if self.own is None else [self.own]
        return own + [found[least] for least in sorted(found)]

    @property
    def table(self) -> pd.DataFrame:
        """One row per piece of evidence: where, reach, coverage by level, scores, sizes."""
        rows = [
            {
                "where": e.where,
                "beyond": e.reach,
                **{f"held{level}": e.coverage[level] for level in LEVELS},
                "low90": e.bounds["90"][0],
                "high90": e.bounds["90"][1],
                "bias": e.bias,
                "crps": e.crps,
                "energy_score": e.energy_score,
                "width90": e.width90,
                "pit_p_value": e.uniformity["p_value"],
                "n_cases": e.n_cases,
                "n_families": e.n_families,
                "n_labs": e.n_labs,
            }
            for e in self.evidence
        ]
        return pd.DataFrame(rows)

    @property
    def lines(self) -> list[str]:
        """What the card says, a sentence each."""
        out = [e.sentence for e in self.evidence]
        if self.own is None:
            out.insert(0, f"Your ladder was not back-tested: {self.missing}.")
        else:
            test = self.own.uniformity
            out.insert(
                1,
                f"PIT uniform on your ladder: p = {test['p_value']:.2g}; intervals half as wide as "
                f"they should be would show in {test['power_narrow']:.0%} of such tests.",
            )
        if far := sum(factor > UNSUPPORTED for factor in self.factors):
            out.append(
                f"Beyond {UNSUPPORTED:.0f} times nothing supports an interval ({far} of "
                f"{len(self.factors)} targets): train a larger run first."
            )
        return [*out, *self.notes]

    @property
    def text(self) -> str:
        """The card in a few lines."""
        return "\n".join(self.lines)

    def records(self) -> list[dict[str, Any]]:
        """Return one record per target as plain JSON values.

        Returns
        -------
        list of dict
            ``supported``, whether the target lies within the reach of any back-test; ``own`` and
            ``public`` evidence, or None; ``missing``, why there is none of your own; ``notes``.
        """
        own = None if self.own is None else self.own.to_dict()
        return [
            {
                "supported": factor <= UNSUPPORTED,
                "own": own,
                "missing": self.missing,
                "public": None if public is None else public.to_dict(),
                "notes": list(self.notes),
            }
            for factor, public in zip(self.factors, self.public, strict=True)
        ]

    def __repr__(self) -> str:
        held = ", ".join(f"{e.where} {e.reach}: {e.coverage['90']:.0%}" for e in self.evidence)
        return f"<CalibrationCard: 90 % intervals held {held or 'in no back-test yet'}>"


def calibration_card(
    fit: Fit, forecast: Forecast, *, backtest: bool = True, seed: int | None = None
) -> CalibrationCard:
    """Say how often intervals like those of a forecast have held.

    Parameters
    ----------
    fit : what the forecast was made from.
    forecast : of runs.
    backtest : hide the largest sizes of the fit's own runs and forecast them, which takes a
        short refit by quadrature the first time; without it only public ladders are looked at,
        and what was found before.
    seed : of the refit; that of the fit unless given.

    Returns
    -------
    CalibrationCard

    Examples
    --------
    >>> import bayeslaw as bl
    >>> truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    >>> runs = bl.simulate("chinchilla", truth, params=[1e8, 2e8, 4e8, 8e8], tokens=2e10)
    >>> fit = bl.fit(runs, engine="quadrature", draws=200)
    >>> forecast = bl.forecast(fit, params=2e9, tokens=4e10)
    >>> [e.reach for e in bl.calibration_card(fit, forecast).evidence]
    ['2x', '4 to 10x']
    """
    found = own_ladder.own_evidence(fit, seed=seed) if backtest else own_ladder.known(fit)
    missing = "" if isinstance(found, Evidence) else found or "it was not asked for"
    model = TRUSTING if fit.spec.discrepancy is None else DISCREPANCY
    scores = shipped_scores()
    bins = [bin_of(factor) for factor in forecast.extrapolation]
    public = {place: Evidence.of_bin(scores, place, model) for place in set(bins)}
    return CalibrationCard(
        found if isinstance(found, Evidence) else None,
        missing,
        tuple(public[place] for place in bins),
        forecast.extrapolation,
        tuple(_notes(fit, forecast)),
    )


def _notes(fit: Fit, forecast: Forecast) -> list[str]:
    out = []
    if fit.law.name != _SCORED_LAW:
        out.append(f"Public ladders were forecast with {_SCORED_LAW}, not with {fit.law.name}.")
    if fit.spec.discrepancy is None:
        out.append("Without a discrepancy intervals are too narrow beyond the runs.")
    if not all(forecast.known):
        out.append(
            "A family without rows is forecast from the population; all of this is about families "
            "with rows."
        )
    if any(t.kind != "run" for t in forecast.targets):
        out.append("Curves (kind mean) are never observed; all of this is about runs.")
    driven = prior_driven(fit, {str(t.family) for t in forecast.targets})
    more = len(driven) - _MOST_DRIVEN
    out += [f"Prior: {text}." for text in driven[:_MOST_DRIVEN]]
    if more > 0:
        out.append(f"Prior: {more} more families likewise; bayeslaw sensitivity lists them all.")
    return out

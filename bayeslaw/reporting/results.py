"""What a report is made of: results of every kind, sorted."""

from __future__ import annotations

from dataclasses import dataclass

from bayeslaw.design import Allocation, Comparison, Decision
from bayeslaw.errors import SpecError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast
from bayeslaw.scoring import CalibrationCard, Scorecard, calibration_card

Result = Fit | Forecast | CalibrationCard | Scorecard | Decision | Allocation | Comparison


@dataclass(frozen=True)
class Results:
    """Results by kind; several of one kind keep their order."""

    fits: tuple[Fit, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    held: tuple[CalibrationCard, ...] = ()
    cards: tuple[Scorecard, ...] = ()
    decisions: tuple[Decision, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


def sort(results: tuple[object, ...]) -> Results:
    """Sort results by kind; a forecast beside its fit gets a card if there is none.

    Raises
    ------
    SpecError
        If there is no result, or something else is among them.
    """
    known = Result.__args__
    strangers = sorted({type(r).__name__ for r in results if not isinstance(r, known)})
    if strangers or not results:
        raise SpecError(
            f"a report was asked of {', '.join(strangers) or 'no results'}; expected "
            f"{', '.join(k.__name__ for k in known)}, at least one."
        )
    fits, forecasts = _of(Fit, results), _of(Forecast, results)
    held = _of(CalibrationCard, results)
    if len(fits) == 1 and not held:
        held = tuple(calibration_card(fits[0], made, backtest=False) for made in forecasts)
    return Results(
        fits,
        forecasts,
        held,
        cards=_of(Scorecard, results),
        decisions=_of(Decision, results),
        allocations=_of(Allocation, results),
        comparisons=_of(Comparison, results),
    )


def _of[Kind](kind: type[Kind], results: tuple[object, ...]) -> tuple[Kind, ...]:
    return tuple(result for result in results if isinstance(result, kind))

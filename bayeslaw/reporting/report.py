"""Writing a report: results in any order become one HTML file that needs nothing else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bayeslaw.design import Decision
from bayeslaw.errors import BayeslawError, SpecError
from bayeslaw.files import write_whole
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast
from bayeslaw.reporting.sections import Results, alarms, answer, sections
from bayeslaw.reporting.template import PAGE
from bayeslaw.scoring import CalibrationCard, Scorecard, calibration_card


def require_packages() -> None:
    """Look for what a report needs, so that a long fit does not end in a missing package.

    Raises
    ------
    BayeslawError
        Naming what to install.
    """
    missing = [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]
    if missing:
        raise BayeslawError(
            f"reports need {' and '.join(missing)}, not installed; install bayeslaw[report]."
        )


def report(
    *results: Fit | Forecast | CalibrationCard | Scorecard | Decision, path: str | Path
) -> Path:
    """Write results into one self-contained HTML file.

    The page has no scripts and loads nothing; text from the runs is escaped wherever it stands.
    The same results give the same file.

    Parameters
    ----------
    results : fits, forecasts, calibration cards, score cards and decisions, in any order. A
        forecast beside its fit gets a calibration card, of public ladders, if none is given.
    path : where to write; the file appears only when it is complete.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SpecError
        If there is no result, or something else is among them.
    BayeslawError
        If jinja2 or matplotlib is missing.
    FileError
        If the file cannot be written.
    """
    sorted_results = _sort(results)
    require_packages()
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.filters["svg"] = Markup  # pictures are made here, never by a user
    headline = answer(sorted_results)
    page = environment.from_string(PAGE).render(
        title=headline,
        answer=headline,
        alarms=alarms(sorted_results),
        sections=list(sections(sorted_results)),
    )
    # A family may be named with lone surrogates, which no encoding can hold.
    write_whole(Path(path), page, errors="replace")
    return Path(path)


def _sort(results: tuple[object, ...]) -> Results:
    known = (Fit, Forecast, CalibrationCard, Scorecard, Decision)
    strangers = sorted({type(r).__name__ for r in results if not isinstance(r, known)})
    if strangers or not results:
        raise SpecError(
            f"a report was asked of {', '.join(strangers) or 'no results'}; expected "
            f"{', '.join(k.__name__ for k in known)}, at least one."
        )
    fits = tuple(r for r in results if isinstance(r, Fit))
    forecasts = tuple(r for r in results if isinstance(r, Forecast))
    held = tuple(r for r in results if isinstance(r, CalibrationCard))
    if len(fits) == 1 and not held:
        held = tuple(calibration_card(fits[0], made, backtest=False) for made in forecasts)
    return Results(
        fits,
        forecasts,
        tuple(r for r in results if isinstance(r, Scorecard)),
        tuple(r for r in results if isinstance(r, Decision)),
        held,
    )

"""The command forecast: the loss of runs that were not made yet."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.calibrating import calibrate, show_calibration
from bayeslaw.cli.display import show_forecast, show_health
from bayeslaw.cli.input import FIT_SUFFIX, fit_or_load
from bayeslaw.cli.options import Common, FitOut, Model, RunsOrFit, Sampling, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import read_targets, require_kind
from bayeslaw.errors import ExtrapolationWarning

if TYPE_CHECKING:
    from bayeslaw.inference import Fit, Health
    from bayeslaw.prediction import Forecast, Target


def forecast(
    source: RunsOrFit,
    table: Table,
    model: Model,
    sampling: Sampling,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="What to forecast; may be repeated."),
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Table of targets: params, tokens, family.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Family of the targets; a new name is a new family. [all]")
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="run|mean", help="One new run, or the curve under it.")
    ] = "run",
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Write a report of one page.")
    ] = None,
    out: FitOut = None,
    no_card: Annotated[
        bool, typer.Option("--no-card", help="Do not back-test; say nothing of calibration.")
    ] = False,
) -> "Health":
    """Forecast the loss at targets, with intervals, from a table of runs or a stored fit."""
    # All that can be wrong is looked at before the slow part.
    require_writable(common, source, targets, out=out, report=report)
    require_kind(kind)
    if report is not None:
        from bayeslaw.reporting import require_packages

        require_packages()
    wanted = read_targets(target or [], targets, family, kind)
    fit = fit_or_load(source, table, model, sampling, common)
    made = forecast_quietly(fit, wanted, common.seed)
    if out is not None:
        fit.save(out)
    records, cards = made.records(), []
    if not no_card:
        stored = source if source.suffix == FIT_SUFFIX else None
        cards.append(calibrate(fit, made, common, stored, out))
        for record, found in zip(records, cards[0].records(), strict=True):
            record["calibration"] = found
    if report is not None:
        from bayeslaw.reporting import report as write_report

        write_report(fit, made, *cards, path=report)
    deliver(headed("forecast", common, fit, forecasts=records), common)
    console = screen(common)
    show_forecast(console, made)
    for card in cards:
        show_calibration(console, card)
    show_health(console, fit.health)
    return fit.health


def forecast_quietly(fit: "Fit", targets: "list[Target]", seed: int) -> "Forecast":
    """Forecast; warnings are in the notes of the result and shown from there."""
    from bayeslaw.prediction import forecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return forecast(fit, targets, seed=seed)

"""The command forecast: the loss of runs that were not made yet."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.calibrating import calibrate, show_calibration
from bayeslaw.cli.display import show_forecast, show_health
from bayeslaw.cli.input import (
    FIT_SUFFIX,
    average_runs,
    fit_or_load,
    read_runs,
    sampling_options,
    specify,
)
from bayeslaw.cli.options import Common, FitOut, Model, ReportOut, RunsOrFit, Sampling, Source
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.sparkline import show_sparklines
from bayeslaw.cli.targets import read_targets, require_kind
from bayeslaw.errors import ExtrapolationWarning

if TYPE_CHECKING:
    from bayeslaw.inference import Fit, Health
    from bayeslaw.prediction import Average, Forecast, Target


def forecast(
    source: RunsOrFit,
    table: Source,
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
    report: ReportOut = None,
    out: FitOut = None,
    no_card: Annotated[
        bool, typer.Option("--no-card", help="Do not back-test; say nothing of calibration.")
    ] = False,
) -> "Health":
    """Forecast the loss at targets, with intervals, from a table of runs or a stored fit."""
    from bayeslaw.prediction import Average

    # All that can be wrong is looked at before the slow part.
    require_writable(common, source, targets, out=out, report=report)
    require_kind(kind)
    wanted = read_targets(target or [], targets, family, kind)
    fit = _fit_or_average(
        source, table, model, sampling, common, {"--out": out, "--report": report}
    )
    made = forecast_quietly(fit, wanted, common.seed)
    averaged = isinstance(fit, Average)
    if out is not None and not averaged:
        fit.save(out)
    records, cards = made.records(), []
    if not (no_card or averaged):
        stored = source if source.suffix == FIT_SUFFIX else None
        cards.append(calibrate(fit, made, common, stored, out))
        for record, found in zip(records, cards[0].records(), strict=True):
            record["calibration"] = found
    if report is not None and not averaged:
        from bayeslaw.reporting import report as write_report

        write_report(fit, made, *cards, path=report)
    weights = {"weights": fit.by_law} if averaged else {}
    deliver(headed("forecast", common, fit, **weights, forecasts=records), common)
    console = screen(common)
    show_forecast(console, made)
    if not isinstance(fit, Average):
        show_sparklines(console, fit, [str(t.family) for t in made.targets])
    for card in cards:
        show_calibration(console, card)
    if averaged:
        shares = ", ".join(f"{name} {weight:.2f}" for name, weight in fit.by_law.items())
        console.print(f"weights of the laws: {shares}\n")
    show_health(console, fit.health)
    return fit.health


def _fit_or_average(
    source: Path,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    files: dict[str, Path | None],
) -> "Fit | Average":
    spec = specify(model)
    if not spec.also or source.suffix == FIT_SUFFIX:
        return fit_or_load(source, table, model, sampling, common)
    if given := [flag for flag, path in files.items() if path is not None]:
        raise typer.BadParameter(
            f"an average over {spec.label} is no single fit, so {' and '.join(given)} cannot be "
            "written; leave it out, or name one law.",
            param_hint="--law",
        )
    return average_runs(read_runs(source, table), spec, sampling_options(sampling), common)


def forecast_quietly(fit: "Fit | Average", targets: "list[Target]", seed: int) -> "Forecast":
    """Forecast; warnings are in the notes of the result and shown from there."""
    from bayeslaw.prediction import forecast

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return forecast(fit, targets, seed=seed)

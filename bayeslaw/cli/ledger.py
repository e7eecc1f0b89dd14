"""The commands ledger add, score and show: forecasts written down, and how they turned out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.display import grid, quantity, show_health
from bayeslaw.cli.forecasting import forecast_quietly
from bayeslaw.cli.input import fit_or_load, read_runs
from bayeslaw.cli.options import Common, Model, RunsFile, RunsOrFit, Sampling, Source, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import read_targets

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.design import Ledger
    from bayeslaw.inference import Health

LedgerFile = Annotated[
    Path, typer.Argument(metavar="LEDGER", help="File of forecasts; one JSON object per line.")
]


def add(
    ledger: LedgerFile,
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="The run to come; may be repeated."),
    ] = None,
    family: Annotated[str | None, typer.Option(help="Its family. [all]")] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the forecast.")] = "",
) -> "Health":
    """Write forecasts down before the runs are made."""
    require_writable(common, source, ledger=ledger)
    wanted = read_targets(target or [], None, family, "run")

    from bayeslaw.design import add_forecasts, read_ledger

    if ledger.exists():
        read_ledger(ledger)  # before the slow part
    fit = fit_or_load(source, table, model, sampling, common)
    entries = add_forecasts(ledger, fit, forecast_quietly(fit, wanted, common.seed), note=note)
    deliver(headed("ledger add", common, fit, entries=entries), common)
    console = screen(common)
    _show(console, read_ledger(ledger))
    show_health(console, fit.health)
    return fit.health


def score(ledger: LedgerFile, runs: RunsFile, table: Table, common: Common) -> None:
    """Score the forecasts whose runs are in a table: PIT, CRPS, log score."""
    require_writable(common, ledger, runs)

    from bayeslaw.design import read_ledger, score_forecasts

    read_ledger(ledger)
    entries = score_forecasts(ledger, read_runs(runs, table))
    deliver(headed("ledger score", common, scores=entries), common)
    console = screen(common)
    console.print(f"{len(entries)} forecasts were scored")
    if any(e["same_data"] for e in entries):
        console.print(
            "some were made from the very table that holds their answers", style="bold red"
        )
    _show(console, read_ledger(ledger))


def show(ledger: LedgerFile, common: Common) -> None:
    """Show the forecasts of a ledger and their scores."""
    require_writable(common, ledger)

    from bayeslaw.design import read_ledger

    found = read_ledger(ledger)
    scores = list(found.scores.values())
    deliver(headed("ledger show", common, forecasts=found.forecasts, scores=scores), common)
    _show(screen(common), found)


def _show(console: "Console", ledger: "Ledger") -> None:
    numbers = ("N", "D", "median", "90 %", "observed", "PIT", "CRPS", "log score")
    rows = grid(f"{ledger.path.name}: forecasts", "made", "family", *numbers, right=numbers)
    for forecast in ledger.forecasts:
        low, high = forecast["interval90"]
        score = ledger.scores.get(forecast["entry"])
        scored = ["open", "", "", ""]
        if score is not None:
            scored = [f"{score['observed']:.3f}", f"{score['pit']:.2f}"]
            scored += [f"{score['crps']:.2%}", f"{score['log_score']:.2f}"]
        rows.add_row(
            forecast["made"][:16],
            forecast["family"],
            quantity(forecast["params"]),
            quantity(forecast["tokens"]),
            f"{forecast['median']:.3f}",
            f"{low:.3f}\u2013{high:.3f}",
            *scored,
        )
    console.print(rows)

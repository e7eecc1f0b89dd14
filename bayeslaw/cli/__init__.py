"""The command line: each command reads its flags, calls one verb of the library, shows the result.

Nothing heavy is imported before a command runs, so that ``bayeslaw --help`` answers at once.
"""

from typing import Annotated

import typer

from bayeslaw.cli import ledger as ledgers
from bayeslaw.cli.allocating import allocate
from bayeslaw.cli.backtesting import backtest
from bayeslaw.cli.checking import check
from bayeslaw.cli.command import command, end_tidily
from bayeslaw.cli.comparing import compare
from bayeslaw.cli.demonstration import demo
from bayeslaw.cli.fitting import fit
from bayeslaw.cli.forecasting import forecast
from bayeslaw.cli.listing import datasets, laws
from bayeslaw.cli.midrun import midrun
from bayeslaw.cli.outlying import outliers
from bayeslaw.cli.planning import plan
from bayeslaw.cli.priors import learn, show
from bayeslaw.cli.replicating import replicate
from bayeslaw.cli.sbc import sbc
from bayeslaw.cli.sensing import sensitivity
from bayeslaw.cli.task import emergence, loss_to_task, passes, skills

COMMANDS = (
    demo, check, fit, forecast, backtest, compare, allocate, plan, midrun, sensitivity, outliers,
    sbc, replicate, laws, datasets,
)  # fmt: skip

# Plain help and plain tracebacks: messages stay greppable, and rich is imported only for tables.
app = typer.Typer(
    name="bayeslaw",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for function in COMMANDS:
    app.command()(command(function))

learned = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Learned priors.")
for function in (learn, show):
    learned.command()(command(function))
app.add_typer(learned, name="priors")

task = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Skills and emergence.")
for function in (skills, loss_to_task, passes, emergence):
    task.command()(command(function))
app.add_typer(task, name="task")

written = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Forecasts to be scored.")
for function in (ledgers.add, ledgers.score, ledgers.show):
    written.command()(command(function))
app.add_typer(written, name="ledger")


def _version(asked: bool) -> None:
    if asked:
        from bayeslaw import __version__

        typer.echo(f"bayeslaw {__version__}")
        raise typer.Exit


@app.callback(epilog="Exit codes: 0 done, 1 the fit is not trustworthy, 2 bad usage or input.")
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Bayesian scaling laws: forecast the loss of a large run from a table of smaller ones."""


def main() -> None:
    """Run the command line."""
    end_tidily()
    app()

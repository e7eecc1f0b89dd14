"""The command backtest: how forecasts of runs that are already known turn out."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import MAX_FAMILIES, figures, grid, quantity
from bayeslaw.cli.input import read_runs, sampling_options, specify
from bayeslaw.cli.options import Common, Model, RunsFile, Sampling, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.inference import Health
    from bayeslaw.scoring import Scorecard

MAX_TARGETS = 20


def backtest(
    runs: RunsFile,
    table: Table,
    model: Model,
    sampling: Sampling,
    common: Common,
    holdout: Annotated[
        str | None,
        typer.Option(
            metavar="largest|smallest-k:K|tail:SHARE|CONDITION",
            help="What to hide: the largest size, all but the K smallest, the last share of each "
            "run's tokens, or a condition such as 'flops > 1e21'. [largest]",
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            metavar="last|tail", help="Score each hidden run's last row, or its last 30 %. [last]"
        ),
    ] = None,
    least_sizes: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="Sizes a family needs to be scored."),
    ] = None,
    parametric: Annotated[
        bool, typer.Option("--parametric", help="Compare with fits without discrepancy.")
    ] = False,
) -> "Health | None":
    """Hide runs, forecast them from the rest, and score that beside plain baselines."""
    require_writable(common, runs)
    spec = specify(model)

    from bayeslaw.scoring import backtest as hide_and_score

    asked: dict[str, Any] = {"holdout": holdout, "score": score, "least_sizes": least_sizes}
    asked = {name: value for name, value in asked.items() if value is not None}
    read = read_runs(runs, table)
    aside = screen(common, stderr=True)
    aside.print(
        f"back-testing on {read.source}: hides runs, and fits the rest "
        "(compiles for some seconds, then samples)",
        soft_wrap=True,
    )
    card = hide_and_score(
        read,
        spec=spec,
        seed=common.seed,
        parametric=parametric,
        progress=aside.is_terminal and not common.quiet,
        **asked,
        **sampling_options(sampling),
    )
    deliver(_record(card, common), common)
    console = screen(common)
    _show_targets(console, card)
    _show_labs(console, card)
    console.print(card.text)
    return card.health


def _record(card: "Scorecard", common: Common) -> dict[str, Any]:
    head = headed("backtest", common)
    return {name: head[name] for name in ("command", "version")} | card.to_dict()


def _show_targets(console: "Console", card: "Scorecard") -> None:
    """Print each hidden run beside its forecast, the farthest miss first."""
    numbers = ("N", "D", "observed", "median", "90 %", "z", "compute")
    table = grid("Hidden runs, nats per token", "family", *numbers, right=numbers)
    rows = card.table.sort_values("z", key=abs, ascending=False, kind="stable")
    for row in rows.head(MAX_TARGETS).to_dict("records"):
        values = [row[name] for name in ("observed", "median", "low90", "high90")]
        observed, median, low, high = figures(values, row["sd"])
        table.add_row(
            row["family"],
            quantity(row["params"]),
            quantity(row["tokens"]),
            observed,
            median,
            f"{low}\u2013{high}",
            f"{row['z']:.1f}",
            f"{row['extrapolation_factor']:.3g}x",
        )
    console.print(table)
    _more(console, len(rows) - MAX_TARGETS, "targets; --json lists them all")
    console.print("z: s.d. above the forecast; compute: over the largest seen\n", style="dim")


def _show_labs(console: "Console", card: "Scorecard") -> None:
    if card.n_labs == 1 or card.n_labs == card.n_families:
        return
    numbers = ("n", "error", "bias", "CRPS", "50 %", "80 %", "90 %", "95 %", "width")
    title = "By lab: families, errors, how often intervals held, width of those of 90 %"
    table = grid(title, "lab", *numbers, right=numbers)
    for row in card.by_lab.head(MAX_FAMILIES).reset_index(names="lab").to_dict("records"):
        errors = [f"{row[name]:.2%}" for name in ("mean_are", "bias", "crps")]
        held = [f"{row[f'coverage{level}']:.0%}" for level in ("50", "80", "90", "95")]
        table.add_row(row["lab"], str(row["n_families"]), *errors, *held, f"{row['width90']:.2%}")
    console.print(table)
    _more(console, card.n_labs - MAX_FAMILIES, "labs; --json lists them all")


def _more(console: "Console", count: int, what: str) -> None:
    if count > 0:
        console.print(f"  and {count} more {what}")

"""The command sensitivity: how much a forecast rests on what was believed beforehand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.display import MAX_FAMILIES, grid, show_health
from bayeslaw.cli.forecasting import forecast_quietly
from bayeslaw.cli.input import fit_or_load, sampling_options
from bayeslaw.cli.options import Common, Model, RunsOrFit, Sampling, Source
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import read_targets, require_kind

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.inference import Health
    from bayeslaw.scoring import Sensitivity


def sensitivity(
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
    no_refit: Annotated[
        bool, typer.Option("--no-refit", help="Only what weights on the draws can tell.")
    ] = False,
) -> "Health":
    """Say how a forecast would move under other priors, and which parameters rest on theirs."""
    require_writable(common, source, targets)
    require_kind(kind)
    wanted = read_targets(target or [], targets, family, kind)
    fit = fit_or_load(source, table, model, sampling, common)

    from bayeslaw.scoring import sensitivity as examine

    aside = screen(common, stderr=True)
    made = forecast_quietly(fit, wanted, common.seed)
    options = {
        n: v for n, v in sampling_options(sampling).items() if n in ("engine", "cores", "pool")
    }
    progress = aside.is_terminal and not common.quiet
    found = examine(fit, made, refit=not no_refit, told=aside.print, progress=progress, **options)
    deliver(headed("sensitivity", common, fit, **found.to_dict()), common)
    console = screen(common)
    console.print(found.text, soft_wrap=True)
    console.print()
    _show_contraction(console, found)
    show_health(console, fit.health)
    return fit.health


def _show_contraction(console: "Console", found: "Sensitivity") -> None:
    """Print how much the runs have told of each parameter, a row per family."""
    rows = found.identifiability
    names = list(dict.fromkeys(rows["parameter"]))
    table = grid("Contraction: 1 the runs decide, 0 the prior does", "family", *names, right=names)
    wide = rows.pivot_table("contraction", "family", "parameter", sort=False)
    for family in [*wide.index[:MAX_FAMILIES], *wide.index[MAX_FAMILIES:][-1:]]:
        own = wide.loc[family]
        cells = [f"{own[n]:.2f}" if own.get(n) == own.get(n) else "" for n in names]
        table.add_row(str(family), *cells)
    console.print(table)

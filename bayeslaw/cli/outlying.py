"""The command outliers: which runs look broken, and what leaving them out would do."""

from typing import TYPE_CHECKING, Annotated

import typer

from bayeslaw.cli.display import MAX_FAMILIES
from bayeslaw.cli.forecasting import forecast_quietly
from bayeslaw.cli.input import fit_or_load
from bayeslaw.cli.options import Common, Model, RunsOrFit, Sampling, Source
from bayeslaw.cli.output import busy, deliver, headed, require_writable, screen
from bayeslaw.cli.targets import read_targets

if TYPE_CHECKING:
    from bayeslaw.inference import Health


def outliers(
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="What leaving runs out is measured on."),
    ] = None,
    family: Annotated[str | None, typer.Option(help="Family of the target. [all]")] = None,
) -> "Health":
    """Say which runs look broken, on what evidence; none is removed."""
    require_writable(common, source)
    wanted = read_targets(target, None, family, "run") if target else None
    fit = fit_or_load(source, table, model, sampling, common)

    from bayeslaw.scoring import outliers as look

    made = None if wanted is None else forecast_quietly(fit, wanted, common.seed)
    with busy(common, "looking at each run given the others; runs in doubt are refitted"):
        found = look(fit, made)
    deliver(headed("outliers", common, fit, **found.to_dict()), common)
    lines = found.text.splitlines()
    console = screen(common)
    for line in lines[: 4 * MAX_FAMILIES]:
        console.print(line, soft_wrap=True)
    if len(lines) > 4 * MAX_FAMILIES:
        console.print(lines[-1], soft_wrap=True)
    return fit.health

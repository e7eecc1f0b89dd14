"""The command midrun: what the checkpoints of a running job say of its end."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import show_health
from bayeslaw.cli.input import fit_or_load
from bayeslaw.cli.options import Common, FitOut, Model, RunsOrFit, Sampling, Source
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import one_target, read_quantity

if TYPE_CHECKING:
    from bayeslaw.inference import Health


def midrun(
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    run: Annotated[str | None, typer.Option(metavar="LABEL", help="The running job.")] = None,
    final_tokens: Annotated[
        str | None, typer.Option(metavar="D", help="Tokens it will have seen at its end.")
    ] = None,
    goal: Annotated[str | None, typer.Option(metavar="LOSS", help="Loss it should reach.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="A larger run it is to inform."),
    ] = None,
    out: FitOut = None,
) -> "Health":
    """Forecast the final loss of a running job from its checkpoints, and say whether to stop."""
    require_writable(common, source, out=out)
    if run is None or final_tokens is None:
        missing = "--run" if run is None else "--final-tokens"
        raise typer.BadParameter(
            "is missing; expected the label of a run in the table and the tokens at its end.",
            param_hint=missing,
        )
    tokens = read_quantity(final_tokens, "--final-tokens")
    wanted = None if goal is None else read_quantity(goal, "--goal")
    asked = one_target(target, None, "run") if target else None
    fit = fit_or_load(source, table, model, sampling, common)
    if out is not None:
        fit.save(out)

    from bayeslaw.design import read_run

    options: dict[str, Any] = {"goal": wanted, "target": asked, "seed": common.seed}
    reading = read_run(fit, run, tokens, **options)
    deliver(headed("midrun", common, fit, reading=reading.to_dict()), common)
    console = screen(common)
    console.print(reading.text, soft_wrap=True)
    show_health(console, fit.health)
    return fit.health

"""The command sbc: whether an engine finds the posterior of the model it is given."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bayeslaw.cli.command import UNHEALTHY
from bayeslaw.cli.input import read_runs, sampling_options, specify
from bayeslaw.cli.options import Common, Model, Sampling, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen, tell


def sbc(
    table: Table,
    model: Model,
    sampling: Sampling,
    common: Common,
    design: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUNS", help="Table of runs to imitate; a small built-in design if left out."
        ),
    ] = None,
    simulations: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Data sets drawn and fitted.")
    ] = None,
    ranked: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Draws each truth is ranked among.")
    ] = None,
    posterior: Annotated[
        bool,
        typer.Option("--posterior", help="Draw truths from the posterior of RUNS, not the prior."),
    ] = False,
) -> None:
    """Simulate from the model, refit, and check that truths rank evenly among the draws."""
    if posterior and design is None:
        raise typer.BadParameter("expected a table of RUNS to condition on.", param_hint="RUNS")
    require_writable(common, design)
    from bayeslaw.model import Spec
    from bayeslaw.scoring import posterior_sbc, sbc as prior_sbc
    from bayeslaw.scoring.sbc import CHECKPOINTS

    spec = specify(model, Spec(checkpoints=CHECKPOINTS))
    runs = None if design is None else read_runs(design, table)
    options = sampling_options(sampling)
    given = {"jobs": options.pop("cores", None), "simulations": simulations, "ranked": ranked}
    options |= {name: value for name, value in given.items() if value is not None}

    aside = screen(common, stderr=True)
    aside.print("simulating and refitting; each fit takes as long as one of your own")
    progress = aside.is_terminal and not common.quiet
    calibrate: Any = posterior_sbc if posterior else prior_sbc
    made = calibrate(runs, spec, seed=common.seed, progress=progress, **options)
    deliver(headed("sbc", common, **made.to_dict()), common)
    screen(common).print(made.text, soft_wrap=True)
    if not made.passed:
        outside = made.summary.loc[~made.summary["inside"], "quantity"]
        tell(f"the posterior is NOT calibrated: {', '.join(outside)}")
        raise typer.Exit(UNHEALTHY)

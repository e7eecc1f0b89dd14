"""The command fit: a posterior from a table of runs."""

from typing import TYPE_CHECKING

from bayeslaw.cli.display import show_fit, show_health
from bayeslaw.cli.input import fit_runs, read_runs, sampling_options, specify
from bayeslaw.cli.options import Common, FitOut, Model, RunsFile, Sampling, Table
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.sparkline import show_sparklines

if TYPE_CHECKING:
    from bayeslaw.inference import Health


def fit(
    runs: RunsFile,
    table: Table,
    model: Model,
    sampling: Sampling,
    common: Common,
    out: FitOut = None,
) -> "Health":
    """Fit a law to a table of runs and judge whether the fit may be trusted."""
    require_writable(common, runs, out=out)
    spec = specify(model)
    made = fit_runs(read_runs(runs, table), spec, sampling_options(sampling), common)
    if out is not None:
        made.save(out)
    deliver(
        headed(
            "fit",
            common,
            made,
            engine=made.engine,
            reason=made.reason,
            seconds=dict(made.seconds),
            references=made.layout.references,
            parameters=made.parameters(),
            population=made.population(),
        ),
        common,
    )
    console = screen(common)
    show_fit(console, made)
    show_sparklines(console, made, made.families)
    show_health(console, made.health)
    return made.health

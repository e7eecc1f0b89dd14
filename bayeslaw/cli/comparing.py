"""The command compare: which recipe is better at a target, and what it takes to tell."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import grid, quantity, show_health, show_notes
from bayeslaw.cli.input import fit_or_load
from bayeslaw.cli.options import Common, FitOut, Model, ReportOut, RunsOrFit, Sampling, Source
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import listed_families, one_target, require_kind

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.design import Comparison
    from bayeslaw.inference import Health

MAX_PAIRS = 20


def compare(
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="Where the recipes are compared."),
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B", help="The recipes. [all families]")
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="mean|run", help="The recipes, or one new run of each.")
    ] = "mean",
    level: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, metavar="P", help="Probability a verdict needs. [0.9]"),
    ] = None,
    report: ReportOut = None,
    out: FitOut = None,
) -> "Health":
    """P(A beats B) at a target, the loss gap, the compute-equivalent gain, and a verdict."""
    require_writable(common, source, out=out, report=report)
    require_kind(kind)
    chosen = listed_families(families)
    asked = one_target(target or [], None, kind)
    fit = fit_or_load(source, table, model, sampling, common)
    if out is not None:
        fit.save(out)

    from bayeslaw.design import compare as judge

    options: dict[str, Any] = {} if level is None else {"level": level}
    made = judge(fit, asked, families=chosen or None, seed=common.seed, **options)
    deliver(headed("compare", common, fit, **made.to_dict()), common)
    if report is not None:
        from bayeslaw.reporting import report as write_report

        write_report(fit, made, path=report)
    console = screen(common)
    _show(console, made)
    show_notes(console, made.notes)
    show_health(console, fit.health)
    return fit.health


def _show(console: "Console", made: "Comparison") -> None:
    import numpy as np

    t = made.target
    numbers = ("P(A better)", "gap B - A, nats", "compute B needs", "ahead at common size")
    title = f"Recipes at {quantity(t.params)} params, {quantity(t.tokens)} tokens: median and 90 %"
    rows = grid(title, "A", "B", *numbers, right=numbers)
    for p in made.pairs[:MAX_PAIRS]:
        gap, gain = np.quantile(p.gap, [0.5, 0.05, 0.95]), "no trade"
        if p.gain is not None:
            gain = "{:.3g}x\n{:.3g}\u2013{:.3g}".format(*np.quantile(p.gain, [0.5, 0.05, 0.95]))
        plain = "none"
        if p.plain is not None:
            plain = f"{'A' if p.plain.a_better else 'B'} at {quantity(p.plain.params)}"
        rows.add_row(
            p.a,
            p.b,
            f"{p.p_a_better:.0%}",
            f"{gap[0]:+.3f}\n{gap[1]:+.3f} to {gap[2]:+.3f}",
            gain,
            plain,
        )
    console.print(rows)
    if len(made.pairs) > MAX_PAIRS:
        console.print(f"  and {len(made.pairs) - MAX_PAIRS} more pairs; --json lists them all")
    for p in made.pairs[:MAX_PAIRS]:
        console.print(f"{p.verdict} {p.baseline}", soft_wrap=True)

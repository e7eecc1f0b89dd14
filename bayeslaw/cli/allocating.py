"""The command allocate: how large a model, on how much data, a budget should buy."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import MAX_FAMILIES, grid, quantity, show_health, show_notes
from bayeslaw.cli.input import fit_or_load
from bayeslaw.cli.options import (
    Common,
    FitOut,
    Model,
    Price,
    ReportOut,
    RunsOrFit,
    Sampling,
    Source,
)
from bayeslaw.cli.output import deliver, headed, require_writable, screen
from bayeslaw.cli.targets import read_budget, read_inputs, read_quantity

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.design import Allocation
    from bayeslaw.inference import Fit, Health

POPULATION = "a new family"


def allocate(
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="FLOP", help="Training compute, 6 N D; may be repeated."),
    ] = None,
    family: Annotated[str | None, typer.Option(help="Whose law. [all families]")] = None,
    inference_tokens: Annotated[
        str | None, typer.Option(metavar="T", help="Tokens the model will serve.")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option(metavar="N", help="The largest model there can be.")
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option(metavar="D", help="All the training data there are.")
    ] = None,
    slack: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Loss above the best that is near-optimal. [0.005]"
        ),
    ] = None,
    reach: Annotated[
        str | None,
        typer.Option(metavar="LOSS", help="Also the smallest budget that reaches this loss."),
    ] = None,
    probability: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="P", help="Probability asked of both. [0.9]"),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Another input of the law; may be repeated."),
    ] = None,
    price: Price = None,
    report: ReportOut = None,
    out: FitOut = None,
) -> "Health":
    """Compute-optimal params and tokens of a budget, as posteriors, and the near-optimal region."""
    require_writable(common, source, out=out, report=report)
    budgets = [read_budget(text) for text in budget or [None]]
    goal = None if reach is None else read_quantity(reach, "--reach")
    options: dict[str, Any] = {
        "inference_tokens": inference_tokens,
        "max_params": max_params,
        "max_tokens": max_tokens,
        "loss_slack": slack,
        "probability": probability,
    }
    options = {name: value for name, value in options.items() if value is not None}
    for name in ("inference_tokens", "max_params", "max_tokens"):
        if name in options:
            options[name] = read_quantity(options[name], f"--{name.replace('_', '-')}")
    more = read_inputs(given or [])
    fit = fit_or_load(source, table, model, sampling, common)
    if out is not None:
        fit.save(out)

    from bayeslaw.design import allocate as spend, chance, smallest_budget
    from bayeslaw.prediction import Target

    names = [family] if family is not None else list(fit.families)
    per_flop = None if price is None else price / 1e18
    made = [
        spend(fit, budgets, family=name, price=per_flop, given=more, seed=common.seed, **options)
        for name in names
    ]
    record: dict[str, Any] = {"exponents": _exponents(fit, made, budgets, more, common.seed)}
    if len(made) > 1:
        record["families"] = {a.family: a.exponents() for a in made}
    record["allocations"] = [entry for a in made for entry in a.records()]
    reached = []
    if goal is not None:
        asked: dict[str, Any] = {} if probability is None else {"probability": probability}
        reached = [
            smallest_budget(fit, goal, family=name, given=more, seed=common.seed, **asked)
            for name in names
        ]
        record["reach"] = [r.to_dict() for r in reached]
        for entry in record["allocations"]:
            n, d = entry["advised"]["params"], entry["advised"]["tokens"]
            at = Target(n, d, entry["family"], inputs=more)
            entry["probability_of_reach"] = chance(fit, goal, at, seed=common.seed)
    deliver(headed("allocate", common, fit, **record), common)
    if report is not None:
        from bayeslaw.reporting import report as write_report

        write_report(fit, *made, path=report)
    console = screen(common)
    _show(console, made, record)
    if goal is not None:
        for entry in record["allocations"][:MAX_FAMILIES]:
            console.print(
                f"{entry['family']}, {entry['flops']:.3g} FLOP: reaches {goal:.4g} with "
                f"probability {entry['probability_of_reach']:.0%}",
                soft_wrap=True,
            )
    for answer in reached[:MAX_FAMILIES]:
        console.print(f"{answer.family}: {answer.text}", soft_wrap=True)
    show_notes(console, dict.fromkeys(n for a in made for o in a.optima for n in o.notes))
    show_health(console, fit.health)
    return fit.health


def _exponents(
    fit: "Fit",
    made: "list[Allocation]",
    budgets: list[float],
    given: dict[str, float],
    seed: int,
) -> dict[str, Any]:
    """Return the exponents of the one family, or those of the population of several."""
    if len(made) == 1:
        return made[0].exponents()
    from bayeslaw.design import allocate as spend
    from bayeslaw.errors import FitError

    try:
        return spend(fit, budgets[:1], family=POPULATION, given=given, seed=seed).exponents()
    except FitError:  # the families are there all the same
        return {}


def _show(console: "Console", made: "list[Allocation]", record: dict[str, Any]) -> None:
    numbers = ("FLOP", "N*", "D*", "D/N", "loss", "near-optimal N", "x2 FLOP")
    rows = grid("Compute-optimal: median and 90 %", "family", *numbers, right=numbers)
    shown = [(a, o) for a in made for o in a.optima]
    for a, o in shown[:MAX_FAMILIES]:
        near = f"{quantity(o.near.low)}\u2013{quantity(o.near.high)}"
        rows.add_row(
            a.family,
            f"{o.flops:.3g}",
            _span(o.params, quantity),
            _span(o.tokens, quantity),
            _span(o.tokens / o.params, "{:.3g}".format),
            _span(o.loss, "{:.3f}".format),
            f"{near}\n(P {o.near.probability:.0%})",
            f"-{o.per_doubling:.3g}",
        )
    console.print(rows)
    if len(shown) > MAX_FAMILIES:
        console.print(f"  and {len(shown) - MAX_FAMILIES} more rows; --json lists them all")
    slack = shown[0][1].near.slack
    console.print(
        f"near-optimal: within {slack:.2%} of the best loss, with probability P each; x2 FLOP: "
        "nats that twice the budget takes off\n",
        style="dim",
    )
    whose = made[0].family if len(made) == 1 else "population"
    for name, quantity_ in (("a", "N*"), ("b", "D*")):
        if name in record["exponents"]:
            e = record["exponents"][name]
            low, high = e["intervals"]["90"]
            console.print(
                f"{quantity_} ~ C^{name}, {name} = {e['median']:.3f} (90 %: {low:.3f} to "
                f"{high:.3f}; {whose})"
            )
    for a, o in shown[:MAX_FAMILIES]:
        n, d = o.advised
        falls = a.per_money(o)
        if a.price is not None and falls is not None:
            console.print(
                f"{a.family}, {o.flops:.3g} FLOP: costs {o.flops * a.price:,.0f}, and 1,000 more "
                f"would take off {1000 * falls:.3g} nats",
                soft_wrap=True,
            )
        if o.limited:
            console.print(
                f"{a.family}, {o.flops:.3g} FLOP, limited by {' and '.join(o.limited)}: "
                f"{quantity(n)} params on {quantity(d)} tokens, {o.penalty:.3g} nats above the "
                "best of the budget",
                soft_wrap=True,
            )
        if o.lifetime is not None:
            life = o.lifetime
            console.print(
                f"{a.family}, {o.flops:.3g} FLOP, to serve {quantity(life.served)} tokens at that "
                f"loss: {_line(life.params, quantity)} params on {_line(life.tokens, quantity)} "
                f"tokens, {_line(life.saving, '{:.1%}'.format)} less compute over its life",
                soft_wrap=True,
            )


def _quantiles(draws: Any) -> list[float]:
    import numpy as np

    return [float(v) for v in np.quantile(draws, [0.5, 0.05, 0.95])]


def _span(draws: Any, write: Any) -> str:
    middle, low, high = map(write, _quantiles(draws))
    return f"{middle}\n{low}\u2013{high}"


def _line(draws: Any, write: Any) -> str:
    middle, low, high = map(write, _quantiles(draws))
    return f"{middle} ({low} to {high})"

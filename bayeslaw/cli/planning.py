"""The command plan: which runs to train next, for a forecast or for a choice between recipes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import grid, quantity, show_health, show_notes
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
from bayeslaw.cli.targets import listed_families, one_target, read_budget, require_kind

if TYPE_CHECKING:
    from rich.console import Console

    from bayeslaw.design import Decision, Plan
    from bayeslaw.design.decision import Variance
    from bayeslaw.inference import Health

CURVE = ("one large", "many small")


def plan(
    source: RunsOrFit,
    table: Source,
    model: Model,
    sampling: Sampling,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="The run to forecast, or to choose for."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="FLOP", help="Compute for the runs to come.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Family of the target. [that of the largest run]")
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Candidates: plan for the choice between them."),
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            metavar="PLANS.csv",
            help="Your own plans: columns plan, params, tokens; also seeds, flops, family, run.",
        ),
    ] = None,
    choose_from: Annotated[
        Path | None,
        typer.Option(metavar="POOL.csv", help="Runs (params, tokens) to build the best plan from."),
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="run|mean", help="One new run, or the curve under it.")
    ] = "run",
    price: Price = None,
    report: ReportOut = None,
    out: FitOut = None,
) -> "Health":
    """Rank plans of runs by how much each should narrow the forecast, or settle a choice."""
    require_writable(common, source, candidates, choose_from, out=out, report=report)
    require_kind(kind)
    compute = read_budget(budget)
    chosen = listed_families(families)
    if chosen and choose_from is not None:
        raise typer.BadParameter(
            "a pool was given with --families; the best plan of a pool is built for a forecast, "
            "not for a choice. Leave one of the two out, or give plans with --candidates.",
            param_hint="--choose-from",
        )
    asked = one_target(target or [], family, kind)
    own = None if candidates is None else _own_plans(candidates)
    pool = None if choose_from is None else _pool(choose_from)
    fit = fit_or_load(source, table, model, sampling, common)
    if out is not None:
        fit.save(out)

    from dataclasses import replace

    from bayeslaw.design import break_even, candidate_plans, decide

    said = []
    if chosen:
        wanted: Any = [replace(asked, family=name) for name in chosen]
    else:
        wanted, said = _placed(fit, asked)
    plans = own if own is not None else candidate_plans(fit, compute, wanted)
    if not chosen and (own is None or pool is not None):
        from bayeslaw.design import best_plan

        plans = [*plans, best_plan(fit, compute, target=wanted, pool=pool, seed=common.seed)]
    per_flop = None if price is None else price / 1e18
    choice = decide(fit, plans, target=wanted, seed=common.seed, price=per_flop, budget=compute)
    record = choice.to_dict()
    record["warnings"] = [*said, *record["warnings"]]
    curve = None
    pair = [p for p in plans if p.name in CURVE]
    if not chosen and len(pair) == 2:
        curve = break_even(fit, pair, target=wanted, seed=common.seed)
        record["break_even"] = {
            "plans": list(CURVE),
            "seed_sd": curve.seed_sds.tolist(),
            "sd": {name: sds.tolist() for name, sds in curve.sds.items()},
            "crossings": [{"first": a, "later": b, "seed_sd": at} for a, b, at in curve.crossings],
        }
    deliver(headed("plan", common, fit, **record), common)
    if report is not None:
        from bayeslaw.reporting import report as write_report

        write_report(fit, choice, path=report)
    console = screen(common)
    _show(console, choice)
    if curve is not None:
        console.print(curve.text, soft_wrap=True)
    show_notes(console, record["warnings"])
    show_health(console, fit.health)
    return fit.health


def _placed(fit: Any, asked: Any) -> tuple[Any, list[str]]:
    """Name the family of the largest run where the target names none of several."""
    from dataclasses import replace

    if asked.family is not None or len(fit.families) == 1:
        return asked, []
    name = fit.families[int(fit.layout.largest.argmax())]
    return replace(asked, family=name), [
        f"no family was named: planned for '{name}', which has the largest run; --family names "
        "another"
    ]


def _own_plans(path: Path) -> "list[Plan]":
    from bayeslaw.design import plans_from

    return plans_from(_table(path))


def _pool(path: Path) -> Any:
    from bayeslaw.design import Plan

    table = _table(path)
    Plan("pool", table)  # looks at every cell
    return table


def _table(path: Path) -> Any:
    """Read a table of plans or of a pool; known aliases of columns are recognised."""
    from bayeslaw.runs.columns import canonical_name
    from bayeslaw.runs.files import existing_file, read_raw

    raw = read_raw(existing_file(path))
    return raw.set_axis([canonical_name(str(n)) or str(n).strip() for n in raw.columns], axis=1)


def _show(console: "Console", choice: "Decision") -> None:
    """Print the question, the ranked plans and the recommendation."""
    t = choice.target
    who = ", ".join(str(t.family) for t in choice.targets)
    title = (
        f"Choice between {who}" if choice.choosing else f"Forecast of {who}"
    ) + f" at {quantity(t.params)} params, {quantity(t.tokens)} tokens"
    price = [] if choice.price is None else ["price"]
    measures = ["P(right)", "EVSI", "regret"] if choice.choosing else ["regret"]
    numbers = ("FLOP", *price, "runs", "s.d.", "90 % width", *measures)
    rows = grid(title, "plan", *numbers, right=numbers)
    width = 2 * 1.6448536
    now = ["now", "", *("" for _ in price), "", f"{choice.now_sd:.2%}"]
    now.append(f"{width * choice.now_sd:.2%}")
    if choice.choosing:
        now += [f"{choice.pcs_now:.0%}", "", f"{choice.regret_now:.2%}"]
    rows.add_row(*now, *([] if choice.choosing else [""]), style="dim")
    for v in choice.values:
        cells = [v.plan.name, f"{v.plan.cost:.3g}{' !' * choice.over_budget(v)}"]
        if choice.price is not None:
            cells.append(f"{v.plan.cost * choice.price:,.0f}")
        cells += [str(v.plan.n_runs), f"{v.sd:.2%}", f"{width * v.sd:.2%}"]
        if choice.choosing:
            cells += [f"{v.pcs:.0%}", f"{v.evsi:.3%}"]
        best = v is choice.recommended
        rows.add_row(*cells, f"{v.regret:.2%}", style="bold" if best else None)
    console.print(rows)
    if any(map(choice.over_budget, choice.values)):
        console.print("!: above the budget, and not recommended", style="dim")
    console.print(_sources(choice), style="dim", soft_wrap=True)
    console.print(f"Recommended: {choice.recommended.plan.name}. {choice.reason}", soft_wrap=True)


def _sources(choice: "Decision") -> str:
    """Say where the uncertainty comes from, and what it would be worth to be rid of it."""
    v = choice.variance
    parts = {
        "law": v.parameters, "discrepancy": v.discrepancy, "seed": v.seed,
        "checkpoint": v.checkpoint,
    }  # fmt: skip
    told = ", ".join(f"{name} {variance**0.5:.2%}" for name, variance in parts.items())
    what = "gap" if choice.choosing else "target"
    line = f"s.d. of the {what} now, by source: {told}"
    if v.shared:
        line += f" (law and discrepancy correlate {_correlation(v):+.2f})"
    if not choice.choosing:
        return line
    net = choice.recommended.net
    worth = "" if net is None else f"; the plan's, less its cost, is worth {net:.3g} FLOP there"
    return f"{line}. Perfect information would lower the loss by {choice.evpi:.3%}{worth}."


def _correlation(v: "Variance") -> float:
    return v.shared / (2 * (v.parameters * v.discrepancy) ** 0.5 or 1.0)

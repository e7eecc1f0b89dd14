"""The commands task skills, loss-to-task, passes and emergence: what lies beyond the loss."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.display import figures, grid, quantity
from bayeslaw.cli.input import renamed
from bayeslaw.cli.options import Common
from bayeslaw.cli.output import deliver, headed, require_writable, screen

if TYPE_CHECKING:
    from bayeslaw.inference import Health

Table = Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, Parquet or JSON lines.")]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="NAME=COLUMN", help="Name columns: flops=C.")
]
Chance = Annotated[float, typer.Option(metavar="SHARE", help="Share passed by guessing.")]
ROWS = 24  # of a table on the screen


def skills(
    table: Table,
    common: Common,
    benchmarks: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns of scores. [all other numbers]")
    ] = None,
    items: Annotated[
        str | None, typer.Option(metavar="A=1000,B=250", help="Items of uncommon benchmarks.")
    ] = None,
    floors: Annotated[
        str | None, typer.Option(metavar="A=0.25", help="Shares passed by guessing.")
    ] = None,
    columns: Map = None,
    n_skills: Annotated[
        int | None,
        typer.Option("--skills", min=1, metavar="N", help="Latent skills. [chosen in the table]"),
    ] = None,
    choose: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Also say which N models tell most.")
    ] = None,
) -> "Health":
    """Forecast every missing score of a table of models and benchmarks."""
    from bayeslaw.tasks.health import skill_health
    from bayeslaw.tasks.skill_choice import CANDIDATES, LEAST_MODELS, choose_skills
    from bayeslaw.tasks.skill_forecast import forecast_skills
    from bayeslaw.tasks.skill_table import load_skills
    from bayeslaw.tasks.skills import SKILLS, fit_skills
    from bayeslaw.tasks.subset import choose_models

    require_writable(common, table)
    names = [name.strip() for name in benchmarks.split(",")] if benchmarks else None
    read = load_skills(
        table, benchmarks=names, items=_pairs(items, "--items"), floors=_pairs(floors, "--floors"),
        rename=renamed(columns or []),
    )  # fmt: skip
    scores: dict[int, float] = {}
    if n_skills is None:
        most = min(SKILLS, len(read.benchmarks))
        n_skills = most
        if len(read) >= LEAST_MODELS:
            usable = [k for k in CANDIDATES if k <= len(read.benchmarks)]
            n_skills, scores = choose_skills(read, usable, seed=common.seed)
    fit = fit_skills(read, skills=n_skills, seed=common.seed)
    made = forecast_skills(fit)
    subset = choose_models(fit, choose) if choose else None
    health = skill_health(fit)
    record: dict[str, Any] = {
        "benchmarks": [{"name": b.name, "items": b.items, "floor": b.floor}
                       for b in read.benchmarks],
        "skills": n_skills,
        "skills_score": {str(k): v for k, v in scores.items()},
        "models": len(fit.table),
        "forecasts": made.records(),
    }  # fmt: skip
    if subset is not None:
        record["subset"] = {"models": list(subset.models), "variance": subset.variance,
                            "variance_all": subset.variance_all}  # fmt: skip
    _deliver("task skills", record, health, common)
    console = screen(common)
    rows = grid(f"Scores forecast with {n_skills} skills", "model", "benchmark", "median", "90 %",
                right=("median", "90 %"))  # fmt: skip
    for row in made.table.head(ROWS).itertuples():
        rows.add_row(str(row.model), str(row.benchmark), f"{row.median:.3f}",
                     f"{row.low:.3f}\u2013{row.high:.3f}")  # fmt: skip
    console.print(rows)
    if len(made.cells) > ROWS:
        console.print(f"  and {len(made.cells) - ROWS} more; --json lists them all")
    if subset is not None:
        console.print(f"evaluate: {', '.join(subset.models)}", soft_wrap=True)
    return health


def loss_to_task(
    table: Table,
    common: Common,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="params=N,tokens=D", help="What to forecast; may be repeated."),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Family of the targets. [that of the largest run]")
    ] = None,
    chance: Chance = 0.0,
    columns: Map = None,
    engine: Annotated[str, typer.Option(help="Engine of the law of loss.")] = "auto",
) -> "Health":
    """Forecast a task in two steps: the law says the loss, a curve what accuracy goes with it."""
    from bayeslaw.tasks.health import curve_health, worse
    from bayeslaw.tasks.two_step import two_step

    require_writable(common, table)
    found = two_step(
        table, targets=target or [], family=family, chance=chance, rename=renamed(columns or []),
        engine=engine, seed=common.seed,
    )  # fmt: skip
    health = curve_health(found.curve)
    if found.fit is not None:
        health = worse(found.fit.health, health)
    _deliver("task loss-to-task", found.to_dict(), health, common)
    console = screen(common)
    threshold = found.to_dict()["threshold_loss"]
    low, high = threshold["intervals"]["90"]
    console.print(f"leaves chance below a loss of {threshold['median']:.3f} "
                  f"({low:.3f}\u2013{high:.3f}); shape: {found.curve.shape}")  # fmt: skip
    if found.forecasts:
        rows = grid("Task, two steps", "N", "D", "loss", "share", "90 %",
                    right=("N", "D", "loss", "share", "90 %"))  # fmt: skip
        for row in found.forecasts:
            ends = row["intervals"]["90"]
            middle, *rest = figures([row["median"], *ends], row["sd"])
            rows.add_row(quantity(row["params"]), quantity(row["tokens"]),
                         f"{row['loss']['median']:.3f}", middle,
                         f"{rest[0]}\u2013{rest[1]}")  # fmt: skip
        console.print(rows)
    return health


def passes(
    table: Table,
    common: Common,
    target: Annotated[
        list[str] | None, typer.Option(metavar="N", help="Parameters to forecast; may repeat.")
    ] = None,
    columns: Map = None,
) -> "Health":
    """Fit the law of rare successes to pass counts, and forecast larger models."""
    from bayeslaw.runs import parse_quantity
    from bayeslaw.tasks.health import pass_health
    from bayeslaw.tasks.passes import fit_passes, load_passes
    from bayeslaw.tasks.summary import summary

    require_writable(common, table)
    sizes = [parse_quantity(text) for text in target or []]
    fit = fit_passes(load_passes(table, rename=renamed(columns or [])), seed=common.seed)
    health = pass_health(fit)
    record = {
        "exponent": summary(fit.exponent), "p_accelerated": fit.p_concave,
        "log_bayes_curved": fit.log_bayes, "verdict": fit.verdict(),
        "rates": fit.seen(), "forecasts": fit.forecast(sizes) if sizes else [],
    }  # fmt: skip
    _deliver("task passes", record, health, common)
    console = screen(common)
    low, high = record["exponent"]["intervals"]["90"]
    console.print(f"exponent {record['exponent']['median']:.3f} ({low:.3f}\u2013{high:.3f}); "
                  f"emergence: {record['verdict']} (P(concave) {fit.p_concave:.2f})")  # fmt: skip
    rows = grid("Rate of success", "N", "median", "90 %", right=("N", "median", "90 %"))
    for row in [*record["rates"], *record["forecasts"]]:
        ends = row["intervals"]["90"]
        rows.add_row(quantity(row["params"]), f"{row['median']:.3g}",
                     f"{ends[0]:.3g}\u2013{ends[1]:.3g}")  # fmt: skip
    console.print(rows)
    return health


def emergence(
    table: Table,
    common: Common,
    chance: Chance = 0.0,
    columns: Map = None,
    length: Annotated[
        int | None,
        typer.Option(min=1, metavar="TOKENS", help="Instead, with columns params, share, items: is "
                     "a jump of exact match at this answer length the metric's or the model's?"),
    ] = None,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="What share is, with --length.")
    ] = "token_accuracy",
) -> None:  # fmt: skip
    """Say at what compute a skill emerges, or whether a jump is the metric's or the model's."""
    from bayeslaw.tasks import emergence as thresholds, mirage

    require_writable(common, table)
    rename = renamed(columns or [])
    console = screen(common)
    if length is not None:
        curve = mirage.load_curve(
            table, metric=metric, length=length if metric != "token_accuracy" else 1, rename=rename
        )
        jump = mirage.sharp_or_smooth(curve, length=length)
        _deliver("task emergence", jump.to_dict(), None, common)
        looks = "sharp" if jump.looks_sharp else "smooth"
        console.print(f"{jump.verdict}: P(break per token) {jump.p_break:.3f}; exact match of "
                      f"{length} tokens looks {looks}")  # fmt: skip
        return
    found = thresholds.emergence(
        thresholds.load_scores(table, rename=rename), chance=chance, seed=common.seed
    )
    record = found.to_dict()
    _deliver("task emergence", record, None, common)
    low, high = found.interval(0.9)
    console.print(f"half way up at {10 ** found.quantile(0.5):.2g} FLOP ({low:.2g}\u2013{high:.2g})"
                  f"; P(sharper than a decade) {found.p_sharp:.2f}")  # fmt: skip
    if found.prior_decides:
        console.print("  note: another prior moves this interval; add models near the threshold",
                      style="yellow")  # fmt: skip


def _pairs(text: str | None, flag: str) -> dict[str, float] | None:
    """Read ``A=1000,B=250``."""
    if text is None:
        return None
    out: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, number = (part.strip() for part in pair.rpartition("="))
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not (name and equals and value == value) or name in out:
            raise typer.BadParameter(
                f"{pair!r} is no pair; expected name=number, each name once.", param_hint=flag
            )
        out[name] = value
    return out


def _deliver(command: str, record: dict[str, Any], health: Any, common: Common) -> None:
    judged = {} if health is None else {"health": health.to_dict()}
    deliver(headed(command, common, **judged, **record), common)

"""The command demo: the main job, from runs to a decision, on published data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayeslaw.cli.calibrating import calibrate, show_calibration
from bayeslaw.cli.display import show_forecast, show_health
from bayeslaw.cli.forecasting import forecast_quietly
from bayeslaw.cli.input import fit_runs, sampling_options, specify
from bayeslaw.cli.options import Common, Model, Sampling
from bayeslaw.cli.output import deliver, headed, require_folder, require_writable, screen
from bayeslaw.errors import FitError
from bayeslaw.files import write_whole
from bayeslaw.names import FAMILY, FLOPS, PARAMS, TOKENS

if TYPE_CHECKING:
    from bayeslaw.inference import Fit, Health
    from bayeslaw.model import Spec
    from bayeslaw.prediction import Target
    from bayeslaw.runs import Runs

DATASET = "published"
# Seven ladders of three evaluation sets: enough to pool, few enough to wait for.
FAMILIES = (
    "Pythia (Pile test)",
    "Pythia deduped (Pile test)",
    "Mamba (Pile val)",
    "Mamba-2 (Pile val)",
    "Llama (SlimPajama)",
    "Mamba (SlimPajama)",
    "xLSTM[1:0] (SlimPajama)",
)
FIT, TRUST, PAGE = "fit.nc", "backtest.json", "report.html"

STEP = 10.0  # the forecasts reach this many times the compute of the largest run


def demo(
    model: Model,
    sampling: Sampling,
    common: Common,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path(
        "bayeslaw-demo"
    ),
) -> "Health":
    """Forecast, back-test and decide on published training runs, and write a report."""
    require_folder(out, "--out")
    require_writable(common)
    spec = specify(model)

    from bayeslaw.design import Plan, decide
    from bayeslaw.reporting import report, require_packages
    from bayeslaw.runs.datasets import load_dataset
    from bayeslaw.scoring import backtest

    require_packages()
    chosen = ", ".join(f"'{name}'" for name in FAMILIES)
    runs = load_dataset(DATASET).where(f"{FAMILY} in ({chosen})")
    options: dict[str, Any] = sampling_options(sampling)
    key = {
        "version": headed("demo", common)["version"],
        "spec": spec.to_dict(),
        "sampling": {
            name: value for name, value in options.items() if name not in ("cores", "pool")
        },
        "seed": common.seed,
        "digest": runs.digest,
    }
    key = json.loads(json.dumps(key))  # as it will be read back
    aside = screen(common, stderr=True)
    recalled = _recalled(out, key, spec)
    if recalled is not None:
        fit, trust = recalled
        card = None
        aside.print(f"using the fit, back-test and report stored in {out}", soft_wrap=True)
    else:
        fit = fit_runs(runs, spec, options, common)
        aside.print("back-testing: hides the largest run of each family, and fits the rest")
        card = backtest(runs, holdout="largest", spec=spec, seed=common.seed, **options)
        trust = {"card": card.to_dict(), "text": card.text}

    targets = _beyond(runs)
    made = forecast_quietly(fit, targets, common.seed)
    budget = float(targets[0].flops or 0) / STEP
    plans = [Plan.many_small(budget=budget, sizes=6, seeds=2), Plan.one_large(budget=budget)]
    choice = decide(fit, plans=plans, target=targets[0], seed=common.seed)
    if card is not None:
        out.mkdir(parents=True, exist_ok=True)
        fit.save(out / FIT)
    held = calibrate(fit, made, common, out / FIT, scorecard=card)
    if card is not None:
        report(fit, made, held, card, choice, path=out / PAGE)
        # Last, because it vouches for the others.
        write_whole(out / TRUST, json.dumps({"key": key, **trust}, indent=2) + "\n")

    deliver(
        headed(
            "demo",
            common,
            fit,
            forecasts=[
                record | {"calibration": found}
                for record, found in zip(made.records(), held.records(), strict=True)
            ],
            backtest=trust["card"],
            plan=choice.to_dict(),
            report=str(out / PAGE),
        ),
        common,
    )
    console = screen(common)
    show_forecast(console, made)
    show_calibration(console, held)
    show_health(console, fit.health)
    console.print(f"\nHow far to trust it\n{trust['text']}\n")
    console.print(f"What to run next for {targets[0].family}\n{choice.text}\n")
    console.print(f"Report: {out / PAGE}", soft_wrap=True)
    return fit.health


def _beyond(runs: "Runs") -> "list[Target]":
    """Return one target per family: its largest run, scaled up at equal tokens per parameter."""
    from bayeslaw.prediction import Target

    largest = runs.table.loc[runs.table.groupby(FAMILY, sort=False)[FLOPS].idxmax()]
    return [
        Target(
            params=row[PARAMS] * STEP**0.5,
            tokens=row[TOKENS] * STEP**0.5,
            family=str(row[FAMILY]),
            flops=row[FLOPS] * STEP,
        )
        for row in largest.to_dict("records")
    ]


def _recalled(
    folder: Path, key: dict[str, Any], spec: "Spec"
) -> "tuple[Fit, dict[str, Any]] | None":
    """Return the stored fit and back-test if all is there and was made from the same things."""
    from bayeslaw.inference import load_fit

    try:
        stored = json.loads((folder / TRUST).read_text(encoding="utf-8"))
        if stored["key"] != key or not {"card", "text"} <= stored.keys():
            return None
        fit = load_fit(folder / FIT)
    except (OSError, ValueError, KeyError, TypeError, FitError):
        return None
    same = (fit.spec, fit.seed, fit.runs.digest) == (spec, key["seed"], key["digest"])
    return (fit, stored) if same and (folder / PAGE).is_file() else None

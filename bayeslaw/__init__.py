"""Bayesian scaling laws: a calibrated forecast and a decision from a table of training runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayeslaw import laws as laws, plots as plots
    from bayeslaw.design import (
        Allocation as Allocation,
        Comparison as Comparison,
        Decision as Decision,
        Plan as Plan,
        add_forecasts as add_forecasts,
        allocate as allocate,
        best_plan as best_plan,
        break_even as break_even,
        candidate_plans as candidate_plans,
        chance as chance,
        compare as compare,
        decide as decide,
        read_ledger as read_ledger,
        read_run as read_run,
        score_forecasts as score_forecasts,
        smallest_budget as smallest_budget,
    )
    from bayeslaw.errors import (
        BayeslawError as BayeslawError,
        BayeslawWarning as BayeslawWarning,
        ConvergenceWarning as ConvergenceWarning,
        DataError as DataError,
        ExtrapolationWarning as ExtrapolationWarning,
        FitError as FitError,
        LawError as LawError,
        RunsError as RunsError,
        SpecError as SpecError,
        TargetError as TargetError,
    )
    from bayeslaw.inference import (
        Fit as Fit,
        fit as fit,
        least_squares as least_squares,
        load_fit as load_fit,
        prior_predictive as prior_predictive,
    )
    from bayeslaw.laws import get_law as get_law
    from bayeslaw.model import (
        Checkpoints as Checkpoints,
        Discrepancy as Discrepancy,
        Inflated as Inflated,
        Noise as Noise,
        Priors as Priors,
        Spec as Spec,
        load_priors as load_priors,
    )
    from bayeslaw.prediction import (
        Average as Average,
        Forecast as Forecast,
        Target as Target,
        forecast as forecast,
    )
    from bayeslaw.reporting import report as report
    from bayeslaw.runs import (
        Runs as Runs,
        check_runs as check_runs,
        load_runs as load_runs,
        load_trainer_state as load_trainer_state,
        load_wandb as load_wandb,
    )
    from bayeslaw.runs.datasets import datasets as datasets, load_dataset as load_dataset
    from bayeslaw.scoring import (
        Calibration as Calibration,
        CalibrationCard as CalibrationCard,
        Outliers as Outliers,
        Scorecard as Scorecard,
        Sensitivity as Sensitivity,
        average as average,
        backtest as backtest,
        calibration_card as calibration_card,
        identifiability as identifiability,
        learn_priors as learn_priors,
        outliers as outliers,
        posterior_sbc as posterior_sbc,
        sbc as sbc,
        score as score,
        sensitivity as sensitivity,
    )
    from bayeslaw.simulation import simulate as simulate

    __version__: str

#: Where each public name lives. Nothing is imported before it is used, so that the command line
#: answers at once; the imports above tell the same to editors and type checkers.
_HOMES = {
    "bayeslaw.design": (
        "Allocation",
        "Comparison",
        "Decision",
        "Plan",
        "add_forecasts",
        "allocate",
        "best_plan",
        "break_even",
        "candidate_plans",
        "chance",
        "compare",
        "decide",
        "read_ledger",
        "read_run",
        "score_forecasts",
        "smallest_budget",
    ),
    "bayeslaw.errors": (
        "BayeslawError",
        "BayeslawWarning",
        "ConvergenceWarning",
        "DataError",
        "ExtrapolationWarning",
        "FitError",
        "LawError",
        "RunsError",
        "SpecError",
        "TargetError",
    ),
    "bayeslaw.inference": ("Fit", "fit", "least_squares", "load_fit", "prior_predictive"),
    "bayeslaw.laws": ("get_law",),
    "bayeslaw.model": (
        "Checkpoints",
        "Discrepancy",
        "Inflated",
        "Noise",
        "Priors",
        "Spec",
        "load_priors",
    ),
    "bayeslaw.prediction": ("Average", "Forecast", "Target", "forecast"),
    "bayeslaw.runs": ("Runs", "check_runs", "load_runs", "load_trainer_state", "load_wandb"),
    "bayeslaw.runs.datasets": ("datasets", "load_dataset"),
    "bayeslaw.reporting": ("report",),
    "bayeslaw.scoring": (
        "Calibration",
        "CalibrationCard",
        "Outliers",
        "Scorecard",
        "Sensitivity",
        "average",
        "backtest",
        "calibration_card",
        "identifiability",
        "learn_priors",
        "outliers",
        "posterior_sbc",
        "sbc",
        "score",
        "sensitivity",
    ),
    "bayeslaw.simulation": ("simulate",),
}
_PACKAGES = ("laws", "plots")

_HOME = {name: home for home, public in _HOMES.items() for name in public}
__all__ = sorted([*_HOME, *_PACKAGES, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"bayeslaw.{name}")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name == "__version__":
        from importlib.metadata import version

        value = version("bayeslaw")
    else:
        raise AttributeError(f"module 'bayeslaw' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

"""Tables of training runs: loaded, checked, chosen from."""

from bayeslaw.runs.check import Finding, check_runs, require_fittable
from bayeslaw.runs.formats import load_trainer_state, load_wandb
from bayeslaw.runs.load import load_runs
from bayeslaw.runs.quantities import parse_quantity, parse_target
from bayeslaw.runs.table import Runs

__all__ = [
    "Finding",
    "Runs",
    "check_runs",
    "load_runs",
    "load_trainer_state",
    "load_wandb",
    "parse_quantity",
    "parse_target",
    "require_fittable",
]

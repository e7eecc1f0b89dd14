"""Whether a fit of a task may be trusted."""

from __future__ import annotations

from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.tasks.loss_to_task import TaskCurve
from bayeslaw.tasks.passes import PassFit
from bayeslaw.tasks.skills import SkillFit

MAX_TAIL_SHAPE = 0.9
FEW_FAMILIES = 4


def skill_health(fit: SkillFit) -> Health:
    """Judge a latent-skill model: its mode must have settled."""
    failures = () if fit.settled else (
        Failure(Check.FINITE, "the mode of loadings and spreads did not settle"),
    )  # fmt: skip
    warnings = []
    families = len(set(fit.table.family))
    if families < FEW_FAMILIES:
        warnings.append(
            f"only {families} families: the spread between them rests on the prior; add families"
        )
    if not fit.inputs.columns:
        warnings.append(
            "no sizes are known, so models without scores cannot be told apart; add params and "
            "tokens, or flops"
        )
    figures = (("families", float(families)), ("models", float(len(fit.table))))
    return Health(failures, tuple(warnings), figures)


def curve_health(curve: TaskCurve) -> Health:
    """Judge a curve from loss to task by its importance weights."""
    return _weighed(curve.tail_shape)


def pass_health(fit: PassFit) -> Health:
    """Judge a law of rare successes by its importance weights."""
    return _weighed(fit.tail_shape)


def _weighed(shape: float) -> Health:
    figures = (("Pareto shape", shape),)
    if shape <= MAX_TAIL_SHAPE:
        return Health(figures=figures)
    text = f"importance weights have Pareto shape {shape:.2f}, expected at most {MAX_TAIL_SHAPE}"
    return Health((Failure(Check.FINITE, text),), figures=figures)


def worse(one: Health, other: Health) -> Health:
    """Return what both find."""
    return Health(
        (*one.failures, *other.failures), (*one.warnings, *other.warnings),
        (*one.figures, *other.figures),
    )  # fmt: skip

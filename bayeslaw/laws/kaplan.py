"""Laws of Kaplan et al. in one input each, without a floor."""

from __future__ import annotations

from typing import Any

from bayeslaw.laws.law import Input, Parameter, law
from bayeslaw.laws.shared import FLOPS, FLOPS_MIN, NATS, PARAMS, PF_DAY, TOKENS

REFERENCE = "arXiv:2001.08361"


def _scale(source: Input, constant: str, exponent: str, unit: float = 1.0) -> dict[str, Any]:
    """Make the conversions between a loss at the reference and a scale in the input's unit."""

    def to_published(references: dict[str, float], a: Any, alpha: Any) -> dict[str, Any]:
        return {constant: references[source.name] / unit * a ** (1 / alpha), exponent: alpha}

    def from_published(references: dict[str, float], **values: Any) -> dict[str, Any]:
        alpha = values[exponent]
        return {"a": (values[constant] * unit / references[source.name]) ** alpha, "alpha": alpha}

    return {"to_published": to_published, "from_published": from_published}


def _parameters(low: float, high: float, exponent: str) -> tuple[Parameter, Parameter]:
    level = Parameter("a", "loss at the reference point", 0.7, 1.5, "a", NATS, linear=True)
    return level, Parameter("alpha", "exponent", low, high, exponent)


N, D, C, C_MIN = (
    _parameters(0.04, 0.20, r"\alpha_N"),
    _parameters(0.05, 0.25, r"\alpha_D"),
    _parameters(0.03, 0.15, r"\alpha_C"),
    _parameters(0.03, 0.15, r"\alpha_C"),
)


@law(inputs=(PARAMS,), parameters=N, reference=REFERENCE, **_scale(PARAMS, "N_c", "alpha_N"))
def kaplan_params(xp, params, a, alpha):
    """Size alone limits the loss, without a floor."""
    return a * params**-alpha


@law(inputs=(TOKENS,), parameters=D, reference=REFERENCE, **_scale(TOKENS, "D_c", "alpha_D"))
def kaplan_tokens(xp, tokens, a, alpha):
    """Loss is limited by data alone, without a floor."""
    return a * tokens**-alpha


@law(inputs=(FLOPS,), parameters=C, reference=REFERENCE,
     **_scale(FLOPS, "C_c", "alpha_C", PF_DAY))  # fmt: skip
def kaplan_compute(xp, flops, a, alpha):
    """Compute alone limits the loss, without a floor, at a fixed batch."""
    return a * flops**-alpha


@law(inputs=(FLOPS_MIN,), parameters=C_MIN, reference=REFERENCE,
     **_scale(FLOPS_MIN, "C_c_min", "alpha_C_min", PF_DAY))  # fmt: skip
def kaplan_compute_min(xp, flops_min, a, alpha):
    """Compute alone limits the loss, without a floor, at a batch far below the critical one."""
    return a * flops_min**-alpha

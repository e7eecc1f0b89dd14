"""Loss of Kaplan et al. as a function of size and of the fewest steps that reach it."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import NATS, PARAMS, STEPS_MIN

REFERENCE = "arXiv:2001.08361"

SIZE = Parameter("a", "loss owed to size", 0.3, 1.3, "a", NATS, linear=True, between=0.2)
TIME = Parameter("s", "loss owed to steps", 0.02, 0.6, "s", NATS, linear=True, between=0.4)
ALPHA_N = Parameter("alpha_N", "size exponent", 0.04, 0.20, r"\alpha_N")
ALPHA_S = Parameter("alpha_S", "step exponent", 0.35, 1.2, r"\alpha_S")


def _to_published(at, a, s, alpha_N, alpha_S):
    return {"N_c": at["params"] * a ** (1 / alpha_N), "alpha_N": alpha_N,
            "S_c": at["steps_min"] * s ** (1 / alpha_S),
            "alpha_S": alpha_S}  # fmt: skip


def _from_published(at, N_c, alpha_N, S_c, alpha_S):
    return {"a": (N_c / at["params"]) ** alpha_N, "alpha_N": alpha_N,
            "s": (S_c / at["steps_min"]) ** alpha_S,
            "alpha_S": alpha_S}  # fmt: skip


@law(inputs=(PARAMS, STEPS_MIN), parameters=(SIZE, TIME, ALPHA_N, ALPHA_S),
     reference=REFERENCE, to_published=_to_published, from_published=_from_published)  # fmt: skip
def kaplan_steps(xp, params, steps_min, a, s, alpha_N, alpha_S):
    """Loss is one term in size plus one in optimiser steps, without a floor."""
    return a * params**-alpha_N + s * steps_min**-alpha_S

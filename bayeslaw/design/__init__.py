"""Decisions: what to run next, by how much each plan narrows the forecast of a target."""

from bayeslaw.design.conditioning import expected_variance, posterior_variance
from bayeslaw.design.decision import Decision
from bayeslaw.design.plan import Plan, plans_from
from bayeslaw.design.value import decide

__all__ = [
    "Decision",
    "Plan",
    "decide",
    "expected_variance",
    "plans_from",
    "posterior_variance",
]

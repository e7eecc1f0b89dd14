"""Decisions: what to train next, how to spend a budget, and which recipe is better."""

from bayeslaw.design.allocation import Allocation
from bayeslaw.design.breakeven import BreakEven, break_even
from bayeslaw.design.budgets import allocate
from bayeslaw.design.candidates import candidate_plans
from bayeslaw.design.comparison import Comparison, compare
from bayeslaw.design.conditioning import expected_variance, posterior_variance
from bayeslaw.design.decision import Decision
from bayeslaw.design.ledger import Ledger, add_forecasts, read_ledger, score_forecasts
from bayeslaw.design.plan import Plan, plans_from
from bayeslaw.design.questions import Reach, chance, smallest_budget
from bayeslaw.design.reading import Reading, read_run
from bayeslaw.design.search import best_plan
from bayeslaw.design.value import decide

__all__ = [
    "Allocation",
    "BreakEven",
    "Comparison",
    "Decision",
    "Ledger",
    "Plan",
    "Reach",
    "Reading",
    "add_forecasts",
    "allocate",
    "best_plan",
    "break_even",
    "candidate_plans",
    "chance",
    "compare",
    "decide",
    "expected_variance",
    "plans_from",
    "posterior_variance",
    "read_ledger",
    "read_run",
    "score_forecasts",
    "smallest_budget",
]

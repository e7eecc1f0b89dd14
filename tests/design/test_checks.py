"""Cross-checks: they agree where conditioning is exact and speak up where it is not."""

from types import SimpleNamespace

import numpy as np
import pytest

from bayeslaw.design import Plan, decide
from bayeslaw.design.checks import CURVED, cross_check
from bayeslaw.prediction import Target
from tests.scoring.synthetic import ladder, synthetic_fit

NOISE = 0.3


def problem(rng, bend, settings=2, draws=4000):
    """A target that is the sum of the outcomes' means, and bends as they grow."""
    curve = rng.standard_normal((draws, settings))
    total = curve.sum(axis=1)
    target = total + bend * total**2
    law = np.column_stack([target, curve])
    return SimpleNamespace(
        k=1, contrast=np.ones(1), kept=np.zeros(1),
        beliefs=SimpleNamespace(law=law, known=0 * law, rest=np.zeros((1 + settings,) * 2)),
        columns=lambda plan: [2 + i for i in range(settings)],
        outcome_noise=lambda plan: NOISE * np.eye(settings),
    )  # fmt: skip


def test_on_a_linear_gaussian_problem_all_agree(rng):
    exact = np.sqrt(2 * NOISE / (1 + NOISE))
    found = cross_check(problem(rng, 0.0), None, exact, 0)
    assert abs(found.curvature) < 1e-3 and not found.flagged
    assert found.pareto_k < 0.7 and found.sd == pytest.approx(exact, rel=0.03)


def test_a_target_that_bends_is_flagged(rng):
    found = cross_check(problem(rng, 0.4), None, 1.0, 0)
    assert found.curvature > CURVED and found.flagged


def test_an_sd_that_reweighting_contradicts_is_flagged(rng):
    exact = np.sqrt(2 * NOISE / (1 + NOISE))
    assert cross_check(problem(rng, 0.0), None, 1.2 * exact, 0).flagged


def test_too_many_settings_are_not_checked(rng):
    assert cross_check(problem(rng, 0.0, settings=11), None, 1.0, 0) is None


def test_every_plan_carries_its_check():
    fit = synthetic_fit(ladder(), chains=4)
    plans = [Plan.one_large(1e21), Plan.many_small(1e21), Plan.diverse(1e21, 8)]
    choice = decide(fit, plans, target=Target(7e9, 1.4e11))
    for value in choice.values:
        assert not value.check.flagged
        assert value.check.sd == pytest.approx(value.sd, rel=0.03)
    assert not any("doubtful" in text for text in choice.warnings)

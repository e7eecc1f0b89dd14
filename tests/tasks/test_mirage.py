"""Truths about metrics: each follows from the token accuracy, and a jump is told from a mirage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.tasks.mirage import (
    METRICS,
    Curve,
    curve_of,
    implied,
    load_curve,
    looks_sharp,
    metrics,
    per_token,
    sharp_or_smooth,
)
from tests.benchmarks.tasks_simulated import token_curve

lengths = st.integers(1, 8)


@given(st.floats(0.3, 0.99), lengths, st.integers(2, 6))
def test_every_metric_gives_back_the_token_accuracy(p, length, choices):
    for metric in METRICS:
        value = metrics(p, length=length, choices=choices)[metric]
        found = per_token(metric, value, length=length, choices=choices)
        assert float(found) == pytest.approx(p, abs=1e-6)


@given(st.floats(0, 1), lengths)
def test_exact_match_is_no_larger_than_the_token_accuracy(p, length):
    found = metrics(p, length=length)
    assert found["exact_match"] <= found["token_accuracy"] + 1e-12
    assert found["multiple_choice"] >= found["exact_match"]


def test_exact_match_of_simulated_answers_is_the_power_of_the_token_accuracy(rng):
    answers = rng.uniform(size=(100_000, 5)) < 0.8
    found = metrics(0.8, length=5)
    assert answers.all(axis=1).mean() == pytest.approx(found["exact_match"], abs=0.005)
    assert (~answers).sum(axis=1).mean() == pytest.approx(found["edit_distance"], abs=0.01)


def test_one_metric_implies_the_others():
    found = implied("exact_match", [0.32768, 1.0], length=5)
    assert found["token_accuracy"].tolist() == pytest.approx([0.8, 1.0])
    assert found["edit_distance"].tolist() == pytest.approx([1.0, 0.0])


def test_a_smooth_skill_that_looks_sharp_is_the_metrics_doing():
    n = np.geomspace(1e7, 1e11, 9)
    found = sharp_or_smooth(Curve(n, np.exp(-((n / 1e9) ** -0.35)), np.full(9, 5e4)), length=5)
    assert found.looks_sharp and found.verdict == "metric"
    assert found.p_break < 0.2


def test_a_broken_skill_is_the_models_doing():
    n = np.geomspace(1e7, 1e11, 9)
    f = -0.1 * np.log(n / 1e9) - np.where(n > 2e9, 1.5, 0.0)
    found = sharp_or_smooth(Curve(n, np.exp(-np.exp(f)), np.full(9, 5e4)), length=5)
    assert found.verdict == "model" and found.p_break > 0.9
    assert found.to_dict()["p_smooth"] == pytest.approx(1 - found.p_break)


@pytest.mark.parametrize("broken", [False, True])
def test_verdicts_on_simulated_skills_are_mostly_right(broken):
    rng = np.random.default_rng(17 + broken)
    found = [sharp_or_smooth(token_curve(rng, broken=broken), length=5) for _ in range(40)]
    wrong = np.mean([(f.verdict == "model") != broken for f in found])
    assert wrong <= 0.1
    # A probability that says .9 or more is wrong less often than one in ten.
    sure = [f for f in found if max(f.p_break, 1 - f.p_break) > 0.9]
    assert np.mean([(f.p_break > 0.5) != broken for f in sure]) < 0.1


def test_few_tokens_leave_doubt():
    rng = np.random.default_rng(4)
    many = [sharp_or_smooth(token_curve(rng, broken=True)).p_break for _ in range(10)]
    rng = np.random.default_rng(4)
    few = [sharp_or_smooth(token_curve(rng, broken=True, tokens=20)).p_break for _ in range(10)]
    assert np.mean(many) > np.mean(few) + 0.1


def test_a_curve_that_rises_evenly_does_not_look_sharp():
    n = np.geomspace(1e7, 1e11, 9)
    assert not looks_sharp(n, np.linspace(0, 1, 9))
    assert not looks_sharp(n, np.linspace(0, 0.05, 9))
    assert looks_sharp(n, np.where(n > 3e9, 1.0, 0.0))


def test_exact_match_may_be_given_instead_of_token_accuracy():
    n = np.geomspace(1e7, 1e11, 9)
    p = np.exp(-((n / 1e8) ** -0.3))
    found = curve_of(n[::-1], (p**3)[::-1], np.full(9, 1e6), metric="exact_match", length=3)
    assert found.params.tolist() == n.tolist()
    np.testing.assert_allclose(found.share, p, atol=1e-3)
    # One answer of three tokens tells less than three tokens, and more than one.
    assert (found.items < 3.01e6).all() and (found.items[-3:] > 1e6).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics(1.2), "outside 0 to 1"),
        (lambda: metrics(0.5, length=0), "expected at least 1 and 2"),
        (lambda: per_token("bleu", 0.5), "unknown metric 'bleu'; known: token_accuracy"),
        (lambda: per_token("edit_distance", 7.0, length=5), "stand for no probability"),
        (lambda: curve_of(*np.ones((3, 6)), metric="brier"), "brier is no share of items"),
    ],
)
def test_what_is_no_probability_is_refused(call, message):
    with pytest.raises(SpecError, match=message):
        call()


def test_too_few_sizes_are_refused():
    table = pd.DataFrame({"params": [1e8, 1e9, 1e10], "share": [0.1, 0.2, 0.4], "items": 100})
    with pytest.raises(RunsError, match="3 sizes; telling a break from a line needs at least 5"):
        load_curve(table)

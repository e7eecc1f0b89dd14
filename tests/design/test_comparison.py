"""Comparisons: who is better, what the gap is worth in compute, and what would settle it."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayeslaw.design import compare
from bayeslaw.design.comparison import plain_ranking
from bayeslaw.errors import TargetError
from bayeslaw.model.spec import Spec
from bayeslaw.prediction import Target
from bayeslaw.runs import load_runs
from tests.scoring.synthetic import ladder, synthetic_fit

TARGET = Target(3e9, 6e10, kind="mean")


def shifted(factor, **options):
    """A fit of families a and b whose law and losses differ by a factor."""
    made = synthetic_fit(ladder(("a", "b")), chains=4, **options)
    post = made.posterior.copy(deep=True)
    for name in ("E", "a", "b"):
        post[name].loc[{"family": "b"}] *= factor
    return replace(made, posterior=post)


@pytest.fixture(scope="module")
def clear():
    return shifted(1.1, width=0.005, discrepancy_sd=0.005)


@pytest.fixture(scope="module")
def close():
    return shifted(1.002, width=0.005, discrepancy_sd=0.01)


def test_a_clear_winner_is_named_with_its_gain(clear):
    (pair,) = compare(clear, TARGET).pairs
    assert pair.resolved and pair.p_a_better > 0.99
    assert np.median(pair.gap) > 0 and np.median(pair.gain) > 1
    assert pair.verdict.startswith("a is better than b") and not pair.remedies
    assert "largest common size" in pair.baseline


def test_a_law_without_a_trade_has_no_gain(close):
    flat = synthetic_fit(ladder(("a", "b")), Spec("power_params"), chains=4)
    (pair,) = compare(flat, TARGET).pairs
    assert pair.gain is None and pair.to_dict()["compute_equivalent_gain"] is None
    assert "times the compute" not in compare(flat, TARGET).text


def test_the_gain_is_the_compute_that_closes_the_gap(clear):
    from bayeslaw.design.budgets import frontier_of

    (pair,) = compare(clear, TARGET).pairs
    law_a, law_b = (frontier_of(clear, f, {}, 0) for f in "ab")
    n, d = np.full((1, 1), np.log(TARGET.params)), np.full((1, 1), np.log(TARGET.tokens))
    inside = (pair.gain > 1e-3) & (pair.gain < 1e3)
    half = np.log(pair.gain)[:, None] / 2
    ratio = law_b.loss(n + half, d + half)[:, 0] / law_b.loss(n, d)[:, 0]
    # b at that compute, with its own discrepancy, has the loss of a.
    gap = pair.gap[inside]
    loss_b = law_b.loss(n, d)[inside, 0]
    assert inside.mean() > 0.5
    assert np.corrcoef(1 - ratio[inside], gap / loss_b)[0, 1] > 0.99
    assert len(law_a.parameters["E"]) == len(pair.gain)


def test_turning_a_pair_around_turns_everything_around(close):
    one = compare(close, TARGET, families=["a", "b"]).pairs[0]
    two = compare(close, TARGET, families=["b", "a"]).pairs[0]
    assert one.p_a_better == pytest.approx(1 - two.p_a_better, abs=0.03)
    assert np.median(one.gap) == pytest.approx(-np.median(two.gap), abs=0.1 * one.gap.std())


def test_an_open_verdict_says_what_would_settle_it(close):
    (pair,) = compare(close, TARGET).pairs
    assert not pair.resolved
    assert pair.verdict.startswith("Not resolvable at 90%")
    for remedy in pair.remedies:
        assert remedy.probability >= 0.9 and remedy.words in pair.verdict
        assert {r["family"] for r in remedy.plan.records()} == {"a", "b"}
    costs = [r.plan.cost for r in pair.remedies]
    assert costs == sorted(costs)


def test_what_no_run_settles_is_said_to_be_so():
    tied = shifted(1.0, width=0.2, discrepancy_sd=0.0001, run_sd=0.5)
    (pair,) = compare(tied, TARGET).pairs
    assert not pair.remedies and "no run up to the target's size" in pair.verdict


def test_the_record_has_the_keys_of_the_contract(close):
    found = json.loads(json.dumps(compare(close, TARGET).to_dict(), allow_nan=False))
    (pair,) = found["pairs"]
    assert {"a", "b", "p_a_better", "gap_median", "gap_intervals"} <= set(pair)
    assert {"median", "intervals"} <= set(pair["compute_equivalent_gain"])
    assert pair["plain_ranking"]["params"] == pytest.approx(1e9)


def test_the_plain_ranking_is_of_the_largest_common_size():
    rows = [("a", 1e8, 3.0), ("a", 1e9, 2.5), ("b", 1e8, 2.9), ("b", 1e9, 2.6), ("b", 5e9, 2.2),
            ("c", 3e10, 2.0)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["family", "params", "loss"]).assign(tokens=2e10)
    runs = load_runs(table)
    found = plain_ranking(runs, "a", "b")
    assert (found.params, found.a_better) == (1e9, True)
    assert plain_ranking(runs, "a", "c") is None


def test_more_than_two_families_are_compared_pair_by_pair():
    fit = synthetic_fit(ladder(("a", "b", "c")), draws=200)
    made = compare(fit, TARGET)
    assert len(made.pairs) == 3 == len(made.table) and set(made.ranking) == set("abc")
    many = synthetic_fit(ladder(tuple(f"f{i:02d}" for i in range(14))), draws=50)
    assert len(compare(many, TARGET, level=0.50001).pairs) == 13


def test_strangers_and_single_families_are_refused(close):
    with pytest.raises(TargetError, match="'x' has no rows"):
        compare(close, TARGET, families=["a", "x"])
    with pytest.raises(TargetError, match="two or more families"):
        compare(close, TARGET, families=["a"])
    with pytest.raises(TargetError, match="level"):
        compare(close, TARGET, level=0.3)

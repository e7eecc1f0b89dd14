"""Truths about emergence: the threshold lies where the skill rises, and doubt shows."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.tasks.emergence import Scores, emergence, load_scores

FIVE = [1e20, 1e21, 1e22, 1e23, 1e24]


def scores(share, flops=FIVE, items=2000):
    return load_scores(pd.DataFrame({"flops": flops, "share": share, "items": items}))


def test_a_threshold_lies_between_the_last_at_chance_and_the_first_above():
    found = emergence(scores([0, 0, 0.01, 0.9, 1.0]))
    low, high = found.interval(0.9)
    assert 1e22 < low < high < 1e23
    assert found.probability(1e22, 1e23) > 0.95
    assert found.p_sharp > 0.9 and not found.prior_decides


def test_only_the_last_model_above_chance_leaves_a_decade_of_doubt():
    found = emergence(scores([0.25, 0.24, 0.26, 0.25, 0.4], items=200), chance=0.25)
    low, high = found.interval(0.9)
    assert np.log10(high / low) >= 1
    assert high > 1e24
    assert found.prior_decides


def test_a_skill_that_never_leaves_chance_has_a_threshold_beyond_what_was_seen():
    found = emergence(scores([0, 0, 0, 0, 0]))
    assert found.interval(0.5)[0] > 1e24 and found.prior_decides


def test_a_slow_rise_is_not_called_sharp():
    x = np.log(np.array(FIVE) / 1e22)
    found = emergence(scores(1 / (1 + np.exp(-0.5 * x))))
    assert found.p_sharp < 0.1
    assert found.interval(0.9)[0] < 1e22 < found.interval(0.9)[1]


def test_intervals_cover_simulated_thresholds():
    rng = np.random.default_rng(8)
    flops, held = np.geomspace(1e20, 1e24, 9), []
    for _ in range(40):
        threshold, steep = 10 ** rng.uniform(21, 23), np.exp(rng.uniform(-0.7, 1.1))
        eta = steep * np.log(flops / threshold) + 0.05 * rng.standard_normal(9)
        share = rng.binomial(500, 1 / (1 + np.exp(-eta))) / 500
        low, high = emergence(Scores(flops, share, np.full(9, 500.0))).interval(0.9)
        held.append(low <= threshold <= high)
    assert 0.8 <= np.mean(held) <= 0.99


def test_more_items_leave_less_doubt():
    share = [0, 0.02, 0.2, 0.7, 0.95]
    few, many = (emergence(scores(share, items=n)).interval(0.9) for n in (20, 10_000))
    assert np.log10(few[1] / few[0]) > 1.3 * np.log10(many[1] / many[0])


def test_a_skill_leaves_chance_before_it_is_half_way_up():
    found = emergence(scores([0, 0.02, 0.2, 0.7, 0.95]))
    record = found.to_dict()
    left, half = record["leaves_chance_flops"]["median"], record["threshold_flops"]["median"]
    assert left < half
    assert list(record["threshold_flops"]["intervals"]) == ["50", "80", "90", "95"]
    assert (found.leaves == emergence(scores([0, 0.02, 0.2, 0.7, 0.95])).leaves).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": [0, 20, 30, 40, 50]}, "a share from 0 to 1"),
        ({"flops": [0, 1, 2, 3, 4]}, "a number above 0"),
        ({"items": 0.5}, "a whole number from 1"),
        ({"flops": [1e21] * 5}, "1 amounts of compute"),
    ],
)
def test_bad_tables_are_refused(change, message):
    with pytest.raises(RunsError, match=message):
        scores(**{"share": [0, 0, 0, 0.5, 1], **change})


def test_chance_must_be_below_one():
    with pytest.raises(SpecError, match="chance is 1"):
        emergence(scores([0, 0, 0, 0.5, 1]), chance=1.0)

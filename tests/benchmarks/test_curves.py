"""Laws of learning curves, the curves they are chosen on, and how they are compared."""

import numpy as np
import pytest

from tests.benchmarks import curves
from tests.benchmarks.curve_law import bent_tokens, delayed_tokens
from tests.benchmarks.curve_tuning import candidates, compared, tune, twice_bent_tokens
from tests.benchmarks.curve_worlds import KINDS, worlds
from tests.benchmarks.effort import TOY


def test_a_law_of_curves_with_a_neutral_parameter_is_the_simpler_law():
    x = {"tokens": np.geomspace(0.01, 30, 50)}
    at = {"E": 0.2, "b": 0.3, "beta": 0.6, "start": 0.4}
    gentle = delayed_tokens(x, at)
    np.testing.assert_allclose(bent_tokens(x, {**at, "sharpness": 1.0}), gentle)
    bent = {**at, "sharpness": 2.0}
    twice = twice_bent_tokens(x, {**bent, "second": 3.0, "change": 1.0})
    np.testing.assert_allclose(twice, bent_tokens(x, bent))


def test_a_sharp_bend_leaves_its_plateau_and_reaches_its_floor_as_powers():
    at = {"E": 0.1, "b": 0.3, "beta": 0.5, "start": 1.0, "sharpness": 2.0}
    early, late = np.array([1e-4, 1e-3]), np.array([1e4, 1e5])
    top = float(bent_tokens({"tokens": 0.0}, at))
    fallen, left = top - bent_tokens({"tokens": early}, at), bent_tokens({"tokens": late}, at) - 0.1
    assert np.log10(fallen[1] / fallen[0]) == pytest.approx(2.0, abs=0.01)
    assert np.log10(left[1] / left[0]) == pytest.approx(-0.5, abs=0.01)


def test_curves_of_every_kind_fall_and_can_be_read():
    kinds = {kind.__name__ for kind in KINDS} | {"published"}
    found = list(worlds(2, seed=3))
    assert {curve.model for curve in found} == kinds and len(found) == 2 * len(kinds)
    for curve in found:
        assert (np.diff(np.concatenate([curve.x, curve.x_new])) > 0).all()
        assert curve.x_new[-1] / curve.x[-1] == pytest.approx(2.1, abs=0.1)
        assert curve.y_new.min() > 0 and np.median(curve.y_new) < curve.y[:3].max()
        assert curves.as_runs(curve).n_runs == len(curve.x)
    for one, again in zip(found, worlds(2, seed=3), strict=True):
        np.testing.assert_array_equal(one.y_new, again.y_new)


def test_candidates_are_compared_on_the_same_curves():
    specs = {label: candidates()[label] for label in ("as chosen", "gentle bend")}
    table = tune(specs, list(worlds(1, seed=3))[:1], TOY)
    found = compared(table)
    assert set(found.index) == set(specs) and found.loc["as chosen", "gain"] == 0
    by_hand = table.groupby("spec")["ll"].mean()
    gained = by_hand["gentle bend"] - by_hand["as chosen"]
    assert found.loc["gentle bend", "gain"] == pytest.approx(gained)

"""The chart of a report holds what was forecast, and walks keep tokens per parameter."""

from html import escape

import numpy as np
import pytest

from bayeslaw.plots.interactive import interactive, step_text
from bayeslaw.plots.walks import BEYOND, INTERVALS, walk
from bayeslaw.prediction import Target, forecast
from tests.scoring.synthetic import ladder, synthetic_fit

EVIL = "<b>%{x}</b>"


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(("ours", EVIL, *(f"f{i}" for i in range(8)))), draws=100)


@pytest.fixture(scope="module")
def made(fit):
    return forecast(fit, [Target(2e9, 4e10, "ours"), Target(5e8, 1.5e10, EVIL, flops=2e19)])


@pytest.mark.parametrize("place", [0, 1])
def test_a_walk_keeps_the_ratio_and_passes_the_target(fit, made, place):
    way, target = walk(fit, made, place), made.targets[place]
    ratios = [t.tokens / t.params for t in way.steps]
    assert np.allclose(ratios, target.tokens / target.params)
    assert np.allclose(way.flops / [t.params * t.tokens for t in way.steps],
                       target.flops / (target.params * target.tokens))  # fmt: skip
    assert (np.diff(way.flops) > 0).all() and way.target == target
    assert way.flops[-1] == pytest.approx(BEYOND * target.flops)
    assert way.table.loc[way.start, INTERVALS].tolist() == made.table.loc[place, INTERVALS].tolist()
    assert (way.table["low90"] < way.table["high90"]).all()


def test_a_walk_begins_at_the_largest_run_or_within_what_was_seen(fit, made):
    beyond, within = walk(fit, made, 0), walk(fit, made, 1)
    assert beyond.table["extrapolation_factor"].iloc[0] == pytest.approx(1)
    assert made.extrapolation[1] < 1
    assert within.flops[0] == pytest.approx(made.targets[1].flops / BEYOND)


def test_the_fan_ends_where_the_intervals_are(fit, made):
    way = walk(fit, made, 0)
    figure = interactive(made, fit.runs, walks=[way])
    parts = {t.meta["part"]: t for t in figure.data if t.meta and t.meta["walk"] == 0}
    low, high = made.interval(0.9)[0]
    assert parts["bar90"].y == (low, high)
    assert parts["band90"].x[way.start] == made.targets[0].flops
    assert {low, high} <= set(parts["band90"].y)
    assert parts["marker"].text[0].split("<br>")[1:] == step_text(way, way.start)


def test_each_family_is_one_entry_of_the_legend_and_plain_text(fit, made):
    figure = interactive(made, fit.runs)
    entries = [t.name for t in figure.data if t.showlegend]
    assert entries == ["ours", escape(EVIL), *(f"f{i}" for i in range(6)), "2 other families"]
    groups = {t.legendgroup: {u.name for u in figure.data if u.legendgroup == t.legendgroup}
              for t in figure.data}  # fmt: skip
    assert sorted(name for names in groups.values() for name in names) == sorted(entries)
    drawn = [t for t in figure.data if t.text]
    assert all("<b>" not in text and t.hovertemplate is None for t in drawn for text in t.text)

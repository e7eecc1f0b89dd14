"""Pictures draw what the results say, touch no global state and trust no name."""

import builtins
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from bayeslaw.errors import BayeslawError
from bayeslaw.plots import calibration, curves, to_svg
from bayeslaw.prediction import Target, forecast
from tests.scoring.synthetic import ladder, synthetic_fit
from tests.scoring.test_backtest import card_of

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(("ours", EVIL, "_hidden", "$x_1")), draws=200)


@pytest.fixture(scope="module")
def made(fit):
    return forecast(fit, [Target(2e9, 4e10, "ours"), Target(2e9, 4e10, EVIL)])


def texts(figure):
    return [t.get_text() for t in figure.axes[0].get_legend().get_texts()]


def test_curves_label_their_axes_with_units_and_name_every_family(made, fit):
    figure = curves(made, fit=fit)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert "FLOP" in axes.get_xlabel() and "nats" in axes.get_ylabel()
    assert texts(figure) == ["ours", EVIL, "_hidden", "$x_1"]


def test_curves_draw_the_intervals_of_the_forecast(made, fit):
    figure = curves(made, fit=fit)
    drawn = np.concatenate([line.get_ydata() for line in figure.axes[0].lines])
    for level in (0.5, 0.9):
        for end in made.interval(level).ravel():
            assert np.isclose(drawn, end).any()
    assert len(curves(made).axes[0].lines) < len(figure.axes[0].lines)


def test_beyond_eight_families_the_rest_are_grey(made):
    runs = ladder(tuple(f"f{i}" for i in range(12)), sizes=3)
    assert texts(curves(made, runs))[-1] == "6 other families"
    assert len(texts(curves(made, runs))) == 9


def test_markers_differ_so_that_grey_print_tells_families_apart():
    from bayeslaw.plots.figures import PALETTE

    assert len({m for _, m in PALETTE}) == len({c for c, _ in PALETTE}) == 8


def test_names_cannot_become_markup_and_the_picture_is_one_valid_element(made, fit):
    svg = to_svg(curves(made, fit=fit), EVIL)
    assert "<img" not in svg and "http" not in svg and "<script" not in svg
    assert svg.startswith("<svg ") and svg.rstrip().endswith("</svg>")
    ET.fromstring(svg.replace("xlink:href", "href"))


def test_names_in_any_alphabet_make_a_picture():
    fit = synthetic_fit(ladder(("\u6a21\u578b", "a b", "$\\frac$", "x" * 150)), draws=50)
    svg = to_svg(curves(forecast(fit, params=2e9, tokens=4e10), fit=fit), "t")
    ET.fromstring(svg.replace("xlink:href", "href"))


def test_equal_results_give_equal_pictures(made, fit):
    assert to_svg(curves(made, fit=fit), "t") == to_svg(curves(made, fit=fit), "t")


def test_pictures_are_not_in_the_hands_of_pyplot(made, fit, monkeypatch):
    from matplotlib import pyplot

    def refuse(*args, **kwargs):
        raise AssertionError("a figure was asked of pyplot")

    for name in ("figure", "subplots", "gcf", "gca"):
        monkeypatch.setattr(pyplot, name, refuse)
    before = pyplot.rcParams.copy()
    to_svg(curves(made, fit=fit), "t")
    assert pyplot.rcParams.copy() == before and pyplot.get_fignums() == []


def test_calibration_shows_the_coverage_of_the_card():
    card = card_of([2.0, 2.0, 2.0, 2.5])
    axes = calibration(card).axes[0]
    drawn = axes.collections[-1].get_offsets()[:, 1].tolist()
    assert drawn == [card.summary["coverage"][k] for k in ("50", "80", "90", "95")]
    assert "4 families" in axes.get_legend().get_texts()[0].get_text()


def test_without_matplotlib_the_error_names_the_extra(made, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith(("matplotlib", "bayeslaw.plots.picture")):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(BayeslawError, match=r"bayeslaw\[plots\]"):
        curves(made)

"""Every public plot is in the gallery, and draws something under labels on every backend."""

import matplotlib
import numpy as np
import pytest

from bayeslaw import plots
from notebooks.gallery import PICTURES

NAMES = sorted(set(plots.__all__) - {"to_svg"})
DRAWN = {"line", "scatter", "fill_between_y", "ciliney", "text"}


def test_the_gallery_shows_every_public_plot():
    assert sorted(PICTURES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_draws_finite_things_under_labels_with_units(name):
    figure = PICTURES[name]("none")
    assert figure["plots"]
    for i, plot in enumerate(figure["plots"]):
        drawn = [element for element in plot if element["function"] in DRAWN]
        assert len(drawn) >= 2
        for element in drawn:
            for values in (element[k] for k in ("x", "y", "y_bottom", "y_top") if k in element):
                assert np.size(values) and np.isfinite(np.asarray(values, float)).all()
        words = {e["function"]: e["string"] for e in plot if e["function"].endswith("label")}
        assert "(" in words["xlabel"] or "D/N" in words["xlabel"]
        assert i or "(" in words["ylabel"] or words["ylabel"] == "family"


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_is_a_picture_that_belongs_to_its_caller(name):
    before = matplotlib.rcParams.copy()
    figure = PICTURES[name]()
    for axes in figure.axes:
        assert axes.has_data() and axes.get_xlabel()
    assert figure.axes[0].get_ylabel()
    assert figure._repr_png_().startswith(b"\x89PNG")  # what a notebook shows
    assert matplotlib.rcParams.copy() == before
    from matplotlib.pyplot import get_fignums

    assert get_fignums() == []


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_is_a_plotly_figure_too(name):
    figure = PICTURES[name]("plotly")
    made = figure.to_dict()
    assert len(made["data"]) >= 2
    assert made["layout"]["xaxis"]["title"]["text"] and made["layout"]["yaxis"]["title"]["text"]

"""What is drawn is what the results say."""

import numpy as np
import pandas as pd
import pytest

from bayeslaw import allocate, break_even, decide, plots
from bayeslaw.design import Plan
from bayeslaw.errors import BayeslawError, LawError, SpecError
from bayeslaw.laws import get_law
from bayeslaw.prediction import Target, forecast
from bayeslaw.tasks.emergence import emergence, load_scores
from bayeslaw.tasks.loss_to_task import fit_task, task_scores
from tests.scoring.synthetic import ladder, synthetic_fit
from tests.scoring.test_backtest import card_of

EVIL = "<img src=x onerror=alert(1)> $x$"
TARGET = Target(2e9, 4e10, "ours", kind="mean")


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(("ours", EVIL), checkpoints=3), draws=200)


@pytest.fixture(scope="module")
def plans():
    return [Plan.many_small(budget=1e20, sizes=4), Plan.one_large(budget=1e20)]


def elements(figure, function, plot=0):
    return [e for e in figure["plots"][plot] if e["function"] == function]


def ends(draws, level=0.9):
    return np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])


def has_line(lines, x):
    return any(len(e["x"]) == len(x) and np.allclose(e["x"], x) for e in lines)


def test_contours_join_points_of_equal_loss(fit):
    figure = plots.surface(fit, "ours", backend="none")
    law, layout = get_law("chinchilla"), fit.layout
    own = fit.posterior.sel(family="ours")
    draws = {n: own[n].values.reshape(-1, 1) for n in law.parameter_names}
    contours = [e for e in elements(figure, "line") if e["color"] == "#bbbbbb"]
    assert len(contours) >= 5
    for contour in contours:
        at = {"params": contour["x"], "tokens": contour["y"]}
        loss = np.median(law({n: v / layout.references[n] for n, v in at.items()}, draws), axis=0)
        assert np.ptp(loss) < 0.01


def test_isoflop_marks_the_best_size_of_the_allocation(fit):
    figure = plots.isoflop(fit, ["1e20", 1e21], family="ours", backend="none")
    best = allocate(fit, [1e20, 1e21], family="ours").optima
    marks = [e["x"].item() for e in elements(figure, "scatter") if e["facecolor"] == "#ffffff"]
    assert np.allclose(marks, [np.median(o.params) for o in best], rtol=1e-6)
    thick = [e["x"][[0, -1]] for e in elements(figure, "line") if e["width"] == 4.5]
    assert np.allclose(thick, [ends(o.params) for o in best], rtol=1e-6)


def test_pooling_says_what_each_fit_forecasts(fit):
    figure = plots.pooling({"none": fit, "mine": fit}, "ours", target=TARGET, backend="none")
    low, high = forecast(fit, [TARGET]).interval(0.9)
    titles = [elements(figure, "title", i)[0]["string"] for i in (0, 1)]
    assert [t.split(":")[0] for t in titles] == ["no pooling", "mine"]
    assert f"({low:.3f} to {high:.3f})" in titles[0]
    assert any(np.allclose([e["y_bottom"], e["y_top"]], [[low], [high]])
               for e in elements(figure, "ciliney"))  # fmt: skip


def test_the_forest_holds_the_intervals_of_the_posterior(fit):
    figure = plots.exponents(fit, ["beta", "E"], backend="none")
    for i, name in enumerate(("beta", "E")):
        for f in range(2):
            assert has_line(elements(figure, "line", i), ends(fit.posterior[name].values[..., f]))
    population = fit.posterior["population"].sel(parameter="beta").values
    assert has_line(elements(figure, "line"), ends(population))
    assert not elements(figure, "fill_between_y", 1)  # a loss has no population in nats


def test_densities_peak_where_the_draws_lie(fit):
    figure = plots.prior_posterior(fit, "ours", backend="none")
    for i, name in enumerate(fit.law.parameter_names):
        prior, posterior = elements(figure, "line", i)
        low, high = ends(fit.posterior[name].sel(family="ours").values, 0.6)
        assert low < posterior["x"][posterior["y"].argmax()] < high
        assert np.ptp(posterior["x"][posterior["y"] > 0.5]) < np.ptp(prior["x"][prior["y"] > 0.5])


def test_residuals_are_losses_above_the_law(fit):
    figure = plots.residuals(fit, backend="none")
    law, layout = fit.law, fit.layout
    middle = {n: float(fit.posterior[n].values[..., 0].mean()) for n in law.parameter_names}
    curve = np.log(law(layout.inputs(law), middle))
    own = layout.family_of_row == 0
    drawn = elements(figure, "scatter")[0]["y"]
    assert np.allclose(drawn, 100 * (layout.log_loss - curve)[own], atol=0.3)
    assert elements(figure, "scatter", 3)[0]["x"].max() == 100


def test_the_pit_stays_in_its_band_if_and_only_if_it_is_uniform():
    def inside(pits):
        card = card_of([2.0] * len(pits))
        figure = plots.pit(type(card)(card.table.assign(pit=pits)), backend="none")
        (band,), curve = elements(figure, "fill_between_y"), elements(figure, "line")[-1]
        return ((curve["y"] >= band["y_bottom"]) & (curve["y"] <= band["y_top"])).all()

    assert inside(np.linspace(0.02, 0.98, 30)) and not inside(np.linspace(0.4, 0.6, 30))


def test_plans_stand_at_their_cost_and_expected_sd(fit, plans):
    decision = decide(fit, plans, target=TARGET)
    figure = plots.plans(decision, backend="none")
    drawn = {e["name"]: (e["x"].item(), e["y"].item()) for e in elements(figure, "scatter")}
    for v in decision.values:
        assert np.allclose(drawn[v.plan.name], (v.plan.cost, 100 * v.sd))
    assert np.allclose(drawn["recommended"][1], 100 * decision.recommended.sd)


def test_the_break_even_has_a_ring_at_every_crossing(fit, plans):
    table = break_even(fit, plans, target=TARGET)
    figure = plots.break_even(table, backend="none")
    lines = {e.get("name"): e for e in elements(figure, "line")}
    for name, sds in table.sds.items():
        assert np.allclose(lines[name]["y"], 100 * sds)
    rings = [e["x"].item() for e in elements(figure, "scatter")]
    assert np.allclose(rings, [100 * at for *_, at in table.crossings])


def test_allocation_draws_its_intervals_and_what_is_nearly_as_good(fit):
    best = allocate(fit, [1e21, 1e20], family="ours", max_params=1e9)
    figure = plots.allocation(best, backend="none")
    table = best.table.sort_values("flops")
    for i, name in enumerate(("params", "tokens")):
        bars = elements(figure, "ciliney", i)[0]
        assert np.allclose(bars["y_bottom"], table[f"{name}_low90"])
        assert np.allclose(bars["y_top"], table[f"{name}_high90"])
    assert np.allclose(elements(figure, "fill_between_y")[0]["y_top"], table["near_high"])
    assert np.allclose(
        elements(figure, "scatter")[-1]["y"], table["advised_params"][table["params"] > 1e9]
    )


def test_the_threshold_of_a_skill_is_where_its_curve_is_half_way_up():
    frame = pd.DataFrame({"flops": [1e20, 1e21, 1e22, 1e23], "share": [0, 0.1, 0.8, 1.0]})
    found = emergence(load_scores(frame.assign(items=500)))
    figure = plots.emergence(found, backend="none")
    assert has_line(elements(figure, "line"), found.interval(0.9))
    curve = next(e for e in elements(figure, "line") if len(e["x"]) > 9)
    half = np.interp(0.5, curve["y"], np.log10(curve["x"]))
    assert abs(half - found.quantile(0.5)) < 0.05
    assert (elements(figure, "scatter")[0]["y"] == frame["share"]).all()


def test_a_task_falls_with_the_loss_that_rises_to_the_left():
    loss = np.linspace(2.0, 4.0, 9)
    curve = fit_task(task_scores(loss, 1 / (1 + np.exp(4 * (loss - 3))), np.full(9, 400)))
    figure = plots.loss_to_task(curve, backend="none")
    (limits,) = elements(figure, "xlim")
    assert limits["lims"][0] > limits["lims"][1]
    drawn = next(e for e in elements(figure, "line") if len(e["x"]) > 9)
    assert (np.diff(drawn["y"]) <= 0).all()
    assert has_line(elements(figure, "line"), ends(curve.threshold()))


def named(fit):
    made = forecast(fit, [Target(2e9, 4e10, EVIL)])
    yield plots.curves, (made, None), {"fit": fit}
    yield plots.surface, (fit, EVIL), {}
    yield plots.exponents, (fit,), {}
    yield plots.residuals, (fit,), {}
    yield plots.pooling, ({EVIL: fit},), {"family": EVIL}


def test_names_from_data_are_text_on_every_backend(fit):
    for plot, given, more in named(fit):
        page = plot(*given, **more, backend="plotly").to_html(include_plotlyjs=False)
        assert "<img" not in page and "$x" not in page and "&amp;lt;img" not in page
        svg = plots.to_svg(plot(*given, **more), "t")
        assert "<img" not in svg


def test_what_cannot_be_drawn_is_refused_with_a_remedy(fit):
    with pytest.raises(BayeslawError, match="'bokeh'; expected one of matplotlib, plotly, none"):
        plots.residuals(fit, backend="bokeh")
    for plot in (plots.surface, plots.prior_posterior):
        with pytest.raises(SpecError, match="'theirs' has no rows"):
            plot(fit, "theirs")
    with pytest.raises(SpecError, match="'theirs' has no rows in the fit 'a'"):
        plots.pooling({"a": fit}, "theirs")
    with pytest.raises(SpecError, match="no fit to draw"):
        plots.pooling({})
    with pytest.raises(LawError, match="gamma"):
        plots.exponents(fit, ["gamma"])

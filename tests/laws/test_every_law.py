"""What holds for every declared law, whatever its formula."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

import bayeslaw as bl
from bayeslaw.errors import LawError, SpecError
from bayeslaw.laws import LAWS, Input, Parameter, law as declare
from bayeslaw.laws.latex import formula_text, latex
from bayeslaw.laws.law import prior_location

DRAWS = 200
ANCHOR = 2.5  #: nats per token; parameters in units of loss are declared as fractions of it
REFERENCES = {
    "params": 1e9, "tokens": 2e10, "flops": 1e20, "flops_min": 1e20, "unique_tokens": 2e10,
    "experts": 1.0, "steps": 1e5, "steps_min": 5e4, "batch_tokens": 1e6, "lr": 1e-3,
    "upstream_loss": 3.0,
}  # fmt: skip

every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def prior_draws(law, rng, size=DRAWS):
    """Draws from the declared intervals, one array per parameter."""
    draws = {}
    for p in law.parameters:
        middle, width = prior_location(p.low, p.high)
        values = np.exp(rng.normal(middle, width, size))
        draws[p.name] = values * ANCHOR if p.in_loss_units else values
    return draws


def prior_medians(law):
    return {
        p.name: np.sqrt(p.low * p.high) * (ANCHOR if p.in_loss_units else 1) for p in law.parameters
    }


def settings(law, rng, size=DRAWS, reach=1e3):
    """Inputs relative to their reference, one array per input, lined up with the draws."""
    out = {}
    for i in law.inputs:
        low, high = max(i.span[0], 1 / reach), min(i.span[1], reach)
        out[i.name] = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return out


def path(law, size=13):
    """Inputs that grow together over their spans."""
    return {i.name: np.geomspace(*i.span, size) for i in law.inputs}


# The formula


@every_law
def test_the_loss_is_finite_and_positive_over_the_prior(law, rng):
    loss = law(settings(law, rng), prior_draws(law, rng))
    assert np.isfinite(loss).all()
    assert (loss > 0).all()


@every_law
def test_the_loss_never_rises_with_an_input_that_improves_it(law, rng):
    draws = prior_draws(law, rng)
    for moving in law.inputs:
        if moving.improves:
            held = {n: v for n, v in settings(law, rng).items() if n != moving.name}
            along = [law({**held, moving.name: x}, draws) for x in path(law)[moving.name]]
            assert all((later <= earlier * (1 + 1e-9)).all() for earlier, later in pairwise(along))


@every_law
def test_an_input_that_need_not_improve_the_loss_sometimes_does_not(law, rng):
    draws = prior_draws(law, rng)
    for moving in law.inputs:
        if not moving.improves:
            held = {n: v for n, v in settings(law, rng).items() if n != moving.name}
            along = [law({**held, moving.name: x}, draws) for x in path(law)[moving.name]]
            assert any((later > earlier).any() for earlier, later in pairwise(along))


@every_law
def test_the_loss_falls_when_every_input_grows(law, rng):
    if all(i.improves for i in law.inputs):
        draws, whole = prior_draws(law, rng), path(law)
        along = [law({n: v[i] for n, v in whole.items()}, draws) for i in range(13)]
        assert all((later < earlier).all() for earlier, later in pairwise(along))


@every_law
def test_losses_drawn_from_the_prior_are_plausible(law, rng):
    # Near the reference, and for every law of a loss: neither free nor worse than a guess.
    loss = law(settings(law, rng, 2000, reach=10.0), prior_draws(law, rng, 2000)) / ANCHOR
    low, middle, high = np.quantile(loss, [0.05, 0.5, 0.95])
    assert low > 0.02 and 0.2 < middle < 1.8 and high < 6


@every_law
def test_linear_parameters_enter_linearly(law, rng):
    inputs, draws = settings(law, rng), prior_draws(law, rng)
    columns = law.basis(inputs, draws)
    assert tuple(columns) == law.linear
    if columns:
        whole = sum(draws[n] * columns[n] for n in law.linear)
        np.testing.assert_allclose(whole, law(inputs, draws), rtol=1e-12)


@every_law
def test_the_order_of_named_values_does_not_matter(law, rng):
    inputs, draws = settings(law, rng), prior_draws(law, rng)
    turned = dict(reversed(inputs.items())), dict(reversed(draws.items()))
    np.testing.assert_array_equal(law(*turned), law(inputs, draws))


# One formula, three libraries


@every_law
def test_xarray_agrees_with_numpy_and_broadcasts_by_name(law, rng):
    inputs, draws = settings(law, rng), prior_draws(law, rng)
    named = law(
        {n: xr.DataArray(v, dims="target") for n, v in inputs.items()},
        {n: xr.DataArray(v, dims="draw") for n, v in draws.items()},
    )
    plain = law({n: v[:, None] for n, v in inputs.items()}, draws)
    np.testing.assert_allclose(named.transpose("target", "draw"), plain, rtol=1e-12)


def compiled(law, inputs, draws):
    """The loss and its gradient in every parameter, through a PyTensor graph."""
    import pytensor
    import pytensor.tensor as pt

    from bayeslaw.model.build import PYTENSOR

    symbols = {n: pt.dvector(n) for n in (*inputs, *draws)}
    loss = law(symbols, symbols, xp=PYTENSOR)
    slopes = pytensor.grad(loss.sum(), [symbols[n] for n in draws])
    function = pytensor.function(list(symbols.values()), [loss, *slopes], mode="FAST_COMPILE")
    return function(*inputs.values(), *draws.values())


@every_law
def test_pytensor_agrees_with_numpy_and_its_gradients_are_finite(law, rng):
    inputs, draws = settings(law, rng), prior_draws(law, rng)
    loss, *slopes = compiled(law, inputs, draws)
    np.testing.assert_allclose(loss, law(inputs, draws), rtol=1e-10)
    assert np.isfinite(slopes).all()


# Publication


@every_law
def test_published_symbols_convert_back(law, rng):
    draws = prior_draws(law, rng)
    published = law.to_published(REFERENCES, **draws)
    returned = law.from_published(REFERENCES, **published)
    assert set(returned) == set(law.parameter_names)
    for name, values in draws.items():
        np.testing.assert_allclose(returned[name], values, rtol=1e-9)


@every_law
def test_published_parameters_take_raw_inputs(law, rng):
    # At references of one, the inner parameters are those of the raw inputs.
    inputs, draws = settings(law, rng), prior_draws(law, rng)
    ones = dict.fromkeys(law.input_names, 1.0)
    raw = law.from_published(ones, **law.to_published(REFERENCES, **draws))
    at = {n: v * REFERENCES[n] for n, v in inputs.items()}
    np.testing.assert_allclose(law(at, raw), law(inputs, draws), rtol=1e-9)


@every_law
def test_latex_renders_and_shows_every_symbol(law):
    from matplotlib.mathtext import MathTextParser

    text, plain = latex(law), formula_text(law)
    MathTextParser("path").parse(f"${text}$")
    assert " = " in plain and not set(plain) & set("\\{}")
    if law.equation is None:
        # Traced, so every symbol of the declaration must be there.
        symbol = r"(?<![\\A-Za-z]){}(?![A-Za-z])"
        for p in law.parameters:
            assert re.search(symbol.format(re.escape(p.symbol)), text), p.symbol
        assert all(name in plain for name in law.parameter_names)
    assert all(i.symbol.split("_")[0] in text for i in law.inputs)


@every_law
def test_the_declaration_is_complete(law):
    assert law.title and law.title in repr(law)
    assert law.reference.startswith(("arXiv:", "doi:"))
    assert all(p.meaning and p.between > 0 for p in law.parameters)


# Recovery


# Without noise the ridges of these are too flat, or their breaks too many, to come to the end.
RIDGES = {"bnsl1", "bnsl2", "bnsl3", "coupled", "kaplan_batch", "muennighoff"}


@every_law
def test_least_squares_finds_the_parameters_that_made_the_data(law, rng):
    truth = law.to_published(REFERENCES, **prior_medians(law))
    rows = settings(law, rng, 60, reach=30.0)
    raw = {n: REFERENCES[n] * v for n, v in rows.items()}
    table = {"params": 1e9, "tokens": np.geomspace(1e9, 1e12, 60)} | raw
    more = {n: v for n, v in raw.items() if n not in ("params", "tokens", "flops")}
    if "flops" in raw:
        table["params"] = raw["flops"] / 6 / table["tokens"]
    runs = bl.simulate(law, truth, params=table["params"], tokens=table["tokens"], inputs=more,
                       run_sd=0.0)  # fmt: skip
    found = bl.least_squares(runs, law, starts=2 if law.name in RIDGES else 5).iloc[0]
    assert found["residual_sd"] < (0.03 if law.name in RIDGES else 1e-5)
    if law.name not in RIDGES:
        for symbol, value in truth.items():
            assert found[symbol] == pytest.approx(value, rel=1e-2, abs=1e-6), symbol


# Recovery


NOISE, SIMULATIONS, PARTICLES, MOVES = 0.02, 8, 300, 5


def posterior(law, inputs, log_loss, rng):
    """Log parameters from the posterior of one simulated table: the prior, tempered into it."""
    priors = np.array([prior_location(p.low, p.high) for p in law.parameters])
    unit = np.array([np.log(ANCHOR) * p.in_loss_units for p in law.parameters])
    location, spread, k = priors[:, 0] + unit, priors[:, 1], len(priors)

    def fits(x):
        values = {n: np.exp(x[:, i, None]) for i, n in enumerate(law.parameter_names)}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            off = (log_loss - np.log(law(inputs, values))) / NOISE
            return np.nan_to_num(-0.5 * (off**2).sum(1), nan=-1e30, neginf=-1e30)

    def believed(x):
        return -0.5 * (((x - location) / spread) ** 2).sum(1)

    x = location + spread * rng.standard_normal((PARTICLES, k))
    fit, heat, size = fits(x), 0.0, 1.0
    while heat < 1:
        steps = np.geomspace(1e-9, 1 - heat, 60) if heat < 1 - 1e-9 else [1 - heat]
        for step in reversed(steps):  # the longest that keeps half of the particles
            weight = np.exp(step * (fit - fit.max()))
            weight /= weight.sum()
            if 1 / (weight**2).sum() > PARTICLES / 2:
                break
        heat = 1.0 if step == 1 - heat else heat + step
        chosen = rng.choice(PARTICLES, PARTICLES, p=weight)
        x, fit = x[chosen], fit[chosen]
        root = np.linalg.cholesky(np.cov(x.T).reshape(k, k) + 1e-10 * np.eye(k))
        for _ in range(max(MOVES, k) * (4 if heat == 1 else 1)):
            at = x + size * 2.38 / np.sqrt(k) * rng.standard_normal(x.shape) @ root.T
            moved = fits(at)
            gain = heat * (moved - fit) + believed(at) - believed(x)
            taken = np.log(rng.uniform(size=PARTICLES)) < gain
            x[taken], fit[taken] = at[taken], moved[taken]
            size *= np.exp(taken.mean() - 0.25)
    return x


@every_law
def test_a_law_recovers_its_own_parameters_as_often_as_its_intervals_say(law, rng):
    held, count = 0, 0
    for _ in range(SIMULATIONS):
        truth = {n: float(v[0]) for n, v in prior_draws(law, rng, 1).items()}
        inputs = settings(law, rng, 40, reach=100.0)
        log_loss = np.log(law(inputs, truth)) + NOISE * rng.standard_normal(40)
        draws = posterior(law, inputs, log_loss, rng)
        for i, n in enumerate(law.parameter_names):
            rank = (draws[:, i] < np.log(truth[n])).mean()
            held, count = held + (0.1 < rank < 0.9), count + 1
    # Ranks of one table hang together: as if there were a third as many.
    low, high = binom.interval(0.999, count // 3, 0.8)
    assert low <= -(-held // 3) <= high


# Declaring and looking up


def test_a_law_takes_fewer_than_sixty_lines():
    homes = [law.formula.__code__.co_filename for law in LAWS.values()]
    lines = {home: len(Path(home).read_text().splitlines()) for home in homes}
    assert {h: n for h, n in lines.items() if n >= 60 * homes.count(h)} == {}


@every_law
def test_a_table_without_an_input_is_refused_by_name(law):
    table = {i.name: [1.0, 2.0] for i in law.inputs[1:]}
    missing = law.inputs[0].name
    with pytest.raises(LawError, match=f"'{law.name}' needs a column '{missing}'.*Add it"):
        law.read(table)
    for bad in (0.0, float("nan"), -1.0, "many"):
        with pytest.raises(LawError, match=f"positive numbers in column '{missing}'; row 1 "):
            law.read({missing: [bad, 2.0], **table})


@every_law
def test_inputs_that_are_compared_share_a_reference(law, rng):
    raw = {n: REFERENCES[n] * v for n, v in settings(law, rng).items()}
    found = law.references(raw)
    for i in law.inputs:
        own = np.exp(np.log(raw[i.name]).mean())
        expected = found[i.reference] if isinstance(i.reference, str) else i.reference or own
        assert found[i.name] == pytest.approx(expected)


SIZE = Input("params", "N", "parameters")
FLOOR = Parameter("E", "floor", 0.5, 1.1, "E", "nat/token", linear=True)


def same(_references, **values):
    return values


def declaring(formula, **changes):
    facts = {"inputs": (SIZE,), "parameters": (FLOOR,), "reference": "doi:10/x"}
    return declare(**facts | changes, to_published=same, from_published=same)(formula)


def test_a_law_is_named_and_titled_by_its_formula():
    def flat(xp, params, E):
        """Loss does not move."""
        return E + 0 * params

    assert (declaring(flat).name, declaring(flat).title) == ("flat", "Loss does not move")
    assert declaring(flat, name="level").name == "level"


def test_a_formula_that_disagrees_with_its_declaration_is_refused():
    def wrong(xp, tokens, E):
        """Loss falls."""

    with pytest.raises(LawError, match=r"'wrong' takes \(xp, tokens, E\).*\(xp, params, E\)"):
        declaring(wrong)


def test_a_formula_must_say_what_it_claims():
    def silent(xp, params, E):
        return E

    with pytest.raises(LawError, match="'silent' has no docstring"):
        declaring(silent)


@pytest.mark.parametrize("interval", [(0, 1), (-1, 1), (2, 1), (1, 1), (float("nan"), 1)])
def test_a_prior_interval_that_is_none_is_refused(interval):
    with pytest.raises(LawError, match=r"'k' has the prior interval.*expected 0 < low < high"):
        Parameter("k", "slope", *interval, "k")


def test_an_unknown_parameter_is_refused_with_the_known_ones():
    with pytest.raises(LawError, match="no parameter 'gamma'; it has E, a, b, alpha, beta"):
        bl.get_law("chinchilla").parameter("gamma")


def test_an_unknown_law_is_refused_with_the_nearest():
    with pytest.raises(SpecError, match=r"'chinchila'; did you mean 'chinchilla'\? Known: "):
        bl.get_law("chinchila")


def test_a_law_is_its_own_name():
    law = bl.get_law("kaplan")
    assert bl.get_law(law) is law


def test_the_catalogue_has_one_row_per_law():
    assert [row["name"] for row in bl.laws.catalogue()] == list(LAWS)
    assert all(" = " in row["formula"] for row in bl.laws.catalogue())

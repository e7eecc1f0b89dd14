"""What holds for every declared law, whatever its formula."""

import re
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import bayeslaw as bl
from bayeslaw.errors import LawError, SpecError
from bayeslaw.laws import LAWS, Input, Parameter, law as declare
from bayeslaw.laws.latex import formula_text, latex
from bayeslaw.laws.law import prior_location

DRAWS = 200
ANCHOR = 2.5  #: nats per token; parameters in units of loss are declared as fractions of it
RELATIVE = np.geomspace(1e-3, 1e3, 13)
REFERENCES = {"params": 1e9, "tokens": 2e10, "flops": 1e20}

every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def prior_draws(law, rng):
    """Draws from the declared intervals, one array per parameter."""
    draws = {}
    for p in law.parameters:
        middle, width = prior_location(p.low, p.high)
        values = np.exp(rng.normal(middle, width, DRAWS))
        draws[p.name] = values * ANCHOR if p.in_loss_units else values
    return draws


def prior_medians(law):
    return {
        p.name: np.sqrt(p.low * p.high) * (ANCHOR if p.in_loss_units else 1) for p in law.parameters
    }


def settings(law, rng):
    """Inputs relative to their reference, one array per input, lined up with the draws."""
    return {n: np.exp(rng.uniform(np.log(1e-3), np.log(1e3), DRAWS)) for n in law.input_names}


# The formula


@every_law
def test_the_loss_is_finite_and_positive_over_the_prior(law, rng):
    loss = law(settings(law, rng), prior_draws(law, rng))
    assert np.isfinite(loss).all()
    assert (loss > 0).all()


@every_law
def test_the_loss_never_rises_with_an_input(law, rng):
    draws = prior_draws(law, rng)
    for moving in law.input_names:
        held = {n: v for n, v in settings(law, rng).items() if n != moving}
        path = [law({**held, moving: x}, draws) for x in RELATIVE]
        assert all((later <= earlier * (1 + 1e-12)).all() for earlier, later in pairwise(path))


@every_law
def test_the_loss_falls_when_every_input_grows(law, rng):
    draws = prior_draws(law, rng)
    path = [law(dict.fromkeys(law.input_names, x), draws) for x in RELATIVE]
    assert all((later < earlier).all() for earlier, later in pairwise(path))


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
    np.testing.assert_allclose(named.transpose("target", "draw"), plain, rtol=1e-14)


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
    np.testing.assert_allclose(loss, law(inputs, draws), rtol=1e-12)
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

    text = latex(law)
    MathTextParser("path").parse(f"${text}$")
    printed = set(re.findall(r"\\?[A-Za-z]+(?:_\w+)?", text))
    assert printed >= {shown.symbol for shown in (*law.inputs, *law.parameters)}
    assert all(name in formula_text(law) for name in law.parameter_names)


@every_law
def test_the_declaration_is_complete(law):
    assert law.title and law.title in repr(law)
    assert law.reference.startswith(("arXiv:", "doi:"))
    assert all(p.meaning and p.between > 0 for p in law.parameters)


# Recovery


@every_law
def test_least_squares_finds_the_parameters_that_made_the_data(law):
    truth = law.to_published(REFERENCES, **prior_medians(law))
    params, ratio = np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(5, 200, 5))
    tokens = params * ratio
    runs = bl.simulate(law, truth, params=params, tokens=tokens, run_sd=0.0)
    found = bl.least_squares(runs, law).iloc[0]
    for symbol, value in truth.items():
        assert found[symbol] == pytest.approx(value, rel=1e-2), symbol
    assert found["residual_sd"] < 1e-5


# Declaring and looking up

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
    assert all(row["formula"].startswith("L = ") for row in bl.laws.catalogue())

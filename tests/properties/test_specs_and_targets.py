"""Specifications and targets: what is legal comes back from its text, all else is refused."""

import json
import math

import pytest
from hypothesis import given, strategies as st

from bayeslaw.cli.targets import _from_flag
from bayeslaw.errors import BayeslawError, SpecError
from bayeslaw.model import Priors, Spec
from bayeslaw.model.priors import load_priors
from bayeslaw.prediction import Target
from tests.properties.strategies import anything, log_uniform, specs


@given(specs())
def test_a_specification_comes_back_from_its_json(spec):
    text = json.dumps(spec.to_dict(), allow_nan=False)
    again = Spec.from_dict(json.loads(text))
    assert again == spec
    assert json.dumps(again.to_dict()) == text


def _places(tree, at=()):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield (*at, key)
            yield from _places(value, (*at, key))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            yield (*at, i)
            yield from _places(value, (*at, i))


def _damaged(tree, data):
    *path, last = data.draw(st.sampled_from(list(_places(tree))))
    node = tree
    for key in path:
        node = node[key]
    node[last] = data.draw(anything)
    return tree


@given(specs(), st.data())
def test_a_damaged_specification_is_refused_or_sound(spec, data):
    try:
        made = Spec.from_dict(_damaged(json.loads(json.dumps(spec.to_dict())), data))
    except SpecError:
        return
    json.dumps(made.to_dict(), allow_nan=False)
    assert all(0 < low < high < math.inf for low, high in made.priors.values())


@given(st.data())
def test_damaged_priors_are_refused_or_sound(data):
    try:
        made = Priors.from_dict(_damaged(load_priors().to_dict(), data))
    except SpecError:
        return
    json.loads(made.text())
    for low, high in (*made.intervals.values(), *made.trusting.values(), made.scale):
        assert 0 < low < high < math.inf


@given(anything)
def test_anything_else_is_no_specification(values):
    for kind in (Spec, Priors):
        with pytest.raises(SpecError):
            kind.from_dict(values)


@given(log_uniform(1e3, 1e15), log_uniform(1e3, 1e18))
def test_a_target_is_read_as_it_was_written(params, tokens):
    made = _from_flag(f"params={params!r},tokens={tokens!r}", "run")
    assert (made.params, made.tokens) == (params, tokens)
    assert made.flops == 6 * params * tokens


@given(st.text(max_size=40) | st.text("params=tokens,.0123456789eEKMBT-+", max_size=40))
def test_any_text_is_a_target_or_refused(text):
    try:
        made = _from_flag(text, "run")
    except BayeslawError:
        return
    assert 0 < made.params < math.inf and 0 < made.tokens < math.inf


@given(anything, anything, anything)
def test_a_target_of_anything_is_refused_or_sound(params, tokens, flops):
    try:
        made = Target(params, tokens, flops=flops)
    except BayeslawError:
        return
    assert all(0 < v < math.inf for v in (made.params, made.tokens, made.flops))
    assert not any(isinstance(v, bool) for v in (params, tokens, flops))


@pytest.mark.parametrize("place", ["interval", "trusting"])
def test_priors_without_an_interval_are_refused(place):
    values = load_priors().to_dict()
    values["parameters"]["E"][place] = None
    with pytest.raises(SpecError, match="the 5 % and 95 % points"):
        Priors.from_dict(values)

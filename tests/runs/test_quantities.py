"""Quantities read as people write them."""

import pytest
from hypothesis import given, strategies as st

from bayeslaw.errors import RunsError, TargetError
from bayeslaw.runs import parse_quantity, parse_target
from bayeslaw.runs.quantities import SUFFIXES, shown

positive = st.floats(min_value=1e-300, max_value=1e300)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("70B", 7e10), ("70b", 7e10), ("70 B", 7e10), ("1.4T", 1.4e12), ("6.7B", 6.7e9),
        ("125M", 1.25e8), ("125m", 1.25e8), ("3k", 3e3), ("7e10", 7e10), ("6.7e9", 6.7e9),
        ("7E+10", 7e10), ("6_700_000", 6.7e6), (" 5 ", 5.0), (".5B", 5e8), ("1e-3T", 1e9),
        (7, 7.0), (2.5, 2.5),
    ],
)  # fmt: skip
def test_common_spellings_are_read(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("70 GB", "unknown unit"), ("7G", "unknown unit"), ("70BB", "unknown unit"),
        ("12,5", "comma"), ("1,000", "comma"), ("12%", "percentage"), ("$5", "money"),
        ("", "empty"), ("  ", "empty"), ("nan", "finite"), ("-inf", "finite"),
        ("1e999", "too large"), ("2024-01-02", "date"), ("seven", "not a number"),
        ("7e", "unknown unit"), ("1__0", "not a number"), ("_1", "not a number"),
        ("\u0667", "not a number"), ("1e5e5", "not a number"), ("1+1", "not a number"),
        ("0", "not a positive"), ("-3B", "not a positive"), ("1e-999", "not a positive"),
        (float("inf"), "not a positive"), (float("nan"), "not a positive"),
        (True, "not a quantity"), (None, "not a number"), ([7], "not a number"),
        (10**400, "not a number"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_name(text, reason):
    with pytest.raises(RunsError, match=reason) as caught:
        parse_quantity(text)
    assert shown(text) in str(caught.value) or isinstance(text, bool)


@given(positive)
def test_a_printed_number_is_read_back_exactly(value):
    assert parse_quantity(repr(value)) == value


@given(st.integers(1, 10**6), st.sampled_from(sorted(SUFFIXES)), st.booleans())
def test_a_suffix_is_a_power_of_ten(count, suffix, lower):
    text = f"{count / 1000}{suffix.lower() if lower else suffix}"
    assert parse_quantity(text) == pytest.approx(count / 1000 * SUFFIXES[suffix], rel=1e-15)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text):
    try:
        assert parse_quantity(text) > 0
    except RunsError as error:
        assert str(error).isascii()


def test_a_target_is_names_and_quantities():
    assert parse_target("params=70e9,tokens=1.4e12") == {"params": 7e10, "tokens": 1.4e12}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected name=quantity"), ("params", "expected name=quantity"),
        ("params=", "expected name=quantity"), ("=3", "expected name=quantity"),
        ("params=1,,", "expected name=quantity"), ("params=1,params=2", "twice"),
        ("params=big", "params = 'big' is not a number"), ("family=a", "separately"),
        ("params=-1", "not a positive"),
    ],
)  # fmt: skip
def test_a_broken_target_is_refused(text, reason):
    with pytest.raises(TargetError, match=reason):
        parse_target(text)


def test_shown_values_are_short_and_safe():
    assert shown("\x1b]0;x\x07" * 100).isascii()
    assert len(shown("y" * 10_000)) <= 40

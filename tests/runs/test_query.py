"""Conditions choose rows without evaluating anything."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from bayeslaw.errors import RunsError
from bayeslaw.runs import load_runs

FRAME = pd.DataFrame(
    {
        "family": ["gpt3", "gpt3", "llama", "o'neil"],
        "params": [1e9, 7e10, 7e9, 1e8],
        "tokens": [2e10, 3e11, 1e12, 1e9],
        "loss": [2.9, 2.2, 2.3, 4.0],
        "seed": [0, 1, 0, 0],
        "final": [True, True, False, True],
        "width of it": [1.0, np.nan, 3.0, 4.0],
    }
)
RUNS = load_runs(FRAME)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("params > 1e9", [1, 2]),
        ("params>=1B", [0, 1, 2]),
        ("tokens <= 2e+10", [0, 3]),
        ("family == 'gpt3' and params < 70B", [0]),
        ("family in ('gpt3', \"o'neil\")", [0, 1, 3]),
        ("family not in ('gpt3',)", [2, 3]),
        ("not family == 'gpt3'", [2, 3]),
        ("family != 'gpt3' and (params > 1e9 or loss > 3)", [2, 3]),
        # 'and' binds more tightly than 'or'.
        ("family == 'llama' or family == 'gpt3' and params > 1e10", [1, 2]),
        ("seed == 0", [0, 2, 3]),
        ("seed in (1, 2)", [1]),
        ("final", [0, 1, 3]),
        ("not final", [2]),
        ("final == false", [2]),
        ("`width of it` > 2", [2, 3]),
        ("`width of it` != 1", [1, 2, 3]),
        ("params in (1e9, 7B)", [0, 2]),
        ("loss > -1", [0, 1, 2, 3]),
        ("family == 'tokens > 0'", []),
    ],
)
def test_a_condition_chooses_its_rows(query, rows):
    expected = RUNS.table.loc[rows, "loss"].tolist()
    assert RUNS.where(query).table["loss"].tolist() == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "is empty"), ("params", "compares column 'params' with nothing"),
        ("params >", "ends too early"), ("params = 3", "equality is =="),
        ("size > 3", "unknown column 'size'; expected one of 'family'"),
        ("params > 'x'", "compares the number 'params' with"),
        ("params > 7 GB", "goes on with 'GB'"), ("params > 7GB", "unknown unit"),
        ("params > tokens", "compares the number 'params' with 'tokens'"),
        ("family == gpt3", "without quotes"), ("family > 'a'", "orders the text column"),
        ("params > 1 tokens > 1", "goes on with 'tokens'"), ("(params > 1", "closing bracket"),
        ("params > 1)", "goes on with"), ("family in 'a'", "bracketed list"),
        ("family in ('a' 'b')", "closing bracket"), ("final == 3", "not true or false"),
        ("1 < params", "where a column name is needed"), ("params not 3", "without 'in'"),
        ("__import__('os')", "unknown column"), ("params > 1; x", "has '; x'"),
        ("@x > 1", "has '@x > 1'"), ("family == 'a", "has "), ("params > nan", "compares"),
        ("(" * 50 + "params > 1" + ")" * 50, "nested more than"),
        ("not " * 50 + "final", "nested more than"), ("params > 1 or " * 500, "at most 2000"),
        (3, "is empty"),
    ],
)  # fmt: skip
def test_a_broken_condition_is_refused(query, reason):
    with pytest.raises(RunsError, match=reason):
        RUNS.where(query)


values = st.floats(min_value=-1e14, max_value=1e14)
simple = st.builds(
    "{} {} {!r}".format,
    st.sampled_from(["params", "tokens", "loss", "`width of it`"]),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    values,
) | st.sampled_from(["family == 'gpt3'", "seed != 0", "final"])
queries = st.recursive(
    simple,
    lambda q: (
        st.builds("({}) and ({})".format, q, q)
        | st.builds("({}) or ({})".format, q, q)
        | st.builds("not ({})".format, q)
    ),
    max_leaves=4,
)


@given(queries)
def test_a_split_is_a_partition(query):
    match, rest = RUNS.split(query)
    both = sorted(match.table["loss"]) + sorted(rest.table["loss"])
    assert sorted(both) == sorted(RUNS.table["loss"])
    assert match == RUNS.where(query)
    assert rest == RUNS.where(f"not ({query})")


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(query):
    try:
        assert len(RUNS.where(query)) <= len(RUNS)
    except RunsError as error:
        assert str(error).isascii()

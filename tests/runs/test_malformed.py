"""Bad tables are refused with a message that leads to the fault."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from bayeslaw.errors import RunsError
from bayeslaw.runs import load_runs, require_fittable
from tests.runs.malformed import GOOD, HEADER, MALFORMED, Malformed, table


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_a_malformed_table_is_refused_with_row_column_value_and_remedy(case: Malformed, tmp_path):
    path = case.write(tmp_path)
    if case.loads:
        runs = load_runs(path, **case.arguments)
        with pytest.raises(RunsError) as caught:
            require_fittable(runs)
    else:
        with pytest.raises(RunsError) as caught:
            load_runs(path, **case.arguments)
    message = str(caught.value)
    for piece in case.pieces:
        assert re.search(piece, message), f"{piece!r} is not in: {message}"
    assert message.isascii() and "\x1b" not in message
    assert message.count("\n") <= 11
    assert str(tmp_path) not in message or case.name in {"directory", "misspelt file"}


def test_the_good_rows_alone_are_accepted(tmp_path):
    # Otherwise the refusals above would prove nothing.
    path = tmp_path / "runs.csv"
    path.write_bytes(table(good=4))
    runs = load_runs(path)
    require_fittable(runs)
    assert len(runs) == len(GOOD)


def test_names_are_unique():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 40


def test_all_faults_are_told_at_once(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(f"{HEADER}\na,x,2e9,3.9\n,2e8,0,3.6\na,4e8,8e9,-1\n")
    with pytest.raises(RunsError) as caught:
        load_runs(path)
    message = str(caught.value)
    assert "4 problems (row 1 is the first row after the header)" in message
    for name in HEADER.split(","):
        assert f"column '{name}'" in message


def test_one_bad_cell_is_told_once(tmp_path):
    # A negative count also is fewer than a thousand and has no logarithm.
    path = tmp_path / "runs.csv"
    path.write_bytes(table("a,-5,8e9,3.3"))
    with pytest.raises(RunsError, match="1 problem ") as caught:
        load_runs(path)
    assert str(caught.value).count("row 3") == 1


def test_many_faults_make_a_short_message():
    rows = pd.DataFrame({"family": "a", "params": 1e8, "tokens": 2e9, "loss": ["x"] * 500})
    with pytest.raises(RunsError, match="and 496 more") as caught:
        load_runs(rows)
    assert len(str(caught.value)) < 400


def test_many_kinds_of_fault_are_cut_short():
    sizes = [1e8 * (1 + i // 2) for i in range(60)]
    rows = pd.DataFrame({"family": "a", "params": sizes, "tokens": 2e9, "loss": 3.0})
    with pytest.raises(RunsError, match="more than 10 problems") as caught:
        load_runs(rows)
    assert str(caught.value).endswith("and more; correct these first")


@pytest.mark.parametrize(
    "column", [[1 + 2j, 2], [pd.Timedelta("1s"), pd.Timedelta("2s")], [{}, {}], [b"3", b"4"]]
)
def test_objects_of_other_types_are_no_numbers(column):
    frame = pd.DataFrame({"family": "a", "params": [1e8, 2e8], "tokens": 2e9, "loss": column})
    with pytest.raises(RunsError, match=r"column 'loss': found .* \(row 1\)"):
        load_runs(frame)


def test_a_source_of_another_type_is_refused():
    with pytest.raises(RunsError, match="type int; expected a path"):
        load_runs(3)  # type: ignore[arg-type]


def test_column_names_of_a_frame_are_untrusted_too():
    frame = pd.DataFrame({"family": ["a"], "params": 1e8, "tokens": 2e9, "loss": 3.0})
    with pytest.raises(RunsError, match=r"'x\\x1b\[0m' are not printable"):
        load_runs(frame.assign(**{"x\x1b[0m": 1}))


cells = st.one_of(
    st.sampled_from(["a", "b", "", "1e8", "2e9", "3.1", "70B", "nan", "-1", "0", "true", "1,5"]),
    st.text(max_size=6),
    st.floats().map(repr),
)


def _accepted_or_refused(path, **arguments):
    """Load; what is accepted is finite and positive throughout, all else is a RunsError."""
    try:
        runs = load_runs(path, **arguments)
    except RunsError as error:
        assert str(error).isascii()
        return
    numbers = runs.table[["params", "tokens", "flops", "loss"]].to_numpy()
    assert np.isfinite(numbers).all() and (numbers > 0).all()
    assert (runs.table["family"] != "").all()


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl", "parquet"]), st.booleans())
def test_no_bytes_break_the_loader(tmp_path, content, suffix, headed):
    path = tmp_path / f"runs.{suffix}"
    path.write_bytes((table() if headed else b"") + content)
    _accepted_or_refused(path)


@given(
    st.lists(st.tuples(cells, cells, cells, cells, cells), min_size=1, max_size=3),
    st.sampled_from(["run", "seed", "lab", "flops", "loss_sd", "final", "x", "loss_unit"]),
    st.sampled_from(["nats", "ppl"]),
)
def test_no_cells_break_the_loader(tmp_path, rows, extra, unit):
    frame = pd.DataFrame(rows, columns=[*HEADER.split(","), extra])
    frame = pd.concat([pd.DataFrame([GOOD[0].split(",")], columns=HEADER.split(",")), frame])
    _accepted_or_refused(frame, loss_unit=unit)
    path = tmp_path / "runs.csv"
    frame.to_csv(path, index=False, encoding="utf-8", errors="replace")
    _accepted_or_refused(path, loss_unit=unit)

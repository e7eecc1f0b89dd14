"""A table's numbers come through unchanged and in the right unit, or not at all."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from bayeslaw.errors import RunsError
from bayeslaw.runs import check_runs, load_runs
from tests.properties.strategies import labels, tables

FORMATS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "jsonl": lambda frame, path: path.write_text(
        "\n".join(map(json.dumps, frame.to_dict("records"))), encoding="utf-8"
    ),
    "parquet": lambda frame, path: frame.to_parquet(path),
}
NUMBERS = ["params", "tokens", "loss"]


@pytest.mark.parametrize("suffix", FORMATS)
@given(frame=tables())
def test_a_legal_table_comes_through_every_format(tmp_path, suffix, frame):
    path = tmp_path / f"runs.{suffix}"
    FORMATS[suffix](frame, path)
    table = load_runs(path).table
    assert table["family"].tolist() == frame["family"].tolist()
    np.testing.assert_allclose(table[NUMBERS], frame[NUMBERS], rtol=1e-14)
    np.testing.assert_allclose(table["flops"], 6 * table["params"] * table["tokens"], rtol=1e-14)
    assert all(table[name].dtype == np.float64 for name in (*NUMBERS, "flops", "loss_sd"))


@given(tables(), st.floats(2.0, 6.0))
def test_losses_of_every_unit_are_the_same_nats(frame, bytes_per_token):
    nats = load_runs(frame).table["loss"]
    ppl = load_runs(frame.assign(loss=np.exp(frame["loss"])), loss_unit="ppl")
    bpb = frame.assign(loss=frame["loss"] / np.log(2) / bytes_per_token)
    bits = load_runs(bpb, loss_unit="bpb", bytes_per_token=bytes_per_token)
    np.testing.assert_allclose(ppl.table["loss"], nats, rtol=1e-12)
    np.testing.assert_allclose(bits.table["loss"], nats, rtol=1e-12)
    assert any("perplexity" in note for note in ppl.notes)
    assert any("bits per byte" in note for note in bits.notes)


@given(tables())
def test_perplexity_is_not_taken_for_nats(frame):
    spoilt = frame.assign(loss=np.exp(frame["loss"] + 2.5))  # 40 and more
    with pytest.raises(RunsError, match="--loss-unit ppl"):
        load_runs(spoilt)


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(frame, random):
    order = list(frame.index)
    random.shuffle(order)
    columns = list(frame)
    random.shuffle(columns)
    first = load_runs(frame).table[["family", *NUMBERS]].iloc[order].reset_index(drop=True)
    second = load_runs(frame.loc[order, columns]).table[["family", *NUMBERS]]
    pd.testing.assert_frame_equal(first, second)


@given(st.sampled_from(["7", "70.5", "6.7", "130"]), st.sampled_from("KMBTkmbt"), st.booleans())
def test_suffixes_and_exponents_say_the_same(digits, suffix, spaced):
    power = {"K": 3, "M": 6, "B": 9, "T": 12}[suffix.upper()]
    frame = {"family": "a", "params": [f"{digits}{' ' * spaced}{suffix}"], "tokens": "1e9"}
    runs = load_runs(pd.DataFrame(frame | {"loss": 3.0}))
    assert runs.table["params"].item() == float(f"{digits}e{power}")


@given(labels)
def test_a_label_is_kept_as_it_is_and_never_read(label):
    frame = pd.DataFrame({"family": [label] * 2, "params": [1e8, 2e8], "tokens": 1e9, "loss": 3.0})
    runs = load_runs(frame)
    assert runs.families == [label]
    told = [f for f in check_runs(runs) if f.code == "formula"]
    assert bool(told) == label.startswith(("=", "+", "-", "@"))


@given(tables(), st.data())
def test_one_bad_number_refuses_the_table(frame, data):
    name = data.draw(st.sampled_from(NUMBERS))
    row = data.draw(st.integers(0, len(frame) - 1))
    bad = data.draw(
        st.sampled_from(["", "nan", "inf", "-1", "0", "1,5", "x", "1e999", "=1", "1 2"])
    )
    cells = frame[name].astype(object)
    cells.iloc[row] = bad
    with pytest.raises(RunsError, match=rf"column '{name}'.*row {row + 1}\b"):
        load_runs(frame.assign(**{name: cells}))

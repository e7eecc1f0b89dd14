"""Tables load alike from every format, under common names, in three units."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from bayeslaw.errors import RunsError
from bayeslaw.runs import Runs, load_runs

ROWS = {
    "family": ["a", "a", "b"],
    "params": [1e8, 2e8, 4e8],
    "tokens": [2e9, 4e9, 8e9],
    "loss": [3.9, 3.6, 3.3],
}
FRAME = pd.DataFrame(ROWS)


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def csv(**options):
    return FRAME.to_csv(index=False, **options)


def json_lines():
    return FRAME.to_json(orient="records", lines=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", csv()),
        ("a.csv", csv(sep=";")),
        ("a.csv", csv(sep="\t")),
        ("a.tsv", csv(sep="\t")),
        ("a.csv", csv(lineterminator="\r\n")),
        ("a.csv", csv().encode("utf-8-sig")),
        ("a.csv", csv().replace("\n", "\n\n")),
        ("a.csv", csv(quoting=1)),
        ("a.csv.gz", gzip.compress(csv().encode(), mtime=0)),
        ("a.jsonl", json_lines()),
        ("a.ndjson", json_lines()),
        ("a.jsonl.gz", gzip.compress(json_lines().encode(), mtime=0)),
        ("no_suffix", json_lines()),
        ("no_suffix", csv()),
    ],
)
def test_every_text_format_gives_the_same_runs(tmp_path, name, text):
    runs = load_runs(write(tmp_path, name, text))
    assert runs == load_runs(FRAME)
    assert runs.source == name


def test_parquet_gives_the_same_runs(tmp_path):
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.to_parquet(tmp_path / "data")
    assert load_runs(tmp_path / "a.parquet") == load_runs(FRAME)
    assert load_runs(str(tmp_path / "data")) == load_runs(FRAME)


def test_the_format_can_be_said(tmp_path):
    path = write(tmp_path, "a.dat", csv())
    assert load_runs(path, format="csv") == load_runs(FRAME)
    with pytest.raises(RunsError, match="format 'xml' is unknown; expected one of csv"):
        load_runs(path, format="xml")


def test_a_complete_table_has_every_column_filled():
    table = load_runs(FRAME).table
    assert list(table) == [
        "family", "lab", "run", "seed", "params", "tokens", "flops", "loss", "loss_sd", "final",
    ]  # fmt: skip
    assert table["lab"].tolist() == ROWS["family"]
    assert table["run"].tolist() == ["a/0001", "a/0002", "b/0003"]
    assert table["seed"].tolist() == ["0"] * 3
    assert table["flops"].tolist() == [1.2e18, 4.8e18, 1.92e19]
    assert table["loss_sd"].tolist() == [0.0] * 3
    assert table["final"].tolist() == [True] * 3


def test_integer_counts_do_not_overflow_in_flops():
    frame = FRAME.assign(params=[10**11] * 3, tokens=[10**13, 2 * 10**13, 3 * 10**13])
    assert load_runs(frame).table["flops"].tolist() == [6e24, 12e24, 18e24]


@pytest.mark.parametrize(
    ("found", "canonical"),
    [
        ("N", "params"), ("n_params", "params"), ("Num_Params", "params"), ("PARAMETERS", "params"),
        ("model size", "params"), ("D", "tokens"), ("n-tokens", "tokens"),
        ("tokens_seen", "tokens"), ("train_tokens", "tokens"), ("val_loss", "loss"),
        ("eval_loss", "loss"), ("Validation Loss", "loss"), ("model_family", "family"),
        ("group", "family"), ("Loss", "loss"),
    ],
)  # fmt: skip
def test_a_common_name_is_recognised_and_reported(found, canonical):
    runs = load_runs(FRAME.rename(columns={canonical: found}))
    assert runs == load_runs(FRAME)
    assert f"column '{found}' read as {canonical}" in runs.notes


@pytest.mark.parametrize("found", ["C", "compute", "FLOP"])
def test_compute_is_recognised(found):
    assert load_runs(FRAME.assign(**{found: 7e18})).table["flops"].tolist() == [7e18] * 3


def test_a_mapping_wins_over_what_is_recognised():
    frame = FRAME.assign(N=[1e6, 2e6, 3e6], mine=[3.0, 2.9, 2.8])
    runs = load_runs(frame, rename={"params": "N", "loss": "mine"})
    assert runs.table["params"].tolist() == [1e6, 2e6, 3e6]
    assert runs.table["loss"].tolist() == [3.0, 2.9, 2.8]
    # The columns they displaced are kept.
    assert runs.table["params_in_file"].tolist() == ROWS["params"]
    assert runs.table["loss_in_file"].tolist() == ROWS["loss"]


def test_other_columns_are_kept_as_numbers_or_text():
    frame = FRAME.assign(unique_tokens=["55B", "1e9", ""], note=["x", "", "z"], ok=[True] * 3)
    table = load_runs(frame).table
    np.testing.assert_array_equal(table["unique_tokens"], [5.5e10, 1e9, np.nan])
    assert table["note"].tolist() == ["x", "", "z"]
    assert table["ok"].tolist() == ["true"] * 3


def test_rows_that_differ_in_a_law_input_are_no_repeats():
    frame = pd.concat([FRAME.assign(unique_tokens=1e9), FRAME.assign(unique_tokens=2e9)])
    assert len(load_runs(frame)) == 6


def test_perplexity_becomes_nats_with_its_standard_deviation():
    nats = load_runs(FRAME.assign(loss_sd=0.01)).table
    frame = FRAME.assign(loss=np.exp(FRAME["loss"]), loss_sd=0.01 * np.exp(FRAME["loss"]))
    runs = load_runs(frame, loss_unit="ppl")
    np.testing.assert_allclose(runs.table["loss"], nats["loss"], rtol=1e-12)
    np.testing.assert_allclose(runs.table["loss_sd"], nats["loss_sd"], rtol=1e-12)
    assert "loss converted from perplexity to nats" in runs.notes


def test_nats_taken_for_perplexity_are_doubted():
    notes = load_runs(FRAME, loss_unit="ppl").notes
    assert any("was the loss nats already" in note for note in notes)


def test_bits_per_byte_become_nats():
    frame = FRAME.assign(loss=1.0, loss_sd=0.1)
    table = load_runs(frame, loss_unit="bpb", bytes_per_token=4.0).table
    np.testing.assert_allclose(table["loss"], 4 * np.log(2))
    np.testing.assert_allclose(table["loss_sd"], 0.4 * np.log(2))


def test_bytes_per_token_without_bits_per_byte_are_refused():
    with pytest.raises(RunsError, match="pass --loss-unit bpb too"):
        load_runs(FRAME, bytes_per_token=4.0)
    with pytest.raises(RunsError, match="loss_unit 'bits' is unknown"):
        load_runs(FRAME, loss_unit="bits")


@pytest.mark.parametrize("stated", ["nats", "nats/token", ""])
def test_a_unit_column_that_agrees_is_dropped(stated):
    assert load_runs(FRAME.assign(loss_unit=stated)) == load_runs(FRAME)


def test_empty_optional_cells_take_the_default_and_are_reported():
    frame = FRAME.assign(
        lab=["x", "", ""], seed=[1, np.nan, 2], flops=[np.nan, 5e18, np.nan], run=["r", "", ""]
    )
    runs = load_runs(frame)
    assert runs.table["lab"].tolist() == ["x", "x", "b"]
    assert runs.table["seed"].tolist() == ["1", "0", "2"]
    assert runs.table["flops"].tolist() == [1.2e18, 5e18, 1.92e19]
    assert runs.table["run"].tolist() == ["r", "a/0002", "b/0003"]
    assert "column 'seed' is empty on 1 rows: filled with '0'" in runs.notes


def test_run_labels_shared_between_families_or_seeds_are_qualified():
    frame = pd.concat([FRAME.assign(run="r", params=1e8, seed=seed) for seed in (0, 1)])
    runs = load_runs(frame)
    assert runs.n_runs == 4
    assert set(runs.table["run"]) == {"a/r/seed-0", "a/r/seed-1", "b/r/seed-0", "b/r/seed-1"}
    assert len([note for note in runs.notes if "qualified" in note]) == 2


def test_the_last_row_of_a_run_is_final_unless_said():
    frame = FRAME.assign(run="r", family="a", params=1e8)
    assert load_runs(frame).table["final"].tolist() == [False, False, True]
    given = load_runs(frame.assign(final=["yes", "0", ""]))
    assert given.table["final"].tolist() == [True, False, False]


def test_json_numbers_and_texts_may_mix(tmp_path):
    rows = [
        {"family": "a", "params": "100M", "tokens": 2_000_000_000, "loss": 3.9},
        {"family": "a", "params": 2e8, "tokens": "4B", "loss": "3.6", "lr": 1e-3},
    ]
    path = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    table = load_runs(path).table
    assert table["params"].tolist() == [1e8, 2e8]
    np.testing.assert_array_equal(table["lr"], [np.nan, 1e-3])


def test_categories_nullable_numbers_and_any_index_load():
    frame = FRAME.assign(
        family=FRAME["family"].astype("category"),
        params=FRAME["params"].astype("Int64"),
        loss=FRAME["loss"].astype("Float32"),
    ).set_index(pd.Index([7, 7, 9]))
    assert load_runs(frame).table["params"].tolist() == ROWS["params"]


def test_named_index_levels_are_columns():
    frame = FRAME.set_index(["family", "params"])
    assert load_runs(frame) == load_runs(FRAME)


def test_loading_leaves_its_source_alone():
    frame = FRAME.rename(columns={"params": "N"}).assign(loss=["3.9", "3.6", "3.3"])
    before = frame.copy()
    load_runs(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_runs_load_as_themselves():
    runs = load_runs(FRAME)
    assert load_runs(runs) is runs
    assert isinstance(runs, Runs)
    with pytest.raises(RunsError, match="already in nats"):
        load_runs(runs, loss_unit="ppl")


def test_a_saved_table_loads_back_as_the_same_runs(tmp_path):
    frame = FRAME.assign(run=["r", "r", "s"], params=[1e8, 1e8, 4e8], unique_tokens=[1e9, 2e9, 3e9])
    runs = load_runs(frame)
    runs.table.to_csv(tmp_path / "again.csv", index=False)
    assert load_runs(tmp_path / "again.csv") == runs

"""Public data sets: shipped ones load anywhere, the others only with the right checksum."""

import hashlib
import socket

import numpy as np
import pandas as pd
import pooch
import pytest

from bayeslaw.errors import DataError
from bayeslaw.runs.datasets import (
    dataset_frame,
    dataset_path,
    datasets,
    datasets_table,
    get_dataset,
    load_dataset,
)
from bayeslaw.runs.fetch import embedded_folder

EMBEDDED = [d.name for d in datasets() if d.embedded]
LOCAL = [d.name for d in datasets() if d.local]
RUNS = [d.name for d in datasets() if d.kind == "runs"]
#: Transcribed figures; what the package simulates itself has no paper to cite.
SHIPPED_FILES = sorted(
    path.name for path in embedded_folder().glob("*.csv") if not path.name.startswith("simulated")
)


@pytest.fixture
def offline(monkeypatch):
    """No data folder and no network."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a shipped data set touched the network")

    monkeypatch.delenv("BAYESLAW_DATA_DIR", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def local_data(data_dir, monkeypatch):
    monkeypatch.setenv("BAYESLAW_DATA_DIR", str(data_dir))


def left_out(dataset):
    return [f"left out {e.rows} rows: {e.reason}" for e in dataset.exclusions]


# --- the registry -----------------------------------------------------------------------------


def test_names_are_unique():
    names = [dataset.name for dataset in datasets()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("dataset", datasets(), ids=lambda d: d.name)
def test_every_set_states_its_licence_paper_and_a_place_to_get_it(dataset):
    assert dataset.title and dataset.paper and dataset.licence and dataset.rows > 0
    if dataset.embedded:
        assert dataset.licence != "none"
        assert dataset.upstream is None
    else:
        assert dataset.url.startswith("https://")
        assert dataset.local
        assert len(dataset.local_sha256) == 64


@pytest.mark.parametrize("dataset", datasets(), ids=lambda d: d.name)
def test_a_pinned_checksum_belongs_to_one_file_at_one_commit(dataset):
    if dataset.sha256 is not None:
        assert len(dataset.sha256) == 64
        assert dataset.url.startswith("https://raw.githubusercontent.com/")
        commit = dataset.upstream.partition("@")[2].partition(":")[0]
        assert len(commit) == 40


@pytest.mark.parametrize("dataset", datasets(), ids=lambda d: d.name)
def test_every_exclusion_has_a_reason_and_a_count(dataset):
    assert all(e.reason and e.rows > 0 for e in dataset.exclusions)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(DataError, match="did you mean 'chinchilla_epoch'"):
        get_dataset("chinchila_epoch")


def test_the_listing_has_one_row_per_set_and_a_checksum_of_each_shipped_file():
    table = datasets_table()
    assert list(table["name"]) == [dataset.name for dataset in datasets()]
    shipped = table[table["embedded"]]
    assert shipped["sha256"].str.len().eq(64).all()
    assert shipped["size"].gt(0).all()


# --- shipped tables ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", EMBEDDED)
def test_shipped_sets_need_no_network_and_no_environment(name, offline):
    dataset = get_dataset(name)
    if dataset.kind == "runs":
        assert len(load_dataset(name)) == dataset.rows
    else:
        assert len(dataset_frame(name)) == dataset.rows


@pytest.mark.parametrize("file", SHIPPED_FILES)
def test_every_shipped_row_names_its_source(file):
    source = pd.read_csv(embedded_folder() / file, dtype=str, keep_default_na=False)["source"]
    assert source.str.strip().ne("").all()


def test_every_shipped_file_is_described_in_the_readme():
    readme = (embedded_folder() / "README.md").read_text(encoding="utf-8")
    assert [file for file in SHIPPED_FILES if f"`{file}`" not in readme] == []


def test_published_families_are_one_evaluation_one_tokenizer_and_one_parameter_count():
    table = dataset_frame("published_all")
    for column in ("level_group", "eval_set", "tokenizer", "params_kind", "lab"):
        assert table.groupby("family")[column].nunique().eq(1).all(), column
    assert table["params"].le(table["params_total"]).all()
    assert not table["family"].str.contains(",").any()  # names go into --families A,B


def test_published_leaves_out_only_what_it_declares():
    everything, runs = load_dataset("published_all"), load_dataset("published")
    declared = sum(exclusion.rows for exclusion in get_dataset("published").exclusions)
    assert len(everything) - len(runs) == declared
    assert [note for note in left_out(get_dataset("published")) if note not in runs.notes] == []


def test_published_has_families_with_several_sizes_and_labs_with_several_families():
    table = load_dataset("published").table
    sizes = table.groupby("family")["params"].nunique()
    assert sizes.min() >= 2
    assert (sizes >= 3).sum() >= 14
    assert table.groupby("lab")["family"].nunique().max() >= 4
    assert np.isfinite(table["flops"]).all()


def test_the_provenance_is_in_the_notes():
    runs = load_dataset("published")
    assert runs.source == "published"
    assert any("licence" in note for note in runs.notes)


# --- sets that stay on the user's machine -----------------------------------------------------


def test_a_set_without_a_verified_checksum_is_not_downloaded(offline):
    with pytest.raises(DataError, match=r"no verified checksum.*IBM/ColPret.*load_runs"):
        load_dataset("colpret")


def test_a_failed_download_says_where_from(monkeypatch, offline):
    def fail(*_args, **_kwargs):
        raise ValueError("SHA256 hash does not match")

    monkeypatch.setattr(pooch, "retrieve", fail)
    with pytest.raises(DataError, match=r"raw\.githubusercontent\.com.*does not match"):
        load_dataset("chinchilla_epoch")


def test_the_upstream_column_layout_is_understood(monkeypatch, tmp_path, offline):
    asked = {}

    def fetch(url, known_hash, **_kwargs):
        asked.update(url=url, known_hash=known_hash)
        path = tmp_path / "upstream.csv"
        path.write_text("Model Size,Training FLOP,loss\n1e9,6e19,2.75\n2e9,1.2e20,2.6\n")
        return str(path)

    monkeypatch.setattr(pooch, "retrieve", fetch)
    table = load_dataset("chinchilla_epoch").table
    assert table["tokens"].to_numpy() == pytest.approx([1e10, 1e10])
    assert asked["known_hash"] == f"sha256:{get_dataset('chinchilla_epoch').sha256}"
    assert "92258837" in asked["url"]


def test_a_changed_local_file_is_refused_with_both_checksums(monkeypatch, tmp_path):
    dataset = get_dataset("porian")
    path = tmp_path / dataset.local
    path.parent.mkdir()
    path.write_text("changed")
    monkeypatch.setenv("BAYESLAW_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError) as error:
        dataset_path("porian")
    assert hashlib.sha256(b"changed").hexdigest() in str(error.value)
    assert dataset.local_sha256 in str(error.value)


def test_an_option_the_set_does_not_offer_is_refused():
    with pytest.raises(DataError, match="has no option 'split'; it has: loss"):
        load_dataset("gadre_overtrain", split="val")
    with pytest.raises(DataError, match="choose one of: c4_val, openlm_val"):
        load_dataset("gadre_overtrain", loss="pile")


def test_a_table_that_is_not_runs_points_to_its_reader():
    with pytest.raises(DataError, match=r"dataset_frame\('downstream'\)"):
        load_dataset("downstream")


@pytest.mark.parametrize("name", LOCAL)
def test_local_sets_have_the_declared_rows_and_exclusions(name, local_data):
    dataset = get_dataset(name)
    if dataset.kind == "table":
        assert len(dataset_frame(name)) == dataset.rows
        return
    runs = load_dataset(name)
    assert len(runs) == dataset.rows
    assert [note for note in left_out(dataset) if note not in runs.notes] == []
    assert all(runs.table[c].dtype == np.float64 for c in ("params", "tokens", "flops", "loss"))


def test_colpret_clean_has_thirty_families(local_data):
    assert len(load_dataset("colpret_clean").families) == 30


def test_checkpoints_of_one_model_share_a_run(local_data):
    runs = load_dataset("colpret_clean")
    assert runs.table.groupby("run")["params"].nunique().eq(1).all()
    assert runs.table.loc[runs.table["family"] != "Chinchilla", "run"].nunique() == 145


def test_curves_that_share_a_log_file_are_told_apart(local_data):
    table = load_dataset("modded_nanogpt").table
    assert not table.duplicated(["run", "tokens"]).any()
    assert table["run"].nunique() == 548


def test_annealed_branches_are_runs_of_their_own(local_data):
    cooled = load_dataset("gemstones", phase="cooldown_end")
    assert cooled.n_runs == len(cooled) == 199
    assert load_dataset("gemstones").n_runs == 22


def test_choices_that_no_row_satisfies_are_refused(local_data):
    with pytest.raises(DataError, match="no rows with loss='val_dclm', phase='cooldown_end'"):
        load_dataset("gemstones", loss="val_dclm", phase="cooldown_end")


def test_the_loss_column_can_be_chosen_and_brings_its_measurement_error(local_data):
    default, other = (load_dataset("gadre_overtrain", loss=k) for k in ("c4_val", "openlm_val"))
    assert not np.allclose(default.table["loss"], other.table["loss"])
    assert (default.table["loss_sd"] > 0).all()
    assert other.table["loss_sd"].median() > default.table["loss_sd"].median()

"""Logs of other tools become runs once parameters and tokens are known."""

import json

import pytest

from bayeslaw.errors import RunsError
from bayeslaw.runs import load_runs, load_trainer_state, load_wandb

EXPORT = """"Step","small - val/loss","small - val/loss__MIN","big - x - val/loss"
"0","10.8","10.8",""
"100","4.1","4.1","3.9"
"200","3.8","3.8",""
"300","","","3.4"
"""
PARAMS = {"small": "100M", "big - x": 1e9}


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "wandb.csv"
    path.write_text(EXPORT)
    return path


@pytest.fixture
def trainer(tmp_path):
    def write(*entries, **state):
        folder = tmp_path / "my-run"
        folder.mkdir(exist_ok=True)
        path = folder / "trainer_state.json"
        path.write_text(json.dumps({"log_history": list(entries)} | state))
        return path

    return write


def test_a_wandb_export_is_one_run_per_column(export):
    runs = load_wandb(export, params=PARAMS, tokens_per_step="1M", family="ours")
    table = runs.table
    assert table["run"].tolist() == ["small", "small", "big - x", "big - x"]
    assert table["params"].tolist() == [1e8, 1e8, 1e9, 1e9]
    assert table["tokens"].tolist() == [1e8, 2e8, 1e8, 3e8]
    assert table["loss"].tolist() == [4.1, 3.8, 3.9, 3.4]
    assert table["final"].tolist() == [False, True, False, True]
    assert runs.families == ["ours"] and runs.source == "wandb.csv"
    assert "1 losses at step 0 left out: no tokens seen yet" in runs.notes


def test_a_wandb_axis_may_count_tokens(export):
    export.write_text(EXPORT.replace("Step", "tokens"))
    runs = load_wandb(export, params=1e8, family={"small": "s", "big - x": "b"})
    assert runs.table["tokens"].tolist() == [100, 200, 100, 300]
    assert runs.families == ["s", "b"]


@pytest.mark.parametrize(
    ("edit", "arguments", "reason"),
    [
        (("", ""), {"params": {"small": 1e8}}, "params has no entry for run 'big - x'"),
        (("", ""), {"tokens_per_step": None}, "pass tokens_per_step="),
        (("", ""), {"params": "huge"}, "'huge' is not a number"),
        (("", ""), {"metric": "train/loss"}, "holds metrics 'val/loss', not 'train/loss'"),
        (("big - x - val/loss", "big - acc"), {}, "choose one with metric="),
        (("Step", "Wall"), {}, "no Weights & Biases export"),
        (('"3.8","3.8"', '"NaN","3.8"'), {}, "column 'loss': found 'NaN' .row 2."),
        (('"200"', '"soon"'), {}, "column 'Step': found 'soon' .row 3."),
        (('"200"', '""'), {}, "column 'Step': found '' .row 3."),
    ],
)
def test_a_wandb_export_that_lacks_something_is_refused(export, edit, arguments, reason):
    export.write_text(EXPORT.replace(*edit) if edit[0] else EXPORT)
    keywords = {"params": PARAMS, "tokens_per_step": 1e6, "family": "ours"} | arguments
    with pytest.raises(RunsError, match=reason):
        load_wandb(export, **keywords)


def test_a_wandb_metric_can_be_chosen(export):
    export.write_text(EXPORT.replace("big - x - val/loss", "big - acc"))
    runs = load_wandb(export, params=1e8, tokens_per_step=1e6, family="a", metric="val/loss")
    assert set(runs.table["run"]) == {"small"}


def test_a_trainer_state_is_one_run(trainer):
    path = trainer(
        {"step": 10, "loss": 5.0},
        {"step": 10, "eval_loss": 4.5},
        {"step": 20, "eval_loss": 4.0},
        {"step": 20, "eval_loss": 4.0},
        {"step": 20, "train_loss": 4.6},
    )
    runs = load_trainer_state(path, params="100M", family="ours", tokens_per_step=1e6)
    assert runs.table["loss"].tolist() == [4.5, 4.0]
    assert runs.table["tokens"].tolist() == [1e7, 2e7]
    assert set(runs.table["run"]) == {"my-run"}
    assert "1 repeated log entries left out" in runs.notes


def test_a_trainer_state_may_count_its_tokens(trainer):
    path = trainer({"step": 5, "loss": 5.0, "num_input_tokens_seen": 123_000_000})
    runs = load_trainer_state(path, params=1e8, family="ours", run="r")
    assert runs.table["tokens"].tolist() == [1.23e8]
    assert any("training loss" in note for note in runs.notes)


@pytest.mark.parametrize(
    ("entries", "arguments", "reason"),
    [
        ([{"step": 1, "eval_loss": 3.0}], {}, "counts no tokens; .* tokens_per_step="),
        ([{"eval_loss": 3.0}], {"tokens_per_step": 1e6}, "has step 'None'; expected a number"),
        ([{"step": 1, "lr": 3.0}], {}, "has no 'eval_loss'"),
        ([{"step": 1, "eval_a_loss": 3}], {}, "found 'eval_a_loss'; choose one with metric="),
        ([], {}, "no entries in log_history"),
        ([3], {}, "no entries in log_history"),
        (
            [{"step": 1, "eval_loss": 3.0}, {"step": 1, "eval_loss": 3.1}],
            {"tokens_per_step": 1e6},
            "rows 1 and 2 .*different losses",
        ),
        ([{"step": 1, "eval_loss": None}], {"tokens_per_step": 1e6}, "a value on every row"),
        ([{"step": 1, "eval_loss": -3}], {"tokens_per_step": 1e6}, "above 0"),
    ],
)
def test_a_trainer_state_that_lacks_something_is_refused(trainer, entries, arguments, reason):
    with pytest.raises(RunsError, match=reason):
        load_trainer_state(trainer(*entries), params=1e8, family="ours", **arguments)


def test_a_file_that_is_no_trainer_state_is_refused(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("{")
    with pytest.raises(RunsError, match="not valid JSON"):
        load_trainer_state(path, params=1e8, family="ours")
    path.write_text("[]")
    with pytest.raises(RunsError, match="no entries in log_history"):
        load_trainer_state(path, params=1e8, family="ours")


def test_load_runs_points_to_the_right_loader(trainer, export):
    with pytest.raises(RunsError, match=r"use load_trainer_state\(path, params="):
        load_runs(trainer({"step": 1}))
    with pytest.raises(RunsError, match=r"use load_wandb\(path, params="):
        load_runs(export)

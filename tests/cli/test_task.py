"""Truths about the task commands: what they print, what they write, and what they refuse."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bayeslaw.cli import app
from tests.benchmarks.tasks_simulated import pass_counts, skill_frame, task_frame

runner = CliRunner()


def task(*arguments):
    return runner.invoke(app, ["task", *[str(a) for a in arguments]])


def written(path):
    return json.loads(path.read_text())


def csv(folder, frame, name="table.csv"):
    frame.to_csv(folder / name, index=False)
    return folder / name


@pytest.fixture
def skill_table(tmp_path):
    frame, _ = skill_frame(np.random.default_rng(21), families=5, models=3)
    frame.loc[[2, 5], "logic"] = None
    return csv(tmp_path, frame)


@pytest.fixture
def task_table(tmp_path):
    return csv(tmp_path, task_frame(np.random.default_rng(12))[0])


@pytest.fixture
def pass_table(tmp_path):
    counts = pass_counts(np.random.default_rng(3), instances=10)
    return csv(
        tmp_path,
        pd.DataFrame({"N": counts.params, "passes": counts.passes, "samples": counts.samples}),
    )


@pytest.fixture
def score_table(tmp_path):
    frame = {"flops": [1e20, 1e21, 1e22, 1e23], "share": [0, 0, 0.02, 0.8], "items": 2000}
    return csv(tmp_path, pd.DataFrame(frame))


ITEMS = "reading=2000,logic=2000,facts=2000"


def test_skills_fills_the_gaps_and_writes_them(skill_table, tmp_path):
    path = tmp_path / "out.json"
    found = task("skills", skill_table, "--items", ITEMS, "--skills", 1, "--choose", 3,
                 "--json", path)  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "m0-2" in found.output and "evaluate: " in found.output
    record = written(path)
    assert record["command"] == "task skills" and record["skills"] == 1
    assert {(f["model"], f["benchmark"]) for f in record["forecasts"]} == {
        ("m0-2", "logic"), ("m1-2", "logic")
    }  # fmt: skip
    cell = record["forecasts"][0]
    low, high = cell["intervals"]["90"]
    assert 0 <= low <= cell["median"] <= high <= 1 and cell["family"] == "f0"
    assert list(cell["intervals"]) == ["50", "80", "90", "95"]
    assert [b["name"] for b in record["benchmarks"]] == ["reading", "logic", "facts"]
    assert len(record["subset"]["models"]) == 3
    assert record["subset"]["variance"] >= record["subset"]["variance_all"]
    assert record["health"]["ok"] is True


def test_skills_chooses_their_number_inside_the_table(skill_table, tmp_path):
    path = tmp_path / "out.json"
    assert task("skills", skill_table, "--items", ITEMS, "--json", path).exit_code == 0
    record = written(path)
    assert set(record["skills_score"]) == {"1", "2", "3"}
    assert record["skills"] == int(min(record["skills_score"], key=record["skills_score"].get))


def test_loss_to_task_forecasts_in_two_steps(task_table, tmp_path):
    path = tmp_path / "out.json"
    found = task("loss-to-task", task_table, "--target", "params=20B,tokens=400B", "--chance", 0.25,
                 "--family", "ours", "--engine", "quadrature", "--json", path)  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "leaves chance below a loss of" in found.output and "20B" in found.output
    record = written(path)
    assert {"threshold_loss", "change_point_loss", "p_change_point", "shape", "chance", "law",
            "size_that_leaves_chance", "health", "forecasts"} <= set(record)  # fmt: skip
    (forecast,) = record["forecasts"]
    low, high = forecast["intervals"]["90"]
    assert 0.25 < low < forecast["median"] < high <= 1
    assert forecast["family"] == "ours" and forecast["loss"]["sd"] > 0


def test_loss_to_task_without_a_target_fits_the_curve_alone(task_table, tmp_path):
    path = tmp_path / "out.json"
    assert task("loss-to-task", task_table, "--chance", 0.25, "--json", path).exit_code == 0
    assert written(path)["forecasts"] == [] and "law" not in written(path)


def test_passes_forecasts_a_rare_success(pass_table, tmp_path):
    path = tmp_path / "out.json"
    found = task("passes", pass_table, "--map", "params=N", "--target", "2.4B", "--json", path)
    assert found.exit_code == 0, found.output
    assert "exponent" in found.output and "2.4B" in found.output
    record = written(path)
    assert len(record["rates"]) == 5 and record["forecasts"][0]["params"] == 2.4e9
    assert 0 <= record["p_accelerated"] <= 1
    assert record["verdict"] in ("as the law", "accelerated", "decelerated")
    assert record["exponent"]["intervals"]["90"][0] < 0.3 < record["exponent"]["intervals"]["90"][1]


def test_emergence_gives_a_threshold_with_an_interval(score_table, tmp_path):
    path = tmp_path / "out.json"
    found = task("emergence", score_table, "--json", path)
    assert found.exit_code == 0, found.output
    assert "half way up at" in found.output
    low, high = written(path)["threshold_flops"]["intervals"]["90"]
    assert 1e22 < low < high < 1e23
    assert {"leaves_chance_flops", "p_sharp", "prior_decides", "chance"} <= set(written(path))


def test_emergence_tells_a_mirage_with_a_length(tmp_path):
    n = np.geomspace(1e7, 1e11, 9)
    p = np.exp(-((n / 1e9) ** -0.35))
    table = csv(tmp_path, pd.DataFrame({"params": n, "share": p, "items": 50_000}))
    path = tmp_path / "out.json"
    found = task("emergence", table, "--length", 5, "--json", path)
    assert found.exit_code == 0, found.output
    assert found.output.startswith("metric: P(break per token) 0.")
    record = written(path)
    assert record["verdict"] == "metric" and record["looks_sharp"] is True
    assert record["p_break"] + record["p_smooth"] == pytest.approx(1)
    assert len(record["exact_match"]) == 9


@pytest.mark.parametrize("command", ["skills", "loss-to-task", "passes", "emergence"])
def test_a_table_that_is_not_there_or_lacks_columns_is_refused(command, tmp_path):
    path = tmp_path / "out.json"
    found = task(command, tmp_path / "nothing.csv", "--json", path)
    assert found.exit_code == 2 and "no file" in found.stderr
    found = task(command, csv(tmp_path, pd.DataFrame({"x": [1, 2]})), "--json", path)
    assert found.exit_code == 2 and "'x'" in found.stderr
    assert not path.exists() and "Traceback" not in found.output + found.stderr


def test_flags_that_make_no_sense_are_refused(skill_table, task_table, pass_table, score_table):
    # The fixtures share one file, so the last one written is the table of scores.
    for arguments, message in (
        (["emergence", score_table, "--chance", 1.5], "chance is 1.5"),
        (["emergence", score_table, "--map", "share=nothing"], "nothing"),
        (["skills", score_table, "--items", "x"], "'x' is no pair"),
        (["loss-to-task", score_table, "--target", "params=7B"], "expected params and tokens"),
        (["passes", score_table, "--target", "soon"], "soon"),
    ):
        found = task(*arguments)
        assert found.exit_code == 2, arguments
        assert message in found.stderr, arguments


def test_a_score_that_is_no_share_is_refused_by_its_row(tmp_path):
    table = {"flops": [1e20, 1e21, 1e22], "share": [0, 50, 90], "items": 100}
    found = task("emergence", csv(tmp_path, pd.DataFrame(table)))
    assert found.exit_code == 2
    assert "'share'" in found.stderr and "divide percentages by 100" in found.stderr

"""The command replicate: a table, a verdict and JSON for every system asked for."""

import json

from typer.testing import CliRunner

from bayeslaw.cli import app

run = CliRunner().invoke


def test_one_system_is_printed_and_written(tmp_path):
    path = tmp_path / "palm2.json"
    done = run(app, ["replicate", "palm2", "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "verdict: agrees" in done.stdout and "equal proportions" in done.stdout
    (system,) = json.loads(path.read_text())["systems"]
    assert system["system"] == "palm2" and system["verdict"] == "agrees"
    keys = {"what", "paper", "estimator", "ours", "agrees", "rule", "note"}
    assert all(set(claim) == keys for claim in system["claims"])


def test_missing_data_is_a_verdict_and_no_failure(monkeypatch):
    monkeypatch.delenv("BAYESLAW_DATA_DIR", raising=False)
    done = run(app, ["replicate", "porian2024"])
    assert done.exit_code == 0 and "verdict: data not here" in done.stdout


def test_an_unknown_system_is_bad_input():
    done = run(app, ["replicate", "porian"])
    assert done.exit_code == 2 and "did you mean 'porian2024'" in done.output

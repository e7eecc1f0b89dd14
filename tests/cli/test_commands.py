"""What the commands write and print, from one fit."""

import json
import os
import stat
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from weakref import WeakKeyDictionary

import pytest
from typer.testing import CliRunner

import bayeslaw
from bayeslaw.cli import app, demonstration
from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.scoring import CalibrationCard

TARGETS = ["--target", "params=70B,tokens=1.4T", "--target", "params=2e9,tokens=4e10"]
SUMMARY = {"median", "mean", "sd", "intervals"}
FAST = ["--draws", "200", "--tune", "200", "--chains", "2", "--discrepancy", "none"]


def run(*arguments, code=0, **environment):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def table(folder):
    """One family whose name would be markup, were it read as such."""
    truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    sizes = [5e7, 5e7, 2e8, 2e8, 1e9, 1e9]
    tokens = [1e9, 4e9, 4e9, 1.6e10, 2e10, 8e10]
    runs = bayeslaw.simulate("chinchilla", truth, params=sizes, tokens=tokens, family="o[bold]x")
    path = folder / "runs.csv"
    runs.table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(folder, table):
    """The only real fit, made by the command; so few draws cannot pass the health gate."""
    out, result = folder / "fit.nc", folder / "fit.json"
    brief = [*FAST, "--engine", "collapsed"]
    done = run("fit", table, *brief, "--out", out, "--json", result, "--seed", 3, code=1)
    return SimpleNamespace(path=out, json=json.loads(result.read_text()), done=done)


@pytest.fixture(scope="module")
def stored(fitted):
    return bayeslaw.load_fit(fitted.path)


def test_check_reports_what_was_read(table):
    done = run("check", table, "--json", "-")
    record = json.loads(done.stdout)
    assert list(record) == ["command", "version", "seed", "ok", "runs", "findings"]
    assert record["ok"] and record["runs"]["rows"] == 6
    assert record["runs"]["families"] == ["o[bold]x"]
    assert {"code", "severity", "message", "rows"} == set(record["findings"][0])
    assert "o[bold]x" in run("check", table).stdout
    assert run("check", table, "--quiet").output == ""


def test_a_fit_holds_what_the_contract_says(fitted):
    record = fitted.json
    assert record["command"] == "fit" and record["law"] == "chinchilla" and record["seed"] == 3
    assert record["version"] == bayeslaw.__version__
    assert set(record["seconds"]) == {"compile", "sample", "total"}
    parameters = record["parameters"]["o[bold]x"]
    assert list(parameters) == ["E", "A", "B", "alpha", "beta"]
    assert all(set(p) == SUMMARY and len(p["intervals"]) == 4 for p in parameters.values())
    assert record["population"] and record["references"]["params"] > 0


def test_an_unhealthy_fit_is_written_and_marked(fitted):
    assert fitted.json["health"]["ok"] is False and fitted.json["health"]["failures"]
    assert fitted.path.is_file()
    assert "NOT trustworthy" in fitted.done.stdout
    assert "NOT trustworthy" in fitted.done.stderr and "sample longer" in fitted.done.stderr
    assert "o[bold]x" in fitted.done.stdout


def test_a_forecast_from_a_stored_fit_is_the_same_to_the_byte(fitted, folder):
    first = run("forecast", fitted.path, *TARGETS, "--json", "-", code=1).stdout
    result = folder / "forecast.json"
    again = run("forecast", fitted.path, *TARGETS, "--json", result, code=1)
    assert result.read_text() == first
    assert (
        first != run("forecast", fitted.path, *TARGETS, "--json", "-", "--seed", 1, code=1).stdout
    )
    shown = " ".join(again.stdout.split())
    assert "70B" in shown and "times the largest compute seen" in shown
    assert "Warning" not in again.output
    record = json.loads(first)
    assert list(record) == ["command", "version", "law", "seed", "health", "forecasts"]
    keys = {"family", "known_family", "params", "tokens", "kind", "extrapolation_factor"}
    for forecast in record["forecasts"]:
        assert keys | SUMMARY <= set(forecast)
        assert forecast["intervals"]["90"][0] < forecast["median"] < forecast["intervals"]["90"][1]


def test_every_forecast_says_how_often_its_like_have_held(fitted, folder, monkeypatch):
    beside = fitted.path.with_suffix(".card.json")
    beside.unlink(missing_ok=True)
    first = json.loads(run("forecast", fitted.path, *TARGETS, "--json", "-", code=1).stdout)
    far, near = (forecast["calibration"] for forecast in first["forecasts"])
    assert near["supported"] and not far["supported"]
    assert near["own"]["n_families"] == 1 and set(near["own"]["coverage"]) == {
        "50",
        "80",
        "90",
        "95",
    }
    assert near["public"]["n_labs"] > 5
    kept = beside.read_text()
    # The second time nothing is fitted.
    monkeypatch.setattr("bayeslaw.scoring.own_ladder.backtest", None)
    monkeypatch.setattr("bayeslaw.scoring.own_ladder._MADE", WeakKeyDictionary())
    again = run("forecast", fitted.path, *TARGETS, code=1).stdout
    assert "On public ladders" in again and "nothing supports an interval" in again
    assert beside.read_text() == kept
    bare = run("forecast", fitted.path, *TARGETS, "--no-card", "--json", "-", code=1).stdout
    assert "calibration" not in json.loads(bare)["forecasts"][0]


def test_targets_come_from_a_table_and_families_may_be_new(fitted, folder):
    path = folder / "targets.csv"
    path.write_text("N,D,family,kind\n7B,140B,,mean\n1e9,2e10,o[bold]x,run\n")
    arguments = ["--targets", path, "--family", "[red]new", "--json", "-"]
    record = json.loads(run("forecast", fitted.path, *arguments, code=1).stdout)
    found = [(f["family"], f["known_family"], f["kind"]) for f in record["forecasts"]]
    assert found == [("[red]new", False, "mean"), ("o[bold]x", True, "run")]
    text = run("forecast", fitted.path, *arguments[:4], code=1).stdout
    assert "[red]new (new)" in text


@pytest.mark.parametrize(
    ("flags", "piece"),
    [
        (["--law", "kaplan"], "another model than --law"),
        (["--discrepancy", "gp"], "another model than --discrepancy"),
        (["--priors", "generic"], "another model than --priors"),
        (["--map", "loss=x", "--draws", "99"], "--map, --draws can have no effect"),
    ],
)
def test_a_stored_fit_refuses_flags_it_cannot_follow(fitted, flags, piece):
    assert piece in run("forecast", fitted.path, *TARGETS, *flags, code=2).stderr


def test_a_stored_fit_accepts_flags_that_change_nothing(fitted):
    flags = ["--law", "chinchilla", "--pool", "partial", "--jobs", "2"]
    run("forecast", fitted.path, *TARGETS, *flags, "--engine", "auto", "--quiet", code=1)


def test_a_truncated_fit_is_refused(fitted, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(fitted.path.read_bytes()[:5000])
    assert "is not a complete fit file" in run("forecast", path, *TARGETS, code=2).stderr


def test_the_terminal_decides_width_and_colour(fitted):
    for width in (60, 120):
        text = run("forecast", fitted.path, *TARGETS, code=1, COLUMNS=str(width)).stdout
        assert max(map(len, text.splitlines())) <= width
    forced = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert "\x1b[1" in run("forecast", fitted.path, *TARGETS, code=1, **forced).stdout
    plain = run("forecast", fitted.path, *TARGETS, code=1, NO_COLOR="1", **forced).stdout
    assert "\x1b[3" not in plain.replace("\x1b[3m", "")  # italics may stay, colours may not


@pytest.mark.skipif(os.name == "nt", reason="devices are of POSIX")
def test_a_device_is_written_to_and_not_replaced():
    before = os.stat(os.devnull)
    run("laws", "--json", os.devnull)
    after = os.stat(os.devnull)
    assert stat.S_ISCHR(after.st_mode) and after.st_ino == before.st_ino


def test_json_replaces_a_file_whole(tmp_path):
    path = tmp_path / "laws.json"
    path.write_text("old")
    run("laws", "--json", path, "--quiet")
    assert [p.name for p in tmp_path.iterdir()] == ["laws.json"]
    record = json.loads(path.read_text())
    assert record["laws"][0]["name"] == "chinchilla"


def test_datasets_are_listed_with_licence_hash_and_size():
    record = json.loads(run("datasets", "--json", "-").stdout)
    first = record["datasets"][0]
    assert first["name"] == "published" and len(first["sha256"]) == 64 and first["size"] > 0
    assert "published" in run("datasets").stdout


def test_the_report_holds_fit_and_forecast(fitted, folder, monkeypatch):
    page = folder / "report.html"
    monkeypatch.setitem(sys.modules, "bayeslaw.reporting", _reporting())
    run("forecast", fitted.path, *TARGETS, "--report", page, code=1)
    assert page.read_text() == "Fit Forecast CalibrationCard"


def _reporting():
    module = ModuleType("bayeslaw.reporting")

    def report(*results, path):
        path.write_text(" ".join(type(result).__name__ for result in results))

    module.report = report  # type: ignore[attr-defined]
    module.require_packages = lambda: None  # type: ignore[attr-defined]
    return module


def test_the_demo_keeps_its_slow_parts(stored, folder, monkeypatch):
    fit, made = stored, []
    card = SimpleNamespace(text="the card", to_dict=lambda: {"summary": {}})
    choice = SimpleNamespace(text="the choice", to_dict=lambda: {"plans": []})
    design, scoring = ModuleType("bayeslaw.design"), ModuleType("bayeslaw.scoring")
    plan = SimpleNamespace(many_small=lambda **_: "small", one_large=lambda **_: "large")
    design.Plan, design.decide = plan, lambda *_, **__: choice  # type: ignore[attr-defined]
    scoring.backtest = lambda *_, **__: made.append("card") or card  # type: ignore[attr-defined]
    for module in (design, scoring, _reporting()):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    held = CalibrationCard(None, "it was not asked for", (None,), (10.0,))
    monkeypatch.setattr(demonstration, "calibrate", lambda *_, **__: held)
    monkeypatch.setattr("bayeslaw.runs.datasets.load_dataset", lambda _: fit.runs)
    monkeypatch.setattr(demonstration, "FAMILIES", tuple(fit.runs.families))
    monkeypatch.setattr(demonstration, "fit_runs", lambda *_: made.append("fit") or fit)

    out = folder / "demo"
    arguments = ["demo", "--out", out, "--seed", 3, "--discrepancy", "none"]
    cold = run(*arguments, code=1)
    assert made == ["fit", "card"]
    assert "the card" in cold.stdout and "the choice" in cold.stdout
    assert sorted(p.name for p in out.iterdir()) == ["backtest.json", "fit.nc", "report.html"]
    warm = run(*arguments, "--json", "-", code=1)
    assert made == ["fit", "card"] and "stored in" in warm.stderr
    record = json.loads(warm.stdout)
    assert record["backtest"] == {"summary": {}} and record["plan"] == {"plans": []}
    assert record["forecasts"][0]["extrapolation_factor"] == pytest.approx(10)
    assert record["forecasts"][0]["calibration"]["missing"] == "it was not asked for"
    run(*arguments, "--draws", "500", code=1)
    (out / "fit.nc").write_text("damaged")
    run(*arguments, "--draws", "500", code=1)
    assert made == ["fit", "card"] * 3


def test_health_decides_between_zero_and_one(fitted, stored, monkeypatch):
    for health, code in ((Health(), 0), (Health((Failure(Check.RHAT, "R-hat is 2"),)), 1)):
        fit = replace(stored, health=health)
        monkeypatch.setattr("bayeslaw.inference.load_fit", lambda _, fit=fit: fit)
        run("forecast", fitted.path, *TARGETS, code=code)


def test_sensitivity_says_what_rests_on_priors(fitted):
    done = run("sensitivity", fitted.path, *TARGETS[:2], "--no-refit", "--json", "-", code=1)
    record = json.loads(done.stdout)
    assert list(record)[:5] == ["command", "version", "law", "seed", "health"]
    assert {r["prior"] for r in record["power_scaling"]} >= {"all priors", "exponents", "noise"}
    assert record["refits"][0]["change"] == "as stated"
    assert {r["parameter"] for r in record["identifiability"]} >= {"E", "alpha", "run_sd"}
    text = run("sensitivity", fitted.path, *TARGETS[:2], "--no-refit", code=1).stdout
    assert "all priors counted half or double" in text and "o[bold]x" in text


def test_outliers_are_listed_with_the_line_that_drops_them(fitted, table, tmp_path):
    record = json.loads(run("outliers", fitted.path, "--json", "-", code=1).stdout)
    assert record["runs"] == 6 and record["drop"] == [] and record["outliers"] == []
    rows = table.read_text().splitlines()
    twice = tmp_path / "runs.csv"
    copy = rows[3].replace("/002/", "/copy/")
    assert copy != rows[3]
    twice.write_text("\n".join([*rows, copy]) + "\n")
    text = run("outliers", twice, "--engine", "quadrature", "--draws", "250").stdout
    assert "runs = runs.drop([6])" in text and "same params, tokens and loss" in text

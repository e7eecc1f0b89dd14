"""The command backtest keeps the contract: keys, exit codes, and a card on the screen."""

import json
import sys

import pytest
from typer.testing import CliRunner

from bayeslaw import Average, Discrepancy, Inflated
from bayeslaw.cli import app
from bayeslaw.inference.health import Check, Failure, Health
from bayeslaw.pool import Pool
from tests.scoring.synthetic import ladder, synthetic_fit
from tests.scoring.test_backtest import PLAIN, SUMMARY, TARGET

HEADS = {"command", "version", "law", "seed", "health", "targets", "summary"}


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["backtest", *map(str, arguments)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def asked(monkeypatch):
    """Invented posteriors in place of fits, and what was asked of them."""
    found = []

    def fit(runs, spec=None, **settings):
        found.append((runs, spec, settings))
        return synthetic_fit(runs, spec, **settings)

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", fit)
    return found


@pytest.fixture
def table(tmp_path):
    """Two families of one lab and one of another, with a name that would be markup."""
    frame = ladder(("a", "o[bold]x", "c"), sizes=4, checkpoints=6).table
    frame["lab"] = frame["family"].map({"a": "x", "o[bold]x": "x", "c": "y"})
    path = tmp_path / "runs.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_json_has_the_keys_of_the_contract(asked, table):
    record = json.loads(run(table, "--json", "-", "--seed", 3).stdout)
    assert list(record)[:4] == ["command", "version", "law", "seed"] and set(record) >= HEADS
    assert (record["command"], record["law"], record["seed"]) == ("backtest", "chinchilla", 3)
    assert set(record["health"]) == {"ok", "failures", "warnings"}
    assert set(record["summary"]) == SUMMARY
    for target in record["targets"]:
        assert set(target) >= TARGET and set(target["baselines"]) >= PLAIN
        assert set(target["intervals"]) == {"50", "80", "90", "95"}
    for baseline in PLAIN:
        assert set(record["summary"]["baselines"][baseline]) >= {"mean_are", "median_are"}
    assert [lab["lab"] for lab in record["by_lab"]] == ["x", "y"]


def test_the_screen_shows_the_card_and_the_targets(asked, table):
    shown = run(table)
    assert "o[bold]x" in shown.stdout and "Back-test of chinchilla: 3 hidden runs" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "By lab" in shown.stdout and "Nothing speaks against" in shown.stdout
    assert "back-testing on runs.csv" in shown.stderr
    assert run(table, "--quiet").output == ""


def test_the_flags_reach_the_fit(asked, table):
    flags = ["--engine", "pymc", "--law", "kaplan", "--pool", "shared", "--priors", "generic",
             "--draws", 100, "--tune", 150, "--chains", 2, "--jobs", 1, "--seed", 7,
             "--quiet"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["bayeslaw.scoring.backtest"], "fit", _stop(asked))
        run(table, *flags, code=1)
    ((_, spec, settings),) = asked
    assert (spec.law.name, spec.pool) == ("kaplan", "shared")
    assert settings == {
        "seed": 7, "engine": "pymc", "draws": 100, "tune": 150, "chains": 2,
        "cores": 1, "progress": False, "pool": Pool(),
    }  # fmt: skip


def _stop(found):
    def fit(runs, spec=None, **settings):
        found.append((runs, spec, settings))
        raise RuntimeError("far enough")

    return fit


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ([], 3),
        (["--holdout", "largest"], 3),
        (["--holdout", "smallest-k:3"], 3),
        (["--holdout", "smallest-k:2"], 6),
        (["--holdout", "flops > 5e19"], 3),
        (["--holdout", "tail:0.3"], 12),
        (["--holdout", "family == 'a' and params > 5e8"], 1),
        (["--least-sizes", "4"], 3),
    ],
)
def test_a_holdout_hides_what_it_says(asked, table, flags, count):
    record = json.loads(run(table, *flags, "--json", "-").stdout)
    assert record["summary"]["n_targets"] == count
    assert record["holdout"] == (flags[1] if "--holdout" in flags else "largest")


def test_the_tail_of_each_run_can_be_scored(asked, table):
    record = json.loads(run(table, "--score", "tail", "--json", "-").stdout)
    assert record["score"] == "tail"
    assert len(record["targets"]) == record["summary"]["n_targets"] == 3


def test_the_rivals_without_discrepancy_are_fits_of_their_own(asked, table):
    record = json.loads(run(table, "--parametric", "--json", "-").stdout)
    assert [spec.discrepancy is None for _, spec, _ in asked] == [False, True, True]
    assert {"parametric", "plain_bayes"} <= set(record["summary"]["baselines"])


@pytest.mark.parametrize(
    ("flag", "kind"), [("gp", Discrepancy), ("inflated", Inflated), ("none", type(None))]
)
def test_each_discrepancy_reaches_the_fit(asked, table, flag, kind):
    run(table, "--discrepancy", flag, "--quiet")
    assert type(asked[0][1].discrepancy) is kind


def test_several_laws_are_averaged_over(monkeypatch, table):
    found = []

    def average(runs, spec, **settings):
        found.append(spec)
        parts = [synthetic_fit(runs) for _ in spec.laws]
        return Average(spec, tuple(parts), (0.25, 0.75))

    monkeypatch.setattr(sys.modules["bayeslaw.scoring.backtest"], "average", average)
    flags = ["--law", "chinchilla, kaplan", "--priors", "generic", "--json", "-"]
    record = json.loads(run(table, *flags).stdout)
    assert record["law"] == found[0].label == "chinchilla, kaplan"
    assert found[0].each()[0].beliefs is not None and found[0].each()[1].beliefs is None


def test_an_unhealthy_refit_is_written_marked_and_ends_with_one(monkeypatch, table, tmp_path):
    sick = Health((Failure(Check.RHAT, "R-hat of E is 1.2"),))
    monkeypatch.setattr(
        sys.modules["bayeslaw.scoring.backtest"], "fit",
        lambda *a, **k: synthetic_fit(*a, **k, health=sick),
    )  # fmt: skip
    result = tmp_path / "card.json"
    done = run(table, "--json", result, code=1)
    assert json.loads(result.read_text())["health"]["ok"] is False
    assert "do not rely on this card" in " ".join(done.stdout.split())
    assert "NOT trustworthy" in done.stderr


@pytest.mark.parametrize(
    ("flags", "piece"),
    [
        (["--holdout", "larget"], "expected 'largest', 'smallest-k:3', 'tail:0.3'"),
        (["--holdout", "flops > 1e30"], "no row satisfies"),
        (["--holdout", "flops > 1"], "leaves no run to fit"),
        (["--score", "best"], "expected one of last, tail"),
        (["--least-sizes", "0"], "--least-sizes"),
        (["--least-sizes", "9"], "no family has 9 sizes"),
        (["--law", "chinchila"], "did you mean 'chinchilla'"),
        (["--parametric", "--discrepancy", "none"], "this spec has none"),
        (["--json", "absent/x.json"], "does not exist"),
        (["--holdout", "nothing > 1"], "unknown column"),
    ],
)
def test_bad_input_ends_with_two_and_writes_nothing(asked, table, flags, piece):
    before = sorted(table.parent.iterdir())
    done = run(table, "--json", table.with_name("card.json"), *flags, code=2)
    assert piece in " ".join(done.stderr.split())
    assert sorted(table.parent.iterdir()) == before and not asked
    assert done.stdout == ""


def test_a_missing_table_ends_with_two(tmp_path):
    assert "no file" in run(tmp_path / "absent.csv", code=2).stderr


def test_an_unknown_engine_ends_with_two(table):
    assert "unknown engine 'stan'" in run(table, "--engine", "stan", code=2).stderr

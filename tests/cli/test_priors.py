"""The commands priors learn and priors show, and the option that takes their files."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from bayeslaw import SpecError, load_priors
from bayeslaw.cli import app, input as flags
from bayeslaw.cli.options import Model
from bayeslaw.scoring import priors_choice, priors_drift
from tests.model.test_priors import LEARNED
from tests.scoring.test_priors import LABS, SETTING, judged, world


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "past.csv"
    world(families=1).table.to_csv(path, index=False)
    return path


@pytest.fixture
def quick(monkeypatch):
    """One setting and one drift, and invented scores of both."""

    def invented(labs, spec, *, settings, **_):
        return judged({s: dict.fromkeys(labs, -1.0) for s in settings})

    def drifted(labs, spec, **_):
        return judged({SETTING: dict.fromkeys(labs, -1.0)}).assign(kappa=0.01, scale=0.0)

    monkeypatch.setattr(priors_choice, "SETTINGS", (SETTING,))
    monkeypatch.setattr(priors_choice, "scored", invented)
    monkeypatch.setattr(priors_drift, "drift_scored", drifted)


def test_your_own_past_ladders_make_priors_that_a_fit_takes(table, quick, tmp_path):
    out, record = tmp_path / "ours.json", tmp_path / "record.json"
    done = run("priors", "learn", table, "--out", out, "--each", "--json", record)
    assert {p.name for p in tmp_path.glob("*.json")} == {
        "ours.json", "record.json", *(f"without-{lab}.json" for lab in LABS)
    }  # fmt: skip
    learned = load_priors(out)
    assert json.loads(record.read_text())["priors"] == learned.to_dict()
    assert learned.labs == LABS and list(learned.sources) == ["past.csv"]
    assert "north, south, east, west" in " ".join(done.stdout.split())
    for lab in LABS:
        assert lab not in load_priors(tmp_path / f"without-{lab}.json").labs
    assert flags.specify(Model(priors=str(out))).beliefs == learned


def test_scores_of_the_settings_are_kept_for_the_next_time(table, quick, tmp_path):
    scores = tmp_path / "scores.csv"
    run("priors", "learn", table, "--out", tmp_path / "ours.json", "--scores", scores)
    kept = pd.read_csv(scores)
    for own in (kept[kept["scale"] > 0], kept[kept["kappa"] > 0]):
        assert own["lab"].tolist() == list(LABS)


def test_show_prints_the_intervals_and_their_labs(tmp_path):
    path = LEARNED.save(tmp_path / "ours.json")
    done = run("priors", "show", path)
    assert "north, south; without east" in done.stdout and "0.05" in done.stdout
    record = json.loads(run("priors", "show", path, "--json", "-").stdout)
    assert (record["command"], record["name"]) == ("priors", str(path))
    assert record["priors"] == LEARNED.to_dict()


def test_generic_priors_are_those_that_are_shipped():
    spec = flags.specify(Model(priors="generic"))
    assert spec.beliefs == load_priors("generic")
    trusting = flags.specify(Model(priors="generic", discrepancy="none"))
    assert trusting.discrepancy is None and trusting.beliefs == spec.beliefs


def test_of_a_law_nothing_was_learned_of_generic_priors_are_its_own():
    assert flags.specify(Model(law="kaplan", priors="generic")) == flags.specify(Model("kaplan"))


def test_plain_intervals_are_still_taken(tmp_path):
    path = tmp_path / "plain.json"
    path.write_text('{"alpha": [0.2, 0.4]}')
    spec = flags.specify(Model(priors=str(path)))
    assert dict(spec.priors) == {"alpha": (0.2, 0.4)} and spec.beliefs is None


def test_learned_priors_of_another_law_are_refused(tmp_path):
    path = LEARNED.save(tmp_path / "ours.json")
    with pytest.raises(SpecError, match="priors learn --law kaplan"):
        flags.specify(Model(law="kaplan", priors=str(path)))


@pytest.mark.parametrize(
    ("arguments", "piece"),
    [
        (["priors", "learn", "TABLE"], "no file was given"),
        (["priors", "learn", "absent", "--out", "x.json"], "no file 'absent'"),
        (["priors", "learn", "TABLE", "--out", "TABLE"], "an input"),
        (["priors", "learn", "TABLE", "--out", "x.json", "--leave-out", "nobody"], "no lab"),
        (["priors", "show", "absent.json"], "there are no priors 'absent.json'"),
    ],
)
def test_a_wrong_command_is_refused_and_nothing_is_written(arguments, piece, table, monkeypatch):
    monkeypatch.chdir(table.parent)
    before, names = table.read_bytes(), {"TABLE": table.name}
    done = run(*(names.get(a, a) for a in arguments), code=2)
    assert piece in done.stderr
    assert [p.name for p in table.parent.iterdir()] == [table.name]
    assert table.read_bytes() == before

"""Whatever is wrong with a command line or a file ends with exit code 2 and a message."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bayeslaw.cli import app
from tests.runs.malformed import MALFORMED, Malformed, table

TARGET = "params=7e10,tokens=1.4e12"


def refused(*arguments: str | Path) -> str:
    """Run a command that must be refused, and return what it said."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr and "Traceback" not in done.stderr and "internal error" not in done.stderr
    return done.stderr


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes(table(good=4))
    return path


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_a_malformed_table_is_refused_and_nothing_is_written(case: Malformed, tmp_path):
    path = case.write(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = tmp_path / "result.json"
    commands = [("check", path)]
    if case.loads:  # only a fit refuses it, so a forecast has to do so as well
        commands.append(("forecast", path, "--target", TARGET))
    for command in commands:
        said = refused(*command, *case.flags, "--json", result)
        for piece in case.pieces:
            assert re.search(piece, said), f"{piece!r} is not in: {said}"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "piece"),
    {
        "unknown command": (["forcast"], "No such command 'forcast'"),
        "unknown flag": (["check", "RUNS", "--sed", "1"], "No such option"),
        "no table": (["check"], "Missing argument"),
        "missing file": (["check", "absent.csv"], "no file 'absent.csv'; check the path"),
        "directory": (["check", "FOLDER"], "directory; give the file inside it"),
        "unknown law": (["fit", "RUNS", "--law", "chinchila"], "did you mean 'chinchilla'"),
        "unknown pooling": (["fit", "RUNS", "--pool", "some"], "expected one of partial"),
        "unknown engine": (["fit", "RUNS", "--engine", "stan"], "unknown engine 'stan'"),
        "unknown unit": (["check", "RUNS", "--loss-unit", "bits"], "bits"),
        "bytes no number": (["check", "RUNS", "--bytes-per-token", "x"], "a valid number"),
        "map no pair": (["check", "RUNS", "--map", "loss"], "expected name=column"),
        "map twice": (["check", "RUNS", "--map", "loss=a,loss=b"], "mapped twice"),
        "seed negative": (["check", "RUNS", "--seed", "-1"], "--seed"),
        "seed no number": (["check", "RUNS", "--seed", "x"], "--seed"),
        "no jobs": (["fit", "RUNS", "--jobs", "0"], "--jobs"),
        "discrepancy": (["fit", "RUNS", "--discrepancy", "rbf"], "'gp'"),
        "laws for one fit": (["fit", "RUNS", "--law", "chinchilla,kaplan"], "a fit is of one law"),
        "one law twice": (["backtest", "RUNS", "--law", "kaplan,kaplan"], "each law once"),
        "an empty law": (["backtest", "RUNS", "--law", "kaplan,"], "unknown law ''"),
        "laws into one file": (
            ["forecast", "RUNS", "--target", TARGET, "--law", "chinchilla,kaplan", "--out", "f.nc"],
            "--out cannot be",
        ),
        "no such priors": (["fit", "RUNS", "--priors", "absent.json"], "No such file"),
        "fit into no folder": (["fit", "RUNS", "--out", "absent/fit.nc"], "folder that does not"),
        "fit with other suffix": (["fit", "RUNS", "--out", "fit.csv"], "does not end in .nc"),
        "fit into a folder": (["fit", "RUNS", "--out", "FOLDER"], "is a directory"),
        "json into no folder": (["check", "RUNS", "--json", "absent/x.json"], "does not exist"),
        "json over the input": (["check", "RUNS", "--json", "RUNS"], "an input too"),
        "report over the input": (
            ["forecast", "RUNS", "--target", TARGET, "--report", "RUNS"], "an input too",
        ),
        "no target": (["forecast", "RUNS"], "no target was given"),
        "unknown kind": (["forecast", "RUNS", "--target", TARGET, "--kind", "best"], "run, mean"),
        "blank family": (["forecast", "RUNS", "--target", TARGET, "--family", " "], "blank"),
        "escape in a family": (
            ["forecast", "RUNS", "--target", TARGET, "--family", "\x1b[31m"], r"\\x1b",
        ),
        "no targets table": (
            ["forecast", "RUNS", "--targets", "absent.csv"], "no file 'absent.csv'",
        ),
        "missing fit": (["forecast", "absent.nc", "--target", TARGET], "no fit file"),
        "demo into a file": (["demo", "--out", "RUNS"], "cannot be made a folder"),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_malformed_command_line_is_refused(arguments, piece, runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    (runs.parent / "folder").mkdir()
    places = {"RUNS": runs.name, "FOLDER": "folder"}
    content = runs.read_bytes()
    said = refused(*[places.get(argument, argument) for argument in arguments])
    assert re.search(piece, said), said
    assert sorted(path.name for path in runs.parent.iterdir()) == ["folder", "runs.csv"]
    assert runs.read_bytes() == content


@pytest.mark.parametrize(
    ("target", "piece"),
    [
        ("params=70e9", "no tokens"),
        ("tokens=1e9", "no params"),
        ("params=seventy,tokens=1e9", "'seventy' is not a number"),
        ("params=-7e10,tokens=1e9", "not a positive"),
        ("params=0,tokens=1e9", "not a positive"),
        ("params=nan,tokens=1e9", "not a finite number"),
        ("params=1e999,tokens=1e9", "too large"),
        ("params=1e9,params=2e9,tokens=1e9", "twice"),
        ("params=1e9,tokens=1e9,layers=12", "unknown key 'layers'; known: params"),
        ("N=1e9,tokens=1e9", "did you mean 'params'"),
        ("params=1e9,tokens=1e9,family=a", "give the family separately"),
        ("params=1e9;tokens=1e9", "is not a number"),
        ("params", "expected name=quantity pairs"),
        ("", "expected name=quantity pairs"),
    ],
)
def test_a_malformed_target_is_refused_before_the_table_is_read(target, piece):
    assert re.search(piece, refused("forecast", "absent.csv", "--target", target))


@pytest.mark.parametrize(
    ("content", "piece"),
    [
        ("params,family\n1e9,a\n", "no column tokens"),
        ("params,tokens\n", "no rows|no target"),
        ("params,N,tokens\n1e9,1e9,1e9\n", "several columns for params"),
        ("params,tokens\n1e9,2e10\n1e9,x\n", "targets.csv, row 2: target tokens is 'x'"),
        ("params,tokens\n1e9,\n", "row 1: target tokens"),
        ("params,tokens\n-1e9,2e10\n", "row 1: target params"),
        ("params,tokens,kind\n1e9,2e10,best\n", "row 1: target kind is 'best'"),
        ("params,tokens,family\n1e9,2e10,a\x1b[0m\n", r"a\\x1b\[0m"),
    ],
)
def test_a_malformed_table_of_targets_is_refused(content, piece, tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text(content)
    assert re.search(piece, refused("forecast", "absent.csv", "--targets", path))


@pytest.mark.parametrize(
    ("content", "piece"),
    [
        ("alpha = 1", "cannot be read"),
        ("[1, 2]", "no JSON object"),
        ('{"alpha": 0.3}', "expected two numbers"),
        ('{"alpha": [0.2, 0.3, 0.4]}', "expected two numbers"),
        ('{"alpha": [true, "0.4"]}', "expected two numbers"),
        ('{"alpha": [0.4, 0.2]}', "0 < low < high"),
        ('{"alpha": [-1, 0.2]}', "0 < low < high"),
        ('{"alpha": [0.2, NaN]}', "0 < low < high"),
        ('{"alpha": [0.2, 1e999]}', "0 < low < high"),
        ('{"alpha": [0.2, 1' + "0" * 400 + "]}", "0 < low < high"),
        ('{"alpha": [0.2, 0.4], "alpha": [0.1, 0.4]}', "a key occurs twice"),
        ('{"gamma": [0.2, 0.4]}', "no parameter 'gamma'"),
        ("[" * 100_000, "cannot be read"),
        ("\x00\xff", "cannot be read"),
    ],
)  # fmt: skip
def test_malformed_priors_are_refused(content, piece, runs):
    path = runs.with_name("priors.json")
    path.write_text(content, encoding="latin-1")
    assert re.search(piece, refused("fit", runs, "--priors", path))


@pytest.mark.parametrize("content", [b"", b"family,params\n", b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_a_file_that_is_no_fit_is_refused(content, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(content)
    assert "is not a complete fit file" in refused("forecast", path, "--target", TARGET)


def test_debug_adds_the_traceback_and_keeps_the_exit_code(runs):
    done = CliRunner().invoke(app, ["fit", str(runs), "--law", "chinchila", "--debug"])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr and "did you mean 'chinchilla'" in done.stderr

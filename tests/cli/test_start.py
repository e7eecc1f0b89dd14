"""The command line answers at once, and lists only what it can do."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import bayeslaw
from bayeslaw.cli import COMMANDS, app

HEAVY = {"arviz_stats", "numpy", "nutpie", "pandas", "pymc", "rich", "scipy", "sympy", "xarray"}
NAMES = [function.__name__ for function in COMMANDS]


@pytest.mark.parametrize("flags", [["--help"], ["--version"], ["fit", "--help"]])
def test_help_and_version_import_nothing_heavy(flags):
    code = (
        "import sys; from bayeslaw.cli import main\n"
        "try: main()\n"
        "finally: print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *flags], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split("loaded")[1].split()}
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_version_is_that_of_the_package():
    assert CliRunner().invoke(app, ["--version"]).stdout == f"bayeslaw {bayeslaw.__version__}\n"


def test_help_lists_the_commands():
    listed = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2]
    assert re.findall(r"^  ([a-z]+) ", listed, re.M) == [*NAMES, "priors", "task", "ledger"]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_takes_the_common_flags(name):
    text = CliRunner().invoke(app, [name, "--help"]).stdout
    for flag in ("--json", "--seed", "--quiet", "--debug"):
        assert flag in text
    if name in {"demo", "fit", "forecast", "sbc"}:
        for flag in ("--engine", "--law", "--pool", "--priors", "--jobs"):
            assert flag in text


def test_an_unexpected_error_is_one_line(monkeypatch):
    def broken():
        raise KeyError("something\nelse")

    monkeypatch.setattr("bayeslaw.laws.catalogue", broken)
    done = CliRunner().invoke(app, ["laws"])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("internal error: KeyError")
    assert "Traceback" in CliRunner().invoke(app, ["laws", "--debug"]).stderr


def test_an_interrupt_ends_with_its_own_code(monkeypatch):
    def pressed():
        raise KeyboardInterrupt

    monkeypatch.setattr("bayeslaw.laws.catalogue", pressed)
    done = CliRunner().invoke(app, ["laws"])
    assert done.exit_code == 130
    assert done.stderr == "interrupted; no file was left half-written\n"


def test_an_interrupt_inside_compiled_code_is_an_interrupt():
    from bayeslaw.cli.command import Terminated, _exit_code
    from bayeslaw.cli.options import Common

    def kernel():
        try:
            raise Terminated
        except Terminated as stopped:
            raise SystemError("returned a result with an exception set") from stopped

    assert _exit_code(kernel, Common()) == 143

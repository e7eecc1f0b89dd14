"""Full disks, folders that cannot be written to, files of others: an error, and nothing changed."""

import errno
import json
import os
import resource
import shutil
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import h5py
import pytest
import typer
from typer.testing import CliRunner

from bayeslaw import kept
from bayeslaw.cli import app
from bayeslaw.cli.input import fit_or_load, pool_of
from bayeslaw.cli.options import Common, Model, Sampling, Source
from bayeslaw.design import add_forecasts
from bayeslaw.errors import BayeslawError
from bayeslaw.files import write_whole
from bayeslaw.prediction import Target, forecast
from bayeslaw.reporting import report
from tests.scoring.synthetic import ladder, synthetic_fit

NOBODY = 65534


@pytest.fixture(scope="module")
def fit():
    return synthetic_fit(ladder(), draws=200)


@pytest.fixture(scope="module")
def made(fit):
    return forecast(fit, Target(2e9, 4e10, "ours"))


@pytest.fixture(scope="module")
def fitted(fit, tmp_path_factory):
    return fit.save(tmp_path_factory.mktemp("fit") / "fit.nc")


@contextmanager
def full_disk(monkeypatch):
    """Let no file be safely on the disk."""

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield


@contextmanager
def short_files(monkeypatch):
    """Let the system cut every file short after a hundred bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


WRITERS = {
    "fit": lambda path, fit, made: fit.save(path),
    "report": lambda path, fit, made: report(fit, made, path=path),
    "ledger": lambda path, fit, made: add_forecasts(path, fit, made),
    "text": lambda path, fit, made: write_whole(path, "x" * 200),
    "kept result": lambda path, fit, made: kept.keep(path, [1.0] * 100),
}


@pytest.mark.parametrize("trouble", [full_disk, short_files])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_and_what_was_there_stays(
    name, trouble, fit, made, tmp_path, monkeypatch
):
    path = tmp_path / "there"
    WRITERS[name](path, fit, made)
    before = path.read_bytes()
    with trouble(monkeypatch), pytest.raises(
        BayeslawError, match=r"cannot write '.*there': (No space left|File too large).*unchanged"
    ):  # fmt: skip
        WRITERS[name](path, fit, made)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["there"]


@pytest.mark.parametrize("trouble", [full_disk, short_files])
def test_a_command_that_meets_a_full_disk_ends_with_2(trouble, fitted, tmp_path, monkeypatch):
    with trouble(monkeypatch):
        done = CliRunner().invoke(app, ["laws", "--quiet", "--json", str(tmp_path / "laws.json")])
    assert done.exit_code == 2 and done.stderr.startswith("error: cannot write")
    assert not os.listdir(tmp_path)


@pytest.fixture
def read_only():
    """A folder that cannot be written to, not even by the superuser, who is somebody else then."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_folder_is_told(name, fit, made, tmp_path, request):
    WRITERS[name](tmp_path / "loads all that is needed", fit, made)
    folder = request.getfixturevalue("read_only")
    with pytest.raises(BayeslawError, match=r"cannot write '.*there': Permission denied.*choose"):
        WRITERS[name](folder / "there", fit, made)
    assert not os.listdir(folder)


def test_commands_refuse_a_read_only_folder_before_the_slow_part(read_only):
    for flag, name in (("--out", "fit.nc"), ("--json", "fit.json")):
        done = CliRunner().invoke(app, ["fit", "absent.csv", flag, str(read_only / name)])
        assert done.exit_code == 2 and "cannot be written to; choose another" in done.stderr
    with pytest.raises(typer.BadParameter, match="cannot be made a folder and written to"):
        pool_of(None, None, read_only / "kept")


def test_a_fit_of_another_version_is_refused(fitted, tmp_path):
    path = shutil.copy(fitted, tmp_path / "old.nc")
    with h5py.File(path, "r+") as file:
        facts = json.loads(file.attrs["bayeslaw"])
        facts |= {"format": 7, "versions": {"bayeslaw": "9.9"}}
        file.attrs["bayeslaw"] = json.dumps(facts)
    done = CliRunner().invoke(app, ["forecast", str(path), "--target", "params=1e9,tokens=2e10"])
    assert done.exit_code == 2 and "has fit format 7; this version reads 1" in done.stderr
    assert "9.9" in done.stderr


def test_a_fit_cut_short_anywhere_is_refused(fitted, tmp_path):
    whole, path = fitted.read_bytes(), tmp_path / "fit.nc"
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        done = CliRunner().invoke(app, ["sensitivity", str(path), "--target", "params=1e9"])
        assert done.exit_code == 2 and "Traceback" not in done.stderr, share


def test_a_fit_is_held_to_the_table_it_was_made_from(fit, fitted, tmp_path):
    table = tmp_path / "runs.csv"
    fit.runs.table.to_csv(table, index=False, float_format="%.17g")
    held = Source(made_from=table)
    assert fit_or_load(fitted, held, Model(), Sampling(), Common()).runs == fit.runs
    changed = fit.runs.table.assign(loss=lambda t: t["loss"] * (1 + 1e-9 * (t.index == 3)))
    changed.to_csv(table, index=False, float_format="%.17g")
    done = CliRunner().invoke(app, ["outliers", str(fitted), "--made-from", str(table)])
    assert done.exit_code == 2 and "was fitted to other runs" in done.stderr


def test_a_report_without_its_packages_is_refused_before_the_slow_part(fitted, monkeypatch):
    module = import_module("bayeslaw.reporting.report")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["forecast", "absent.csv", "--target", "params=1e9,tokens=1e9",
                                    "--report", "out.html"])  # fmt: skip
    assert done.exit_code == 2 and "install bayeslaw[report]" in done.stderr
    assert not Path("out.html").exists()

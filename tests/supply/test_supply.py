"""Truths about what comes with the package: licences, hashes, and what the core needs."""

import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.supply.licences import EXTRAS, licence, locked, unfit

ROOT = Path(__file__).parents[2]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
FROM_INDEX = [package for package in LOCK if "registry" in package["source"]]


@pytest.mark.parametrize("name", locked(*EXTRAS))
def test_every_dependency_has_a_known_licence_that_fits(name):
    assert not unfit(licence(name)), f"{name}: {licence(name)!r}"


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("MIT", False), ("BSD License", False), ("Apache-2.0 OR GPL-3.0", False),
        ("GPL-3.0-only", True), ("MIT AND GPL-2.0", True), ("AGPL", True), ("", True),
        ("Proprietary", True),
    ],
)  # fmt: skip
def test_a_licence_that_does_not_fit_is_told(text, bad):
    assert unfit(text) == bad


def test_every_locked_file_has_a_sha256_and_comes_from_the_public_index():
    assert len(FROM_INDEX) > 50
    for package in FROM_INDEX:
        assert package["source"]["registry"] == "https://pypi.org/simple", package["name"]
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_every_dependency_is_locked():
    names = {package["name"] for package in LOCK}
    assert set(locked(*EXTRAS)) <= names
    assert {Requirement(text).name for text in requires("bayeslaw") or ()} <= names


def test_an_installation_without_extras_imports_fits_and_forecasts(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.supply.minimal"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    refused, absent = done.stdout.splitlines()[-2:]
    assert {"matplotlib", "plotly", "jinja2", "dask", "pytest"} <= set(absent.split())
    assert "bayeslaw[" in refused

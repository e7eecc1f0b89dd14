"""Processes that are killed: neither files nor results are lost with them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True,
        check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_kill_at_a_random_moment_spoils_no_file_and_loses_nothing_reported():
    # Fits and back-tests are killed too by the whole of it: python -m tests.faults.kill
    kinds = ("save", "report", "ledger")
    said = run("tests.faults.kill", "--count", "12", "--kinds", *kinds)
    assert said.endswith("12 kills, 0 faults\n")


def test_a_cluster_gives_what_one_process_gives_even_if_it_loses_a_worker():
    said = run("tests.faults.cluster", "--families", "6", "--draws", "50")
    assert said.count("the same: True") == 2

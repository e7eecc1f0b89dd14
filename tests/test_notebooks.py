"""Notebooks run from top to bottom, and are what their texts say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
TEXTS = sorted(FOLDER.glob("[0-9][0-9]-*.py"))
NEEDS_DATA = [path for path in TEXTS if "BAYESLAW_DATA_DIR" in path.read_text()]
MOST_CELLS, MOST_BYTES = 25, 1_000_000

everyone = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)


def run(text, tmp_path):
    # Kernels talk over sockets and threads of their own, which are no business of this process.
    done = subprocess.run(
        [sys.executable, FOLDER / "execute.py", "--into", tmp_path, text.stem],
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return nbformat.read(tmp_path / f"{text.stem}.ipynb", 4)


def printed(book):
    return [
        "".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout")
        for cell in book.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("text", [t for t in TEXTS if t not in NEEDS_DATA], ids=lambda p: p.stem)
def test_a_notebook_runs_and_says_what_is_stored(text, tmp_path):
    made = run(text, tmp_path)
    stored = nbformat.read(text.with_suffix(".ipynb"), 4)
    assert len(printed(made)[0]) > 20  # the answer comes first
    # Other machines round otherwise, so figures are not compared.
    words = [[re.sub(r"[-+\d.e%]+", "#", line) for line in printed(b)] for b in (made, stored)]
    assert [len(w) > 0 for w in words[0]] == [len(w) > 0 for w in words[1]]


@pytest.mark.parametrize("text", NEEDS_DATA, ids=lambda path: path.stem)
def test_a_notebook_of_public_data_runs(text, tmp_path, data_dir):
    assert len(printed(run(text, tmp_path))[0]) > 20


@everyone
def test_a_notebook_is_made_from_its_text(text):
    book = nbformat.read(text.with_suffix(".ipynb"), 4)
    written = jupytext.read(text)
    assert [(c.cell_type, c.source) for c in book.cells] == [
        (c.cell_type, c.source) for c in written.cells
    ], "run notebooks/execute.py"
    code = [c for c in book.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert len(code) <= MOST_CELLS and text.with_suffix(".ipynb").stat().st_size < MOST_BYTES


@everyone
def test_a_notebook_asks_one_question_and_has_one_seed(text):
    words = text.read_text()
    assert re.findall(r"^# # (.*)", words, re.M)[0].endswith("?")
    assert len(re.findall(r"^# # ", words, re.M)) == 1
    assert len(re.findall(r"^SEED = ", words, re.M)) == 1
    assert not re.findall(r"seed=\d", words)


@everyone
def test_a_stored_notebook_names_no_place_of_the_machine_it_ran_on(text):
    stored = text.with_suffix(".ipynb").read_text()
    assert not re.findall(r"/(tmp|home|root)/|ipykernel_|file://", stored)

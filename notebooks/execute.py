"""Run the notebooks and keep their outputs: ``uv run python notebooks/execute.py [NAME ...]``.

The text (``.py``) is what people edit and review; the notebook beside it is made from it, with
outputs, by this script alone.
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
TIMEOUT = 300  # seconds a cell may take
# What a run leaves behind and the next one changes.
_TRANSIENT = ("execution", "collapsed", "scrolled")


def sources() -> list[Path]:
    """Return the texts of all notebooks, in order."""
    return sorted(FOLDER.glob("[0-9][0-9]-*.py"))


def executed(text: Path) -> nbformat.NotebookNode:
    """Return a notebook made from its text, run from top to bottom.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    book = jupytext.read(text)
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number}"  # the same on every run
    NotebookClient(book, timeout=TIMEOUT, kernel_name="python3").execute()
    for cell in book.cells:
        for name in _TRANSIENT:
            cell.metadata.pop(name, None)
    book.metadata = {
        "kernelspec": book.metadata["kernelspec"],
        "jupytext": {"formats": "ipynb,py:percent"},
    }
    return book


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for path in sources():
        if not chosen or path.stem in chosen:
            nbformat.write(executed(path), path.with_suffix(".ipynb"))
            sys.stdout.write(f"{path.stem}\n")

"""Run the notebooks and keep their outputs: ``uv run python notebooks/execute.py [NAME ...]``.

The text (``.py``) is what people edit and review; the notebook beside it is made from it, with
outputs, by this script alone.
"""

import argparse
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
TIMEOUT = 300  # seconds a cell may take
_TRANSIENT = ("execution", "collapsed", "scrolled")  # times, and how an editor showed a cell
# Warnings open with the file of their cell, in a folder of the machine.
_PLACE = re.compile(r"^\S*ipykernel_\S+?:\d+: ", re.M)


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
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                output["text"] = _PLACE.sub("", output["text"])
    book.metadata = {
        "kernelspec": book.metadata["kernelspec"],
        "jupytext": {"formats": "ipynb,py:percent"},
    }
    return book


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks; all unless named")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to")
    asked = parser.parse_args()
    for path in sources():
        if not asked.names or path.stem in asked.names:
            nbformat.write(executed(path), (asked.into / path.stem).with_suffix(".ipynb"))
            sys.stdout.write(f"{path.stem}\n")

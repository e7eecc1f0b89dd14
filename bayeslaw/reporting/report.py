"""Writing a report: results in any order become one file that needs nothing else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bayeslaw.errors import BayeslawError
from bayeslaw.files import write_whole
from bayeslaw.reporting.answers import alarms, answers, questions
from bayeslaw.reporting.results import Result, sort
from bayeslaw.reporting.sections import sections

_MARKDOWN = (".md", ".markdown")


def require_packages() -> None:
    """Look for what a report needs, so that a long fit does not end in a missing package.

    Raises
    ------
    BayeslawError
        Naming what to install.
    """
    missing = [name for name in ("jinja2", "matplotlib", "plotly") if find_spec(name) is None]
    if missing:
        raise BayeslawError(
            f"reports need {' and '.join(missing)}, not installed; install bayeslaw[report]."
        )


def report(*results: Result, path: str | Path) -> Path:
    """Write results into one self-contained HTML file, or into Markdown with pictures beside it.

    The page loads nothing: scripts, data and pictures are inside, a policy forbids anything else
    to run, and text from the runs is escaped wherever it stands. Without scripts, and in print,
    still pictures take the place of the chart. The same results give the same file.

    Parameters
    ----------
    results : fits, forecasts, calibration cards, score cards, decisions, allocations and
        comparisons, in any order. A forecast beside its fit gets a slider for its compute, and a
        calibration card, of public ladders, if none is given.
    path : where to write; a name that ends in ``.md`` asks for Markdown. The file appears only
        when it is complete.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SpecError
        If there is no result, or something else is among them.
    BayeslawError
        If a package is missing.
    FileError
        If the file cannot be written.
    """
    sorted_results = sort(results)
    require_packages()
    path = Path(path)
    parts = (
        questions(sorted_results),
        answers(sorted_results),
        alarms(sorted_results),
        list(sections(sorted_results)),
    )
    if path.suffix.lower() in _MARKDOWN:
        from bayeslaw.reporting.markdown import document

        text, pictures = document(*parts, path.stem)
        for name, picture in pictures.items():
            _write(path.with_name(name), picture)
        return _write(path, text)
    from bayeslaw.reporting.html import page

    return _write(path, page(*parts))


def _write(path: Path, text: str) -> Path:
    # A family may be named with lone surrogates, which no encoding can hold.
    write_whole(path, text, errors="replace")
    return path

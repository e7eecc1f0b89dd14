"""The generated pages of the documentation: the gallery, the laws and the reference."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import gallery

import bayeslaw as bl
from bayeslaw.laws import LAWS, get_law
from bayeslaw.laws.latex import latex

FOLDER = Path(__file__).parent / "generated"
DPI = 110

#: Packages of the public names, and what each is about.
CHAPTERS = {
    "Tables of runs": ("bayeslaw.runs", "bayeslaw.runs.datasets", "bayeslaw.simulation"),
    "Model": ("bayeslaw.laws", "bayeslaw.model"),
    "Fits": ("bayeslaw.inference",),
    "Forecasts": ("bayeslaw.prediction",),
    "How far to trust them": ("bayeslaw.scoring",),
    "Decisions": ("bayeslaw.design",),
    "Reports": ("bayeslaw.reporting",),
    "Errors and warnings": ("bayeslaw.errors",),
}
#: What lies beyond the loss, by module.
TASKS = {
    "bayeslaw.tasks.skill_table": ("load_skills",),
    "bayeslaw.tasks.skills": ("fit_skills",),
    "bayeslaw.tasks.skill_forecast": ("forecast_skills",),
    "bayeslaw.tasks.subset": ("choose_models",),
    "bayeslaw.tasks.loss_to_task": ("load_task_scores", "fit_task", "TaskCurve"),
    "bayeslaw.tasks.two_step": ("two_step", "TwoStep"),
    "bayeslaw.tasks.emergence": ("load_scores", "emergence", "Emergence"),
}


def write(app: Any) -> None:
    """Write all pages, and the pictures unless the configuration says no."""
    FOLDER.mkdir(exist_ok=True)
    if app.config.pictures in (True, "1"):
        for name, make in gallery.PICTURES.items():
            make().savefig(FOLDER / f"{name}.png", dpi=DPI)
    pages = {
        "notebooks": notebooks_page(),
        "gallery": gallery_page(app.config.pictures in (True, "1")),
        "laws": laws_page(),
        "reference": reference_page(),
    }
    for name, text in pages.items():
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")


def notebooks_page() -> str:
    """Return the list of the notebooks, which are stored with their outputs."""
    books = sorted(path.stem for path in FOLDER.parent.glob("[0-9][0-9]-*.ipynb"))
    listed = "\n".join(f"/{book}" for book in books)
    return f"# Notebooks\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"


def gallery_page(pictures: bool) -> str:
    """Return the gallery: of each plot its picture and the line that made it."""
    parts = [
        "# Gallery",
        "Every plot takes one line, returns its figure and touches no global state. "
        '`backend="plotly"` gives the same picture to hover over, `"none"` a plain description '
        "of what would be drawn. Colours are told apart with any colour vision, markers and "
        "dashes in grey print. The functions that prepare the results are in "
        "`notebooks/gallery.py`.",
    ]
    for name, make in gallery.PICTURES.items():
        body = inspect.getsource(make).split('"""')[2]
        line = inspect.cleandoc(body).replace(", backend=backend", "").replace("return ", "")
        parts += [f"## {name}", (make.__doc__ or "").strip(), f"```python\n{line}\n```"]
        if pictures:
            parts.append(f"![{name}]({name}.png)")
    return "\n\n".join(parts) + "\n"


def laws_page() -> str:
    """Return the catalogue: formula, parameters with priors and source of every law."""
    parts = [
        "# Laws",
        "Inputs are relative to a reference point inside the runs, so an amplitude is a loss one "
        "can point at. Priors are 90 % intervals; those of parameters in nats are fractions of a "
        "family's anchor loss.",
    ]
    for name in sorted(LAWS):
        law = get_law(name)
        rows = "\n".join(
            f"| ${p.symbol}$ | `{p.name}` | {p.meaning} | {p.low:g} to {p.high:g} | {p.unit} |"
            for p in law.parameters
        )
        parts += [
            f"## {name}",
            law.title,
            f"$$\n{latex(law)}\n$$",
            f"| | name | meaning | prior | unit |\n|---|---|---|---|---|\n{rows}",
            f"Source: {law.reference}.",
        ]
    return "\n\n".join(parts) + "\n"


def reference_page() -> str:
    """Return the reference of every public name, from its docstring."""
    parts = ["# Reference"]
    for title, homes in CHAPTERS.items():
        parts.append(f"## {title}")
        parts += [entry("bayeslaw", name) for home in homes for name in bl._HOMES.get(home, ())]
    parts.append("## Tasks beyond the loss")
    parts += [entry(home, name) for home, names in TASKS.items() for name in names]
    parts.append("## Plots")
    parts += [entry("bayeslaw.plots", name) for name in bl.plots.__all__]
    return "\n\n".join(parts) + "\n"


def entry(home: str, name: str) -> str:
    """Return the directive that documents one name."""
    found = getattr(__import__(home, fromlist=[name]), name)
    if inspect.isclass(found):
        # Of exceptions the constructor says nothing.
        more = "" if issubclass(found, Exception) else "   :members:\n"
        return f"```{{eval-rst}}\n.. autoclass:: {home}.{name}\n{more}```"
    return f"```{{eval-rst}}\n.. autofunction:: {home}.{name}\n```"


def tidy_docstring(
    app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Put what follows a parameter's colon below it: here types stand in the signature."""
    listing = False
    out: list[str] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if after and set(after) == {"-"}:
            listing = line in ("Parameters", "Attributes")
        match = re.match(r"(\*{0,2}\w[\w, *]*?) : (.+)", line) if listing else None
        out += [match[1], f"    {match[2]}"] if match else [line]
    lines[:] = out

"""The page of a report: one HTML file with its style, its data and its scripts inside."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bayeslaw.plots.interactive import plotly_script
from bayeslaw.reporting.sections import Chart, Section

_PAGE = files("bayeslaw.reporting") / "page"


def page(
    asked: Sequence[str], answered: Sequence[str], warned: Sequence[str], told: Sequence[Section]
) -> str:
    """Return the page; all that comes from the runs is escaped.

    Parameters
    ----------
    asked, answered : questions and answers, the first answer being the headline.
    warned : what to know before anything else.
    told : the sections.
    """
    charted = any(block.kind == "chart" for section in told for block in section.blocks)
    scripts = [_script(plotly_script()), _script(_text("chart.js"))] if charted else []
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["made_here"] = Markup  # pictures and scripts, never text of a user
    environment.filters["data"] = _data
    environment.filters["held"] = lambda text: text.replace(" %", "\u00a0%")  # no break between
    return environment.from_string(_text("report.html")).render(
        policy=_policy(scripts),
        style=_text("style.css"),
        scripts=scripts,
        questions=asked,
        answers=answered,
        alarms=warned,
        sections=told,
    )


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _script(code: str) -> str:
    """Return code as it can stand in an element: with nothing in its strings that ends it."""
    return re.sub("<(?=/script|!--)", r"\\x3c", code.replace("\r\n", "\n"), flags=re.IGNORECASE)


def _policy(scripts: Sequence[str]) -> str:
    """Let these scripts run and nothing else; plotly sets styles, and nothing is ever fetched."""
    digests = [b64encode(sha256(code.encode()).digest()).decode() for code in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(chart: Chart) -> Markup:
    r"""Return what the script reads, as JSON without a character that could end its element."""
    text = json.dumps({**chart.figure, "walks": chart.walks}, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)

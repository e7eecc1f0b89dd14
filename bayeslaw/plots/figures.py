"""Figures without global state: made on the Figure class, readable in grey, safe as SVG."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from html import escape
from typing import TYPE_CHECKING, Any

from bayeslaw.errors import BayeslawError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

# Colours of Okabe and Ito, told apart with any colour vision; markers tell them apart in grey.
PALETTE = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#56B4E9", "v"),
    ("#E69F00", "P"),
    ("#000000", "X"),
    ("#8C6D00", "<"),
)
GREY = ("#999999", ".")
_LONGEST = 32


def blank(width: float = 6.8, height: float = 4.2) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes, bound to no window and no global list.

    Parameters
    ----------
    width, height : in inches.

    Raises
    ------
    BayeslawError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BayeslawError(
            "pictures need matplotlib, which is not installed; install bayeslaw[plots]."
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True, color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def label(name: str) -> str:
    r"""Return a family name fit for a picture: printable and short.

    Examples
    --------
    >>> label("a\x00b" + "c" * 40)
    'a bcccccccccccccccccccccccccccc\u2026'
    """
    # Control characters and lone surrogates have no place in SVG.
    shown = "".join(" " if unicodedata.category(c).startswith("C") else c for c in name)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1].rstrip() + "\u2026"


def name_entries(legend: Legend, entries: list[str]) -> None:
    """Write labels into a legend as plain text: no dollar mathematics, no hidden underscores.

    Parameters
    ----------
    legend : made with any labels.
    entries : what to write, in order.
    """
    for text, entry in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(entry)


def to_svg(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element that can stand inside an HTML page.

    Text becomes outlines, so nothing in it can be read as markup; equal figures give equal text.

    Parameters
    ----------
    figure : from this package.
    title : what the picture shows, for those who cannot see it.
    """
    import matplotlib

    out = io.StringIO()
    settings: Any = {"svg.fonttype": "path", "svg.hashsalt": "bayeslaw"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # A family may be named in letters that the font lacks; boxes stand in for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    body = out.getvalue()
    # Inside HTML neither metadata nor namespaces are wanted; without them no address remains.
    body = re.sub(r"<metadata>.*?</metadata>", "", body[body.index("<svg ") :], flags=re.DOTALL)
    body = re.sub(r' xmlns(:\w+)?="[^"]*"', "", body)
    name = escape(title, quote=True)
    return f'<svg role="img" aria-label="{name}" ' + body.removeprefix("<svg ")

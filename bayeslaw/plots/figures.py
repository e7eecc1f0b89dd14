"""The looks of pictures, readable in grey and with any colour vision, and pictures as SVG."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
DASHES = ("-", "--", "-.", ":")
GREY = ("#8a8a8a", ".")
INK, MUTED, SHADE, GRID = "#000000", "#555555", "#bbbbbb", "#e6e6e6"
WIDE, NARROW = 0.9, 0.5  #: the two intervals that are drawn
_LONGEST = 32


class Style(NamedTuple):
    """How one family is drawn."""

    colour: str
    marker: str
    dash: str


def styles(families: Iterable[str]) -> dict[str, Style]:
    """Return the looks of the first eight families, in order; the others have none of their own.

    Examples
    --------
    >>> styles(["a", "b", "a"])["b"]
    Style(colour='#D55E00', marker='s', dash='--')
    """
    own = zip(dict.fromkeys(families), PALETTE, strict=False)
    return {
        family: Style(colour, marker, DASHES[i % len(DASHES)])
        for i, (family, (colour, marker)) in enumerate(own)
    }


OTHERS = Style(GREY[0], "o", DASHES[-1])


def label(name: str) -> str:
    r"""Return a family name fit for a picture: printable and short.

    Examples
    --------
    >>> label("a\x00b" + "c" * 40)
    'a bcccccccccccccccccccccccccccc\u2026'
    """
    shown = printable(name)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1].rstrip() + "\u2026"


def printable(text: str) -> str:
    """Return a text without control characters and lone surrogates, which no picture can hold."""
    return "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)


def to_svg(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element that can stand inside an HTML page.

    Text becomes outlines, so nothing in it can be read as markup; equal figures give equal text.

    Parameters
    ----------
    figure : from this package, drawn by matplotlib.
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

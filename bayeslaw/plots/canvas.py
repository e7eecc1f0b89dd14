"""One way to draw for every backend: the primitives of arviz-plots, and the few that they lack.

Figures are made without pyplot, so none is kept open or shares settings with another; whatever is
written on them is plain text on every backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bayeslaw.errors import BayeslawError
from bayeslaw.plots.figures import GRID, MUTED, label, printable

MATPLOTLIB = "matplotlib"
_SMALL = 8  # points
_DOTS = 100  # per inch, where a backend counts in dots
_PIXELS = 4 / 3  # per point
# Ticks of a decade, by how many decades an axis runs at most.
_SUBS = ((0.8, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)), (1.6, (1.0, 2.0, 5.0)), (2.2, (1.0, 3.0)))


class Entry(NamedTuple):
    """A name in the legend, and what stands beside it."""

    name: str
    handle: Any


class Backend:
    """A plotting library as arviz-plots wraps it; by itself the one that only takes notes."""

    name = "none"
    marker_names: ClassVar[Mapping[str, str]] = {}
    dash_names: ClassVar[Mapping[str, str]] = {}
    pixels = 1.0
    plain: ClassVar[Mapping[str, Any]] = {}  # what makes a library read a text as nothing but text
    left: ClassVar[Mapping[str, Any]] = {}  # what puts a title to the left

    def __init__(self) -> None:
        self.primitives: ModuleType = import_module(f"arviz_plots.backend.{self.name}")

    def grid(self, number: int, rows: int, columns: int, size: tuple[float, float], share: str):
        """Return a figure and its panels, row by row."""
        figure, plots = self.primitives.create_plotting_grid(
            number, rows, columns, figsize=(_DOTS * size[0], _DOTS * size[1]),
            figsize_units="dots", squeeze=False, sharex="x" in share, sharey="y" in share,
        )  # fmt: skip
        return figure, list(plots.ravel()[:number])

    def text(self, string: str) -> str:
        """Return a text so that it is shown as it stands."""
        return printable(string)

    def named(self, name: str | None, group: str | None) -> dict[str, Any]:
        """Return how something drawn is told which entry of the legend it belongs to."""
        return {} if (name or group) is None else {"name": name or group}

    def scales(self, target: Any, xlog: bool, ylog: bool) -> None:
        """Make axes logarithmic."""
        if xlog:
            self.primitives.xscale(target, "log")
        if ylog:
            self.primitives.yscale(target, "log")

    def limits(self, target: Any, axis: str, ends: Sequence[float], log: bool) -> None:
        """Set where an axis begins and ends."""
        getattr(self.primitives, f"{axis}lim")(tuple(ends), target)

    def legend(self, figure: Any, target: Any, entries: list[Entry], place: str) -> None:
        """Name what was drawn."""
        target.append({"function": "legend", "labels": [e.name for e in entries], "place": place})

    def finished(self, figure: Any, targets: list[Any]) -> Any:
        """Return what the caller gets."""
        return {**figure.item(), "plots": targets}


class _Matplotlib(Backend):
    name = MATPLOTLIB
    plain: ClassVar[Mapping[str, Any]] = {"parse_math": False}
    left: ClassVar[Mapping[str, Any]] = {"loc": "left"}

    def __init__(self) -> None:
        # Before the wrapper, which imports pyplot; here a figure belongs to nobody but its caller.
        from bayeslaw.plots.picture import Picture

        super().__init__()
        self.figure = Picture

    def grid(self, number: int, rows: int, columns: int, size: tuple[float, float], share: str):
        figure = self.figure(figsize=size, layout="constrained")
        axes = figure.subplots(
            rows, columns, squeeze=False, sharex="x" in share, sharey="y" in share
        ).ravel()
        for extra in axes[number:]:
            extra.remove()
        for own in axes[:number]:
            own.grid(True, color=GRID, linewidth=0.6)
            own.set_axisbelow(True)
            own.spines[["top", "right"]].set_visible(False)
            own.tick_params(labelsize=_SMALL + 1)
        return figure, list(axes[:number])

    def named(self, name: str | None, group: str | None) -> dict[str, Any]:
        return {}

    def legend(self, figure: Any, target: Any, entries: list[Entry], place: str) -> None:
        # Placeholders first: matplotlib hides labels that begin with an underscore.
        stand_ins = [str(i) for i in range(len(entries))]
        handles = [e.handle for e in entries]
        settings: dict[str, Any] = {"frameon": False, "fontsize": _SMALL}
        if place == "outside":
            columns = min(len(entries), 4)
            legend = figure.legend(
                handles, stand_ins, loc="outside lower center", ncols=columns, **settings
            )
        elif place == "above":
            legend = target.legend(
                handles, stand_ins, loc="lower left", bbox_to_anchor=(0, 1), ncols=3,
                borderaxespad=0.2, columnspacing=1.0, handlelength=1.8, **settings,
            )  # fmt: skip
        else:
            legend = target.legend(handles, stand_ins, loc=place, handlelength=1.8, **settings)
        for text, entry in zip(legend.get_texts(), entries, strict=True):
            text.set_parse_math(False)
            text.set_text(self.text(entry.name))

    def finished(self, figure: Any, targets: list[Any]) -> Any:
        for own in targets:
            for axis in (own.xaxis, own.yaxis):
                if axis.get_scale() == "log":
                    self._tick(axis)
        return figure

    def _tick(self, axis: Any) -> None:
        """Put ticks on a logarithmic axis that are few enough to read and at least two."""
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        low, high = axis.get_view_interval()
        decades = np.log10(high / low)
        subs = next((s for most, s in _SUBS if decades < most), (1.0,))
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
        axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    """Write a tick of a logarithmic axis."""
    if 0.99e-3 < value < 1e4:
        return f"{value:g}"
    lead, power = f"{value:.0e}".split("e")
    return f"$10^{{{int(power)}}}$" if lead == "1" else f"${lead}{{\\cdot}}10^{{{int(power)}}}$"


class _Plotly(Backend):
    name = "plotly"
    marker_names: ClassVar[Mapping[str, str]] = {
        "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down",
        "P": "cross", "X": "x", "<": "triangle-left", ".": "circle",
    }  # fmt: skip
    dash_names: ClassVar[Mapping[str, str]] = {
        "-": "solid",
        "--": "dash",
        ":": "dot",
        "-.": "dashdot",
    }
    pixels = _PIXELS

    def __init__(self) -> None:
        import_module("plotly")
        super().__init__()

    def text(self, string: str) -> str:
        # It reads a few tags and, between dollars, formulas.
        return escape(printable(string)).replace("$", "&#36;")

    def named(self, name: str | None, group: str | None) -> dict[str, Any]:
        if (name or group) is None:
            return {}
        shown = self.text(label(str(name or group)))
        return {"name": shown, "legendgroup": shown, "showlegend": name is not None}

    def scales(self, target: Any, xlog: bool, ylog: bool) -> None:
        powers = {"type": "log", "exponentformat": "power", "nticks": 6}
        if xlog:
            target.update_xaxes(**powers)
        if ylog:
            target.update_yaxes(**powers)

    def limits(self, target: Any, axis: str, ends: Sequence[float], log: bool) -> None:
        low, high = np.log10(ends) if log else ends
        super().limits(target, axis, (float(low), float(high)), log)

    def legend(self, figure: Any, target: Any, entries: list[Entry], place: str) -> None:
        figure.update_layout(showlegend=True)

    def finished(self, figure: Any, targets: list[Any]) -> Any:
        figure.update_layout(
            template="plotly_white", margin={"l": 70, "r": 20, "t": 40, "b": 60},
            legend={"groupclick": "togglegroup"},
        )  # fmt: skip
        figure.update_traces({"hoverinfo": "skip"}, selector=lambda trace: trace.name is None)
        return figure


_BACKENDS = {kind.name: kind for kind in (_Matplotlib, _Plotly, Backend)}


class Panel:
    """One set of axes; what it draws is named in the legend of the figure.

    Colours are hexadecimal, markers and dashes those of matplotlib, widths in points and sizes in
    square points.
    """

    def __init__(self, backend: Backend, target: Any) -> None:
        self.backend, self.target = backend, target
        self.entries: list[Entry] = []

    def line(
        self, x: ArrayLike, y: ArrayLike, colour: str, *, dash: str = "-", width: float = 1.2,
        alpha: float = 1.0, name: str | None = None, group: str | None = None,
    ) -> None:  # fmt: skip
        """Draw a line through points."""
        self._draw(
            "line", x, y, name=name, group=group, color=colour, alpha=alpha,
            width=width * self.backend.pixels, linestyle=self.backend.dash_names.get(dash, dash),
        )  # fmt: skip

    def points(
        self, x: ArrayLike, y: ArrayLike, colour: str, marker: str = "o", *, size: float = 26.0,
        hollow: bool = False, name: str | None = None, group: str | None = None,
    ) -> None:  # fmt: skip
        """Draw markers, with a white rim or, hollow, white inside."""
        inside, rim = ("#ffffff", colour) if hollow else (colour, "#ffffff")
        self._draw(
            "scatter", x, y, name=name, group=group, facecolor=inside, edgecolor=rim,
            width=(1.4 if hollow else 0.5) * self.backend.pixels,
            size=size * self.backend.pixels**2,
            marker=self.backend.marker_names.get(marker, marker),
        )  # fmt: skip

    def band(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, *, alpha: float = 0.2,
        name: str | None = None, group: str | None = None,
    ) -> None:  # fmt: skip
        """Fill what lies between two curves."""
        self._draw(
            "fill_between_y", x, low, high, name=name, group=group, color=colour, alpha=alpha
        )

    def bars(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, *, width: float,
        group: str | None = None,
    ) -> None:  # fmt: skip
        """Draw upright bars from low to high."""
        self._draw(
            "ciliney", *map(np.atleast_1d, (x, low, high)), group=group, color=colour,
            width=width * self.backend.pixels,
        )  # fmt: skip

    def text(self, x: float, y: float, string: str, *, colour: str = MUTED, align="center") -> None:
        """Write beside a point, as plain text."""
        self.backend.primitives.text(
            x, y, self.backend.text(string), self.target, size=self._small(), color=colour,
            horizontal_align=align, **self.backend.plain,
        )  # fmt: skip

    def title(self, string: str) -> None:
        """Write above the panel, as plain text."""
        settings = {**self.backend.plain, **self.backend.left}
        self.backend.primitives.title(
            self.backend.text(string), self.target, size=self._small(), color=MUTED, **settings
        )

    def axes(
        self, x: str | None, y: str | None, *, xlog: bool = False, ylog: bool = False,
        xlim: Any = None, ylim: Any = None,
    ) -> None:  # fmt: skip
        """Label the axes, and say how they run and, with pairs, where they end."""
        self.backend.scales(self.target, xlog, ylog)
        for write, words in (("xlabel", x), ("ylabel", y)):
            if words is not None:
                getattr(self.backend.primitives, write)(words, self.target)
        for axis, ends, log in (("x", xlim, xlog), ("y", ylim, ylog)):
            if ends is not None:
                self.backend.limits(self.target, axis, ends, log)

    def rows(self, labels: Sequence[str]) -> None:
        """Name the rows of an upright axis, the first one at 0."""
        shown = [self.backend.text(label(name)) for name in labels]
        self.backend.primitives.yticks(
            list(range(len(shown))), shown, self.target, size=self._small(), **self.backend.plain
        )

    def _small(self) -> float:
        return round(_SMALL * self.backend.pixels)

    def _draw(
        self, primitive: str, *where: ArrayLike, name: str | None = None, group: str | None = None,
        **looks: Any,
    ) -> None:  # fmt: skip
        drawn = getattr(self.backend.primitives, primitive)(
            *map(np.asarray, where), self.target, **looks, **self.backend.named(name, group)
        )
        if name is not None:
            self.entries.append(Entry(label(name), drawn))


class Canvas:
    """A figure of one or several panels.

    Parameters
    ----------
    backend : ``"matplotlib"``, ``"plotly"`` or ``"none"``.
    panels, columns : how many, and how many side by side.
    width, height : of the figure in inches.
    share : ``"x"``, ``"y"`` or ``"xy"`` for axes that all panels have in common.

    Raises
    ------
    BayeslawError
        If the backend is not known or its library not installed.
    """

    def __init__(
        self, backend: str, panels: int = 1, columns: int = 1, *, width: float = 6.8,
        height: float = 4.2, share: str = "",
    ) -> None:  # fmt: skip
        if backend not in _BACKENDS:
            raise BayeslawError(
                f"backend is {backend!r}; expected one of {', '.join(_BACKENDS)}."
            ) from None
        try:
            self.backend = _BACKENDS[backend]()
        except ImportError as error:
            raise BayeslawError(
                f"pictures need {error.name or backend}, which is not installed; "
                "install bayeslaw[plots]."
            ) from error
        rows = -(-panels // columns)
        self.figure, targets = self.backend.grid(panels, rows, columns, (width, height), share)
        self.panels = [Panel(self.backend, target) for target in targets]

    def legend(self, place: str = "best") -> None:
        """Name what was drawn, beside the first panel.

        Parameters
        ----------
        place : where in the panel, or ``"above"`` it, or ``"outside"`` below all panels.
        """
        entries = [entry for panel in self.panels for entry in panel.entries]
        if entries:
            self.backend.legend(self.figure, self.panels[0].target, entries, place)

    def finished(self) -> Any:
        """Return the figure of the backend; of ``"none"`` a dict with what each plot would hold."""
        return self.backend.finished(self.figure, [panel.target for panel in self.panels])

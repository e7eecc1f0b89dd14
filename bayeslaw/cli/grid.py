"""A table that never breaks a number: where columns do not fit, each row becomes a few lines."""

from collections.abc import Iterator
from textwrap import wrap

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

_LEAST_TEXT = 12  # what a column of text may be folded to


class Grid(Table):
    """A table of rich, of which the columns that are justified right hold numbers."""

    def __init__(self, title: str) -> None:
        super().__init__(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or its rows as lists where the terminal is too narrow for it."""
        # Where a terminal lacks the lines of the frame, rich puts wider ones in their place.
        between = 3 if options.ascii_only else 2
        if sum(_widest(column) + between for column in self.columns) <= options.max_width:
            for column in self.columns:
                if column.justify == "right":
                    column.no_wrap = True
                    column.header = "\n".join(wrap(str(column.header), _widest(column)))
            yield from super().__rich_console__(console, options)
            return
        yield Text(str(self.title), style="italic")
        for cells in zip(*(_cells(column) for column in self.columns), strict=True):
            yield from self._listed(cells)
        yield ""

    def _listed(self, cells: tuple[str, ...]) -> Iterator[Text]:
        first, *rest = self.columns
        yield Text(" ".join(cells[0].split("\n")) or str(first.header), style="bold")
        for column, cell in zip(rest, cells[1:], strict=True):
            if cell:
                yield Text(f"  {column.header}: {' '.join(cell.split('\n'))}".replace("  : ", "  "))


def _cells(column: Column) -> list[str]:
    return [str(cell) for cell in column.cells]


def _widest(column: Column) -> int:
    """Return the least width of a column: numbers stay whole, headers break between words."""
    header = max((len(word) for word in str(column.header).split()), default=0)
    widest = max((len(line) for cell in _cells(column) for line in cell.split("\n")), default=0)
    return max(header, widest if column.justify == "right" else min(widest, _LEAST_TEXT))

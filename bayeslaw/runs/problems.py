"""What is wrong with a table, gathered and told in one message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from bayeslaw.errors import RunsError
from bayeslaw.runs.quantities import shown

MAX_LINES = 10  #: problems told in one message
MAX_OFFENDERS = 4  #: offending rows told per problem


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one column: where, what was found, what was expected, what to do."""

    column: str
    offenders: tuple[tuple[int, object], ...]  # row numbers from 1, and the values found there
    expected: str
    remedy: str

    def __str__(self) -> str:
        """Say it in one line."""
        first = self.offenders[:MAX_OFFENDERS]
        found = ", ".join(f"{shown(value)} (row {row})" for row, value in first)
        more = len(self.offenders) - len(first)
        tail = f" and {more} more" if more else ""
        return (
            f"column {shown(self.column)}: found {found}{tail}; "
            f"expected {self.expected}; {self.remedy}"
        )


def refuse(source: str, problems: Iterable[Problem | str], rows: str) -> None:
    """Raise one error that tells every problem, or return when there is none.

    Parameters
    ----------
    source
        File name, or what else the table came from.
    problems
        Problems, or sentences that are already complete.
    rows
        How rows are counted, for a reader who wants to find them.

    Raises
    ------
    RunsError
        When there is at least one problem.

    Examples
    --------
    >>> refuse("runs.csv", [], "row 1 follows the header")
    """
    # Only as many as could be told: a large table can hold a fault on every row.
    lines = list(dict.fromkeys(str(problem) for problem in islice(problems, 5 * MAX_LINES)))
    if not lines:
        return
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    told = lines[:MAX_LINES]
    if len(lines) > MAX_LINES:
        count = f"more than {MAX_LINES} problems"
        told.append("and more; correct these first")
    raise RunsError("\n  ".join([f"{source}: {count} ({rows})", *told]))


def listed(items: Sequence[object], limit: int = 12) -> str:
    """Join names for a message, quoted, the first dozen of them.

    Examples
    --------
    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    text = ", ".join(shown(item) for item in items[:limit])
    return f"{text} and {len(items) - limit} more" if len(items) > limit else text or "none"

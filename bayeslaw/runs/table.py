"""Runs: a checked table with one row per observed loss."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import FAMILY, FLOPS, LOSS, PARAMS, RUN, TOKENS
from bayeslaw.runs.columns import CANONICAL, COLUMNS
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown
from bayeslaw.runs.query import matching
from bayeslaw.runs.tidy import tidy


@dataclass(frozen=True, eq=False, repr=False)
class Runs:
    """A validated tidy table: one row per observed loss.

    Parameters
    ----------
    table
        Columns family, lab, run, seed (text), params, tokens, flops, loss, loss_sd (float64),
        final (bool), then any others. `load_runs` builds it from what people have.
    source
        File name, or ``"DataFrame"``.
    notes
        What was renamed, converted or filled in on the way.

    Raises
    ------
    RunsError
        When the table is not already complete and typed.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> runs = load_runs(pd.DataFrame({"family": "a", "params": ["1B", "2B"],
    ...                                "tokens": ["20B", "40B"], "loss": [2.9, 2.7]}))
    >>> len(runs), runs.families, runs.where("params > 1B").table["loss"].tolist()
    (2, ['a'], [2.7])
    """

    table: pd.DataFrame
    source: str = "DataFrame"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Keep a private copy on a fresh index, after a look at its columns."""
        found = list(self.table.columns)
        if found[: len(CANONICAL)] != list(CANONICAL):
            raise RunsError(
                f"{self.source}: a Runs table has columns {listed(found)}; expected "
                f"{listed(list(CANONICAL))} first; build it with load_runs"
            )
        wrong = [c.name for c in COLUMNS if not _holds(self.table[c.name], c.dtype)]
        if wrong:
            raise RunsError(
                f"{self.source}: columns {listed(wrong)} have an unexpected type; "
                "expected text, float64 and bool; build the table with load_runs"
            )
        object.__setattr__(self, "table", self.table.reset_index(drop=True).copy())
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def families(self) -> list[str]:
        """Family labels in the order first seen."""
        return self.table[FAMILY].unique().tolist()

    @property
    def n_runs(self) -> int:
        """Number of training runs; each has one or more rows."""
        return self.table[RUN].nunique()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table as canonical CSV; equal tables have equal digests."""
        text = self.table.to_csv(index=False, float_format="%.17g", lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()

    def __len__(self) -> int:
        """Count rows, that is observed losses."""
        return len(self.table)

    def __eq__(self, other: object) -> bool:
        """Compare tables; the source and the notes do not count."""
        return isinstance(other, Runs) and self.digest == other.digest

    def __hash__(self) -> int:
        """Hash the table."""
        return hash(self.digest)

    def __repr__(self) -> str:
        """Summarise in at most ten lines."""
        count = self.table[FAMILY].value_counts(sort=False)
        names = ", ".join(f"{shown(name)} ({rows})" for name, rows in count.iloc[:6].items())
        more = f" and {len(count) - 6} more" if len(count) > 6 else ""
        lines = [
            f"Runs: {len(self)} rows, {self.n_runs} runs, {len(count)} families ({self.source})"
        ]
        if len(self):
            lines.append(f"  families: {names}{more}")
            for name in (PARAMS, TOKENS, FLOPS, LOSS):
                low, high = self.table[name].min(), self.table[name].max()
                lines.append(f"  {name}: {low:.3g} to {high:.3g}")
        lines += [f"  {note}" for note in self.notes[:3]]
        return "\n".join(lines)

    def where(self, query: str) -> Self:
        """Keep the rows that satisfy a condition.

        Parameters
        ----------
        query
            Such as ``"tokens > 1e9 and family == 'a'"``; see `bayeslaw.runs.query.matching`.

        Returns
        -------
        Runs
            Possibly with no rows.

        Examples
        --------
        >>> from bayeslaw.runs import load_runs
        >>> runs = load_runs(pd.DataFrame({"family": ["a", "b"], "params": 1e9, "tokens": 2e10,
        ...                                "loss": [2.9, 2.7]}))
        >>> runs.where("family == 'b'").table["loss"].tolist()
        [2.7]
        """
        return self._rows(matching(self.table, query))

    def split(self, query: str) -> tuple[Self, Self]:
        """Part the rows into those that satisfy a condition and the rest.

        Examples
        --------
        >>> from bayeslaw.runs import load_runs
        >>> runs = load_runs(pd.DataFrame({"family": ["a", "b"], "params": [1e9, 2e9],
        ...                                "tokens": 2e10, "loss": [2.9, 2.7]}))
        >>> [len(part) for part in runs.split("flops < 1e30")]
        [2, 0]
        """
        mask = matching(self.table, query)
        return self._rows(mask), self._rows(~mask)

    def drop(self, rows: Iterable[int]) -> Self:
        """Leave out rows by their position in `table`, counted from 0.

        Raises
        ------
        RunsError
            When a position does not exist.
        """
        rows = list(rows)
        unknown = [row for row in rows if row not in self.table.index]
        if unknown:
            raise RunsError(
                f"there are no rows {listed(unknown)} to drop; expected 0 to {len(self) - 1}"
            )
        return self._rows(~self.table.index.isin(rows))

    def replace_table(self, table: pd.DataFrame) -> Self:
        """Put another table in place of this one; it is completed and checked like a new one."""
        checked, notes = tidy(table, self.source)
        return replace(self, table=checked, notes=(*self.notes, *notes))

    def extended(self, other: "Runs") -> Self:
        """Add the rows of another table; rows of a run that is here already continue it.

        Examples
        --------
        >>> from bayeslaw.runs import load_runs
        >>> row = pd.DataFrame({"family": ["a"], "params": 1e9, "tokens": 2e10, "loss": 2.9})
        >>> len(load_runs(row).extended(load_runs(row.assign(tokens=4e10, loss=2.8, run="b"))))
        2
        """
        return self.replace_table(pd.concat([self.table, other.table], ignore_index=True))

    def last(self) -> Self:
        """Keep the row with most tokens of every run.

        Examples
        --------
        >>> from bayeslaw.runs import load_runs
        >>> runs = load_runs(pd.DataFrame({"family": "a", "run": "r", "params": 1e9,
        ...                                "tokens": [2e10, 1e10], "loss": [2.9, 3.1]}))
        >>> runs.last().table["tokens"].tolist()
        [20000000000.0]
        """
        last = self.table.groupby(RUN, sort=False)[TOKENS].idxmax()
        return self._rows(self.table.index.isin(last))

    def thin(self, after: float = 0.5, at_most: int = 5) -> Self:
        """Keep a few late checkpoints of every run, evenly spaced in log tokens.

        Parameters
        ----------
        after
            Fraction of a run's tokens before which its rows are left out; 0 to 1.
        at_most
            Rows kept per run, the last one always among them.

        Returns
        -------
        Runs
            Runs of a single row are kept as they are.

        Raises
        ------
        RunsError
            When an argument is out of range.
        """
        if not 0 <= after <= 1 or at_most < 1:
            raise RunsError(
                f"thin(after={after}, at_most={at_most}); expected after from 0 to 1 and "
                "at_most of 1 or more"
            )
        alone = ~self.table.duplicated(RUN, keep=False)
        keep = alone.to_numpy(copy=True)
        for _, tokens in self.table[~alone].groupby(RUN, sort=False)[TOKENS]:
            late = tokens[tokens >= after * tokens.max()].sort_values(ascending=False)
            goals = np.linspace(np.log(late.iloc[0]), np.log(late.iloc[-1]), at_most)
            distance = np.abs(np.log(late.to_numpy())[:, None] - goals)
            keep[late.index[np.unique(distance.argmin(axis=0))]] = True
        return self._rows(keep)

    def _rows(self, mask: np.ndarray) -> Self:
        return replace(self, table=self.table[mask])


def _holds(column: pd.Series, dtype: str) -> bool:
    return pd.api.types.is_string_dtype(column) if dtype == "str" else column.dtype == dtype

"""Row conditions such as ``tokens > 1e9 and family == 'a'``, parsed here and never evaluated."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import read_number, shown

MAX_LENGTH = 2000  #: characters of a condition
MAX_DEPTH = 20  #: nested brackets

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")
      | (?P<number>[+-]?(?:\d|\.\d)[\w.]*(?:(?<=[eE])[+-]\d+[A-Za-z]?)?)
      | (?P<name>[^\W\d]\w*|`[^`]+`)
      | (?P<symbol>==|!=|<=|>=|<|>|=|\(|\)|,))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_EXAMPLE = "expected a condition such as tokens > 1e9 and family == 'a'"


def matching(table: pd.DataFrame, query: str) -> np.ndarray:
    """Mark the rows that satisfy a condition.

    Parameters
    ----------
    table
        Any table; text columns are compared with quoted text, numbers with quantities.
    query
        Comparisons ``column op value``, ``column in (a, b)`` or a bare true/false column,
        joined by ``and``, ``or``, ``not`` and brackets. Odd names go in backticks.

    Returns
    -------
    ndarray of bool
        One entry per row.

    Raises
    ------
    RunsError
        When the condition cannot be read or names an unknown column.

    Examples
    --------
    >>> table = pd.DataFrame({"family": ["a", "b"], "params": [7e9, 70e9]})
    >>> matching(table, "family in ('a', 'b') and not params >= 70B").tolist()
    [True, False]
    """
    return _Parser(table, query).parse()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _Parser:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, table: pd.DataFrame, query: str) -> None:
        self.table, self.query, self.at, self.depth = table, query, 0, 0
        if not isinstance(query, str) or not query.strip():
            raise RunsError(f"condition {shown(query)} is empty; {_EXAMPLE}")
        if len(query) > MAX_LENGTH:
            raise RunsError(f"a condition of {len(query)} characters; at most {MAX_LENGTH}")
        self.tokens = self._tokenise(query)

    def _tokenise(self, query: str) -> list[_Token]:
        tokens, at, end = [], 0, len(query.rstrip())
        while at < end:
            match = _TOKEN.match(query, at)
            if match is None or match.lastgroup is None:
                raise self._error(f"has {shown(query[at:end].strip()[:20])}")
            tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return tokens

    def _error(self, found: str) -> RunsError:
        return RunsError(f"condition {shown(self.query)} {found}; {_EXAMPLE}")

    def _peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def _next(self) -> _Token:
        if self.at == len(self.tokens):
            raise self._error("ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _accept(self, word: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at].text == word
        self.at += found
        return found

    def parse(self) -> np.ndarray:
        mask = self._either()
        if self.at < len(self.tokens):
            raise self._error(f"goes on with {shown(self._peek())} where 'and' or 'or' is needed")
        return mask

    def _either(self) -> np.ndarray:
        mask = self._both()
        while self._accept("or"):
            mask = mask | self._both()
        return mask

    def _both(self) -> np.ndarray:
        mask = self._single()
        while self._accept("and"):
            mask = mask & self._single()
        return mask

    def _single(self) -> np.ndarray:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"is nested more than {MAX_DEPTH} deep")
        if self._accept("not"):
            mask = ~self._single()
        elif self._accept("("):
            mask = self._either()
            if not self._accept(")"):
                raise self._error("lacks a closing bracket")
        else:
            mask = self._comparison()
        self.depth -= 1
        return mask

    def _comparison(self) -> np.ndarray:
        token = self._next()
        if token.kind != "name":
            raise self._error(f"has {shown(token.text)} where a column name is needed")
        column = self._column(token.text.strip("`"))
        if self._accept("not"):
            if not self._accept("in"):
                raise self._error("has 'not' after a column without 'in'")
            return ~self._among(column)
        if self._accept("in"):
            return self._among(column)
        sign = self._peek()
        if sign in _COMPARE:
            self.at += 1
            value = self._value(column, ordered=sign not in {"==", "!="})
            return np.asarray(_COMPARE[sign](column, value), dtype=bool)
        if sign == "=":
            raise self._error("has a single '='; equality is ==")
        if column.dtype == bool:
            return column.to_numpy()
        raise self._error(f"compares column {shown(column.name)} with nothing")

    def _among(self, column: pd.Series) -> np.ndarray:
        if not self._accept("("):
            raise self._error("has 'in' without a bracketed list")
        values = [self._value(column, ordered=False)]
        while self._accept(","):
            if self._peek() == ")":
                break
            values.append(self._value(column, ordered=False))
        if not self._accept(")"):
            raise self._error("lacks a closing bracket")
        return column.isin(values).to_numpy(bool)

    def _column(self, name: str) -> pd.Series:
        if name not in self.table:
            raise RunsError(
                f"condition {shown(self.query)} names an unknown column {shown(name)}; "
                f"expected one of {listed(list(self.table))}"
            )
        return self.table[name]

    def _value(self, column: pd.Series, *, ordered: bool) -> str | float | bool:
        """Read a literal of the kind the column holds; seed == 0 compares the text '0'."""
        token = self._next()
        name = shown(column.name)
        if column.dtype == bool:
            if token.text.lower() in {"true", "false"}:
                return token.text.lower() == "true"
            raise self._error(f"compares {name} with {shown(token.text)}, not true or false")
        if pd.api.types.is_numeric_dtype(column.dtype):
            if token.kind != "number":
                raise self._error(f"compares the number {name} with {shown(token.text)}")
            try:
                return read_number(token.text)
            except ValueError as error:
                raise self._error(f"has {shown(token.text)}, which {error}") from None
        if ordered:
            raise self._error(f"orders the text column {name}; use ==, != or in")
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "number":
            return token.text
        raise self._error(f"has {shown(token.text)} without quotes")

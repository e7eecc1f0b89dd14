"""Calls on threads: the kernels work outside the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    """Return a call to be made later."""
    return function, args, kwargs


def in_parallel(cores: int, calls: Sequence[Call]) -> list[Any]:
    """Make calls and return their results in order, the same for any number of cores."""
    return list(as_made(cores, calls))


def as_made(cores: int, calls: Sequence[Call]) -> Iterator[Any]:
    """Make calls and yield their results in order."""
    if cores == 1 or len(calls) == 1:
        for function, args, kwargs in calls:
            yield function(*args, **kwargs)
        return
    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(lambda c: c[0](*c[1], **c[2]), calls)

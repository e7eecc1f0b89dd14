"""Calls on threads: the kernels work outside the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    """Return a call to be made later."""
    return function, args, kwargs


def in_parallel(cores: int, calls: Sequence[Call]) -> list[Any]:
    """Make calls and return their results in order, the same for any number of cores."""
    return list(as_made(cores, calls))


def watched[Made](made: Iterable[Made], total: int, what: str, progress: bool) -> Iterable[Made]:
    """Show on stderr how much is done, and the time left, if asked and if there are several."""
    if not progress or total < 2:
        return made
    from rich.console import Console
    from rich.progress import track

    return track(made, what, total, console=Console(stderr=True), transient=True)


def as_made(cores: int, calls: Sequence[Call]) -> Iterator[Any]:
    """Make calls and yield their results in order."""
    if cores == 1 or len(calls) == 1:
        for function, args, kwargs in calls:
            yield function(*args, **kwargs)
        return
    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(lambda c: c[0](*c[1], **c[2]), calls)

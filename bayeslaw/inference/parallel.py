"""Calls on threads: the kernels work outside the interpreter's lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from joblib import Parallel


def in_parallel(cores: int, calls: Sequence[Any]) -> list[Any]:
    """Run delayed calls and return their results in order, the same for any number of cores."""
    if cores == 1 or len(calls) == 1:
        return [function(*args, **kwargs) for function, args, kwargs in calls]
    return list(Parallel(n_jobs=cores, prefer="threads")(calls))

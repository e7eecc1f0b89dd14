"""Results kept in a folder as they are made, so that interrupted work goes on where it was.

A result is found again by a digest of what made it: the function, every argument and the version
of the package. So a folder may serve several tables, models and seeds, a result is never taken
for another's, and it does not matter where or in what order results were made. Each is one file
of numpy arrays and JSON, written whole or not at all; nothing in it can run.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from bayeslaw.errors import FileError, SpecError
from bayeslaw.files import whole

_SUFFIX = ".npz"
_TREE = "tree"


def place(folder: Path, *made_by: Any) -> Path:
    """Return where the result of something lies in a folder.

    Raises
    ------
    SpecError
        If an argument is of a kind that has no digest.
    """
    return folder / f"{digest(version('bayeslaw'), *made_by)}{_SUFFIX}"


def digest(*values: Any) -> str:
    """Return a digest of values: equal values have equal digests in every process.

    Parameters
    ----------
    values : numbers, text, arrays, functions (told apart by their code), random generators (by
        their state), frozen values with fields, and lists, tuples and mappings of these.

    Examples
    --------
    >>> digest([1.0, "a"]) == digest([1.0, "a"]), digest([1.0]) == digest([1])
    (True, False)
    """
    found = hashlib.sha256()
    for value in values:
        _feed(found.update, value)
    return found.hexdigest()[:40]


def keep(path: Path, result: Any) -> None:
    """Write a result: numbers, text and arrays, in lists, tuples and dicts.

    Raises
    ------
    FileError
        If the folder cannot be made or written to.
    """
    arrays: list[np.ndarray] = []
    tree = json.dumps(_flat(result, arrays)).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"'{path.parent}' cannot be made a folder ({error.strerror}); choose another."
        ) from error
    named: dict[str, Any] = {f"a{i}": a for i, a in enumerate(arrays)}
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, **{_TREE: np.frombuffer(tree, np.uint8)}, **named)


def recall(path: Path) -> tuple[Any, ...]:
    """Return a tuple of the result in a file, or an empty one if it is not there or damaged."""
    try:
        # numpy leaves a damaged file open, so it is given one that is closed here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return (_grown(json.loads(found[_TREE].tobytes()), found),)
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return ()


def _feed(update: Callable[[bytes], Any], value: Any) -> None:
    """Feed a value to a digest, each kind with a mark of its own and its length."""
    kind = type(value).__qualname__
    update(f"<{kind}>".encode())
    if value is None:
        return
    match value:
        case bytes():
            update(struct.pack("<q", len(value)) + value)
        case bool() | int() | str():
            text = str(value).encode(errors="surrogatepass")
            update(struct.pack("<q", len(text)) + text)
        case float():
            update(struct.pack("<d", value))
        case np.ndarray() | np.generic():
            array = np.asarray(value)
            _feed(update, (array.dtype.str, array.shape))
            _feed(update, array.tolist()) if array.dtype == object else update(array.tobytes())
        case np.random.Generator():
            _feed(update, value.bit_generator.state)
        case list() | tuple():
            update(struct.pack("<q", len(value)))
            for item in value:
                _feed(update, item)
        case Mapping():
            _feed(update, list(value.items()))
        case Path():
            _feed(update, str(value))
        case _ if isinstance(getattr(value, "digest", None), str):
            _feed(update, value.digest)
        case _ if is_dataclass(value) and not isinstance(value, type):
            _feed(update, [(f.name, getattr(value, f.name)) for f in fields(value)])
        case _ if hasattr(value, "__code__"):
            _feed(update, (value.__module__, value.__qualname__, value.__defaults__))
            _feed(update, [cell.cell_contents for cell in value.__closure__ or ()])
            _feed(update, value.__code__)
        case CodeType():
            _feed(update, (value.co_code.hex(), value.co_names, value.co_consts))
        case _ if hasattr(value, "py_func"):  # compiled by numba
            _feed(update, value.py_func)
        case _:
            raise SpecError(
                f"results made by a {kind} cannot be kept, for it has no digest; expected "
                "functions and plain values. Leave the folder out."
            )


def _flat(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a value as JSON, its arrays put aside."""
    match value:
        case np.ndarray() | np.generic():
            arrays.append(np.asarray(value))
            return {"array": len(arrays) - 1}
        case tuple():
            return {"tuple": [_flat(item, arrays) for item in value]}
        case list():
            return [_flat(item, arrays) for item in value]
        case dict():
            return {"dict": [[key, _flat(item, arrays)] for key, item in value.items()]}
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise TypeError(f"a {type(value).__qualname__} is no result that can be kept")


def _grown(flat: Any, arrays: Any) -> Any:
    match flat:
        case {"array": place}:
            return arrays[f"a{place}"][()]
        case {"tuple": items}:
            return tuple(_grown(item, arrays) for item in items)
        case {"dict": pairs}:
            return {key: _grown(item, arrays) for key, item in pairs}
        case list():
            return [_grown(item, arrays) for item in flat]
        case _:
            return flat

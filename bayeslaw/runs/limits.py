"""How much memory reading one file may take, and how a reader says that it is too much."""

import math
import os
from pathlib import Path

from bayeslaw.errors import RunsError

MEMORY = "BAYESLAW_MEMORY_GIB"  #: environment variable with the memory one file may take
DEFAULT = 8.0  #: GiB, where the variable is not set
GIB = 1024**3
BYTES_PER_ROW = 1_000  #: rough memory of one row of runs while it is read and checked
TIMES_TEXT = 10  #: of a table's bytes on disk
TIMES_JSON = 50  #: of a JSON document's: it is held whole, as many small objects
MAX_LINE = 1_000_000  #: characters; no row of runs is that long, and a bomb may have one line


def allowed() -> float:
    """Return the bytes of memory that reading one file may take.

    Raises
    ------
    RunsError
        If the environment variable holds no positive number.
    """
    text = os.environ.get(MEMORY, "").strip()
    try:
        gib = float(text) if text else DEFAULT
    except ValueError:
        gib = math.nan
    if not 0 < gib < math.inf:
        raise RunsError(f"{MEMORY} is {text[:40]!a}; expected GiB of memory, such as {DEFAULT:g}")
    return gib * GIB


def rows_allowed() -> int:
    """Return how many rows a table may have."""
    return int(allowed() / BYTES_PER_ROW)


def bytes_allowed(times: float = TIMES_TEXT) -> int:
    """Return how large a file may be that takes so many times its size in memory."""
    return int(allowed() / times)


def too_large(what: str, needed: float, remedy: str) -> RunsError:
    """Return the refusal of a file: what it would need, the limit, and how to raise it.

    Examples
    --------
    >>> str(too_large("runs.csv has 9,000,000 rows", 18e9, "split the file"))
    'runs.csv has 9,000,000 rows and would need about 17 GiB of memory; expected at most 8 GiB; split the file, or set BAYESLAW_MEMORY_GIB=18 if the machine has as much'
    """  # noqa: E501
    gib = needed / GIB
    return RunsError(
        f"{what} and would need about {gib:.{0 if gib >= 10 else 1}f} GiB of memory; expected at "
        f"most {allowed() / GIB:g} GiB; {remedy}, or set {MEMORY}={math.ceil(gib + 0.5)} if the "
        "machine has as much"
    )


def read_document(path: Path) -> str:
    """Read a JSON document or ledger as UTF-8 text, if it is of a sensible size.

    Raises
    ------
    RunsError
        If it is too large, or not UTF-8.
    OSError
        If it cannot be opened.
    """
    with path.open("rb") as stream:
        data = stream.read(bytes_allowed(TIMES_JSON) + 1)
    if len(data) > bytes_allowed(TIMES_JSON):
        size = max(path.stat().st_size, len(data))
        raise too_large(f"{path.name} has {size:,} bytes", size * TIMES_JSON, "shorten it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise not_utf8(path.name, line, error.start, data[error.start]) from None


def not_utf8(name: str, line: int, at: int, byte: int) -> RunsError:
    """Return the refusal of a text that is in another encoding."""
    return RunsError(
        f"{name} is not UTF-8 text: line {line} has the byte {byte:#04x} (byte {at + 1} of the "
        "file); save it with UTF-8 encoding"
    )

"""Files read into raw tables: CSV, Parquet and JSON lines, each with its faults named."""

import csv
import difflib
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown

MAX_BYTES = 2 * 1024**3  #: of a file, and of what a gzip file holds
MAX_ROWS = 5_000_000
BYTES_PER_ROW = 2_000  #: rough memory of one row while it is read

FORMATS = ("csv", "parquet", "jsonl")
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}

_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_UNREADABLE = {
    ".xlsx": "is a spreadsheet; save it as CSV",
    ".xls": "is a spreadsheet; save it as CSV",
    ".ods": "is a spreadsheet; save it as CSV",
    ".pkl": "is a pickle, which can run code when opened; save it as Parquet or CSV",
    ".pickle": "is a pickle, which can run code when opened; save it as Parquet or CSV",
    ".zip": "is an archive; unpack it first",
}


def existing_file(path: str | Path) -> Path:
    """Return the path of a readable file of a sensible size, or say what is there instead.

    Examples
    --------
    >>> existing_file("no-such-folder/runs.csv")
    Traceback (most recent call last):
    bayeslaw.errors.RunsError: no file 'no-such-folder/runs.csv'; check the path
    """
    path = Path(path)
    if not path.name.isprintable():
        raise RunsError(f"file name {shown(path.name)} is not printable; rename the file")
    try:
        if path.is_dir():
            raise RunsError(f"{shown(path)} is a directory; give the file inside it")
        if not path.exists():
            near = difflib.get_close_matches(path.name, _neighbours(path), n=3, cutoff=0.6)
            hint = f"did you mean {listed(near)}?" if near else "check the path"
            raise RunsError(f"no file {shown(path)}; {hint}")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, RunsError):
            raise
        raise RunsError(f"{shown(path)} cannot be opened: {_reason(error)}") from None
    if size == 0:
        raise RunsError(f"{path.name}: the file is empty; expected a header and at least one row")
    if size > MAX_BYTES:
        raise RunsError(
            f"{path.name} has {size / 1024**3:.1f} GiB and would need about "
            f"{5 * size / 1024**3:.0f} GiB of memory; expected at most "
            f"{MAX_BYTES / 1024**3:.0f} GiB; thin the checkpoints or split the file"
        )
    return path


def read_raw(path: Path, format: str | None = None) -> pd.DataFrame:
    """Read a file into a table of raw cells, nothing interpreted beyond its format.

    Parameters
    ----------
    path
        An existing file; ``.gz`` is unpacked on the fly.
    format
        ``csv``, ``parquet`` or ``jsonl``; by default the suffix, or else the content, decides.

    Returns
    -------
    DataFrame
        Text cells from CSV; whatever Parquet and JSON hold.

    Raises
    ------
    RunsError
        When the file is not what it should be; the message names the line.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = (suffixes[:-1] if packed else suffixes)[-1:]
    if format is None and suffix and suffix[0] in _UNREADABLE:
        raise RunsError(f"{path.name} {_UNREADABLE[suffix[0]]}")
    if format is not None and format not in FORMATS:
        raise RunsError(f"format {format!r} is unknown; expected one of {', '.join(FORMATS)}")
    try:
        with _open(path, packed) as stream:
            head = stream.read(4096)
        format = format or _SUFFIXES.get(suffix[0] if suffix else "") or _sniff(head)
        reader: Callable[[Path, bool, bytes], pd.DataFrame] = {
            "csv": _read_csv, "parquet": _read_parquet, "jsonl": _read_json_lines,
        }[format]  # fmt: skip
        raw = reader(path, packed, head)
    except UnicodeDecodeError as error:
        raise RunsError(
            f"{path.name} is not UTF-8 text (byte {error.object[error.start]:#04x}); "
            "save it with UTF-8 encoding"
        ) from None
    except (OSError, EOFError) as error:
        raise RunsError(f"{path.name} cannot be read: {_reason(error)}") from None
    if len(raw) > MAX_ROWS:
        raise _too_many_rows(path)
    return raw


def _neighbours(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]


def _open(path: Path, packed: bool) -> Any:
    return gzip.open(path, "rb") if packed else path.open("rb")


def _sniff(head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) else "csv"


def _text(path: Path, packed: bool, head: bytes) -> io.TextIOWrapper:
    """Open as UTF-8 text, a byte-order mark left out; refuse what is plainly not text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RunsError(f"{path.name} is UTF-16 text; save it with UTF-8 encoding")
    if b"\0" in head or head.startswith((b"PAR1", b"\x1f\x8b", b"PK\x03\x04")):
        raise RunsError(
            f"{path.name} is a binary file; expected CSV, Parquet or JSON lines; "
            "check the path, or give the format with format="
        )
    return io.TextIOWrapper(_open(path, packed), encoding="utf-8-sig", newline="")


def _too_many_rows(path: Path) -> RunsError:
    return RunsError(
        f"{path.name} has more than {MAX_ROWS:,} rows and would need more than "
        f"{MAX_ROWS * BYTES_PER_ROW / 1024**3:.0f} GiB of memory; "
        "thin the checkpoints or split the file"
    )


def _read_csv(path: Path, packed: bool, head: bytes) -> pd.DataFrame:
    with _text(path, packed, head) as stream:
        first = stream.readline(1_000_000)
        while first and not first.strip():
            first = stream.readline(1_000_000)
    delimiter = _delimiter(path, first)
    with _text(path, packed, head) as stream:
        rows = csv.reader(_without_nul(path, stream), delimiter=delimiter, strict=True)
        try:
            header, count, faults = _scan(path, rows)
        except csv.Error as error:
            raise RunsError(
                f"{path.name}: line {rows.line_num} cannot be read as CSV ({error}); "
                "check the quotation marks on and above that line"
            ) from None
    if faults:
        raise RunsError("\n  ".join([f"{path.name}: rows of unequal length", *faults]))
    with _text(path, packed, head) as stream:
        raw = pd.read_csv(
            stream, sep=delimiter, header=0, names=header, dtype="str",
            keep_default_na=False, index_col=False, skip_blank_lines=True,
        )  # fmt: skip
    if len(raw) != count:
        raise RunsError(
            f"{path.name}: {count} rows read one way and {len(raw)} another; "
            "check quotation marks and line ends"
        )
    return raw


def _without_nul(path: Path, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            raise RunsError(f"{path.name} is a binary file, or damaged; it has NUL characters")
        yield line


def _delimiter(path: Path, first: str) -> str:
    """Choose the delimiter that parts the header into most names."""
    try:
        counts = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in DELIMITERS}
    except csv.Error as error:
        raise RunsError(f"{path.name}: the header cannot be read as CSV ({error})") from None
    best = max(counts, key=lambda mark: counts[mark])
    if counts[best] < 2:
        raise RunsError(
            f"{path.name}: the header {shown(first.strip())} is a single column; expected names "
            f"parted by {', '.join(DELIMITERS.values())}; save the file with one of these"
        )
    return best


def _scan(path: Path, rows: Any) -> tuple[list[str], int, list[str]]:
    """Return the header, the number of rows and a sentence per ragged row; keep no cell."""
    header: list[str] | None = None
    faults: list[str] = []
    size = n = 0
    for cells in rows:
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if header is None:
            header = [name.strip() or f"unnamed_{i}" for i, name in enumerate(cells, 1)]
            _refuse_repeats(path, header)
            continue
        n += 1
        size += sum(map(len, cells))
        if n > MAX_ROWS or size > MAX_BYTES:
            raise _too_many_rows(path)
        if len(cells) != len(header) and len(faults) < 5:
            faults.append(
                f"row {n} (line {rows.line_num}) has {len(cells)} cells, starting with "
                f"{shown(cells[0])}; expected {len(header)} as in the header; "
                "quote cells that hold the delimiter, or write 12.5 instead of 12,5"
            )
    return header or [], n, faults


def _refuse_repeats(path: Path, header: list[str]) -> None:
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise RunsError(
            f"{path.name}: the header names {listed(repeated)} more than once; "
            "expected every column once; rename or delete the copies"
        )


def _read_parquet(path: Path, packed: bool, head: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _open(path, packed) as stream:
            source = pa.BufferReader(stream.read(MAX_BYTES)) if packed else pa.PythonFile(stream)
            file = pq.ParquetFile(source)
            if file.metadata.num_rows > MAX_ROWS:
                raise _too_many_rows(path)
            _refuse_repeats(path, file.schema_arrow.names)
            return file.read().to_pandas()
    except (pa.ArrowException, ValueError) as error:
        if isinstance(error, RunsError):
            raise
        raise RunsError(
            f"{path.name} is not a readable Parquet file ({_reason(error)}); "
            "write it again, or give the right format with format="
        ) from None


def _read_json_lines(path: Path, packed: bool, head: bytes) -> pd.DataFrame:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise RunsError(
            f"{path.name} is one JSON array; expected JSON lines, one object per line; "
            "convert it with jq -c '.[]'"
        )
    records: list[dict] = []
    size = 0
    with _text(path, packed, head) as stream:
        for number, line in enumerate(stream, 1):
            size += len(line)
            if len(records) >= MAX_ROWS or size > MAX_BYTES:
                raise _too_many_rows(path)
            if line.strip():
                records.append(_record(path, number, line))
    return pd.DataFrame(records, dtype=object)


def _record(path: Path, number: int, line: str) -> dict:
    try:
        record = json.loads(line, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise RunsError(
            f"{path.name}: line {number} is not valid JSON ({_reason(error)}), found "
            f"{shown(line.strip())}; expected one JSON object per line; repair or delete it"
        ) from None
    if not isinstance(record, dict):
        raise RunsError(
            f"{path.name}: line {number} holds {shown(line.strip())}; "
            'expected one JSON object per line, such as {"family": "a", ...}'
        )
    return record


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key occurs twice")
    return record

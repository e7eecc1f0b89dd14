"""Files read into raw tables: CSV, Parquet and JSON lines, each with its faults named."""

import csv
import difflib
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.runs.limits import (
    BYTES_PER_ROW,
    MAX_LINE,
    TIMES_TEXT,
    bytes_allowed,
    not_utf8,
    rows_allowed,
    too_large,
)
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown

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
_THIN = "thin the checkpoints or split the file"


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
    if size > bytes_allowed():
        raise too_large(f"{path.name} has {size:,} bytes", TIMES_TEXT * size, _THIN)
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
        raise _not_utf8(path, packed, error) from None
    except (OSError, EOFError, zlib.error) as error:
        raise RunsError(f"{path.name} cannot be read: {_reason(error)}") from None
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


def _not_utf8(path: Path, packed: bool, error: UnicodeDecodeError) -> RunsError:
    """Find the first byte that is not UTF-8: the error only knows its place in a buffer."""
    line, done, held = 1, 0, b""
    with _open(path, packed) as stream:
        while chunk := stream.read(1 << 20):
            held += chunk
            try:
                held.decode()
                end = len(held)
            except UnicodeDecodeError as found:
                end = found.start
                if len(held) - end >= 4 or "unexpected end" not in found.reason:
                    line += held.count(b"\n", 0, end)
                    return not_utf8(path.name, line, done + end, held[end])
            # A character may be cut in two by the end of a chunk.
            line, done, held = line + held.count(b"\n", 0, end), done + end, held[end:]
    return not_utf8(path.name, line, done, held[0] if held else error.object[error.start])


def _too_many_rows(path: Path, rows: int, least: str = "") -> RunsError:
    return too_large(f"{path.name} has {least}{rows:,} rows", rows * BYTES_PER_ROW, _THIN)


def _refuse_long(path: Path, packed: bool) -> None:
    """Count the lines of a file that is not packed: quick, where reading them is not."""
    if packed or path.stat().st_size < 4 * rows_allowed():
        return
    with path.open("rb") as stream:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 24), b""))
    rows = lines - 1  # of a CSV, which has a header; a JSON line more or less does not matter here
    if rows > rows_allowed():
        raise _too_many_rows(path, rows, "about ")


def _read_csv(path: Path, packed: bool, head: bytes) -> pd.DataFrame:
    _refuse_long(path, packed)
    with _text(path, packed, head) as stream:
        first = stream.readline(1_000_000)
        while first and not first.strip():
            first = stream.readline(1_000_000)
    delimiter = _delimiter(path, first)
    with _text(path, packed, head) as stream:
        rows = csv.reader(_lines(path, stream), delimiter=delimiter, strict=True)
        try:
            header, count, faults = _scan(path, rows)
        except csv.Error as error:
            raise RunsError(
                f"{path.name}: line {rows.line_num} cannot be read as CSV ({error}); "
                "check the quotation marks on and above that line"
            ) from None
    if faults:
        raise RunsError("\n  ".join([f"{path.name}: rows of unequal length", *faults]))
    try:
        with _text(path, packed, head) as stream:
            raw = pd.read_csv(
                stream, sep=delimiter, header=0, names=header, dtype="str",
                keep_default_na=False, index_col=False, skip_blank_lines=True,
            )  # fmt: skip
    except pd.errors.ParserError as error:
        raise RunsError(
            f"{path.name} cannot be read as CSV ({str(error).strip()}); "
            "check quotation marks and line ends"
        ) from None
    if len(raw) != count:
        raise RunsError(
            f"{path.name}: {count} rows read one way and {len(raw)} another; "
            "check quotation marks and line ends"
        )
    return raw


def _lines(path: Path, stream: io.TextIOBase) -> Iterator[str]:
    """Yield the lines of a text; refuse one that is no line of a table."""
    number = size = 0
    most = bytes_allowed()
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        size += len(line)
        if "\0" in line:
            raise RunsError(f"{path.name} is a binary file, or damaged; it has NUL characters")
        if len(line) > MAX_LINE:
            raise RunsError(
                f"{path.name}: line {number} is longer than {MAX_LINE:,} characters; expected one "
                "row per line; check the quotation marks and line ends"
            )
        if size > most:
            raise too_large(
                f"{path.name} holds more than {most:,} characters", TIMES_TEXT * size, _THIN
            )
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
    n, most = 0, rows_allowed()
    for cells in rows:
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if header is None:
            header = [name.strip() or f"unnamed_{i}" for i, name in enumerate(cells, 1)]
            _refuse_repeats(path, header)
            continue
        n += 1
        if n > most:
            raise _too_many_rows(path, most, "more than ")
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
            if packed:
                content = stream.read(bytes_allowed() + 1)
                if len(content) > bytes_allowed():
                    size = TIMES_TEXT * len(content)
                    raise too_large(f"{path.name} holds {len(content):,} bytes", size, _THIN)
                source: Any = pa.BufferReader(content)
            else:
                source = pa.PythonFile(stream)
            file = pq.ParquetFile(source)
            names = file.schema_arrow.names
            _refuse_repeats(path, names)
            if file.metadata.num_rows > rows_allowed():
                raise _too_many_rows(path, file.metadata.num_rows)
            _refuse_size(path, _declared(file))
            # One text repeated a million times takes no room in the file: texts are kept as
            # pointers into a dictionary until it is known how many bytes they come to.
            texts = [f.name for f in file.schema_arrow if _is_text(f.type)]
            table = pq.ParquetFile(source, read_dictionary=texts).read()
            _refuse_size(path, sum(map(_unpacked, table.columns)))
            for i, field in enumerate(table.schema):
                if pa.types.is_dictionary(field.type):
                    plain = table.column(i).cast(field.type.value_type)
                    table = table.set_column(i, field.name, plain)
            # What the file says of pandas types is not needed, and can be anything.
            return table.replace_schema_metadata(None).to_pandas()
    except (pa.ArrowException, ValueError, LookupError, TypeError, MemoryError) as error:
        if isinstance(error, RunsError):
            raise
        raise RunsError(
            f"{path.name} is not a readable Parquet file ({_reason(error)}); "
            "write it again, or give the right format with format="
        ) from None


def _declared(file: Any) -> int:
    """Return the bytes that a Parquet file says it unpacks to, and at least 8 for every cell."""
    meta = file.metadata
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    cells = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
    return max(8 * cells, sum(g.total_byte_size for g in groups))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        test(kind)
        for test in (
            pa.types.is_string, pa.types.is_large_string, pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )  # fmt: skip


def _unpacked(column: Any) -> int:
    """Return the bytes of a column once its dictionary is written out."""
    import pyarrow as pa
    import pyarrow.compute

    if not (pa.types.is_dictionary(column.type) and _is_text(column.type)):
        return column.nbytes
    pc: Any = pyarrow.compute  # its functions are made at import and unknown to type checkers
    lengths = (
        pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() or 0
        for chunk in column.chunks
    )
    return sum(lengths)


def _refuse_size(path: Path, size: int) -> None:
    if size > bytes_allowed():
        raise too_large(f"{path.name} unpacks to {size:,} bytes", TIMES_TEXT * size, _THIN)


def _read_json_lines(path: Path, packed: bool, head: bytes) -> pd.DataFrame:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise RunsError(
            f"{path.name} is one JSON array; expected JSON lines, one object per line; "
            "convert it with jq -c '.[]'"
        )
    records: list[dict] = []
    most = rows_allowed()
    _refuse_long(path, packed)
    with _text(path, packed, head) as stream:
        for number, line in enumerate(_lines(path, stream), 1):
            if line.strip():
                records.append(_record(path, number, line))
            if len(records) > most:
                raise _too_many_rows(path, most, "more than ")
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

"""Files that are large, or unpack to something large, are refused before memory is taken."""

import gzip
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bayeslaw.errors import RunsError
from bayeslaw.runs import load_runs
from bayeslaw.runs.limits import BYTES_PER_ROW, GIB, MAX_LINE, MEMORY, TIMES_JSON, read_document
from tests.runs.malformed import GOOD, HEADER, table

RAISE = r"GiB of memory; expected at most .* GiB; .*set BAYESLAW_MEMORY_GIB=\d+"
LONG = f'{{"family": "a", "x": "{"y" * MAX_LINE}"}}\n'.encode()


@pytest.fixture
def rows_allowed(monkeypatch):
    """Allow memory for so many rows, with the real limits otherwise."""
    return lambda rows: monkeypatch.setenv(MEMORY, f"{(rows + 0.5) * BYTES_PER_ROW / GIB:.15f}")


def _parquet(**columns):
    return lambda path: pq.write_table(pa.table(columns), path)


def _repeated(rows, characters):
    """A column of one long text, which takes no room in the file."""
    return pa.DictionaryArray.from_arrays(
        pa.array([0] * rows, pa.int32()), pa.array(["x" * characters])
    )


@pytest.mark.parametrize("name", ["runs.csv", "runs.csv.gz", "runs.jsonl", "runs.parquet"])
def test_too_many_rows_are_refused_and_the_limit_can_be_raised(name, tmp_path, rows_allowed):
    frame = pd.DataFrame({"family": "a", "params": 1e8, "loss": 3.0}, index=range(50))
    frame["tokens"] = [1e9 * i for i in range(1, 51)]
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    rows_allowed(40)
    with pytest.raises(RunsError, match=rf"has (more than 40|about 49|about 50|50) rows .*{RAISE}"):
        load_runs(path)
    rows_allowed(50)
    assert len(load_runs(path)) == 50


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("runs.csv", lambda p: p.write_bytes(table() + b"#" * 30_000), RAISE),
        (
            "runs.csv.gz",
            lambda p: p.write_bytes(gzip.compress(table() + b"a,1e8,2e9,3.3\n" * 5000)),
            f"(more than .* rows|more than .* characters).*{RAISE}",
        ),
        (
            "runs.csv.gz",
            lambda p: p.write_bytes(gzip.compress(table() + b"1" * (MAX_LINE + 9))),
            "line 4 is longer than 1,000,000 characters",
        ),
        (
            "runs.jsonl.gz",
            lambda p: p.write_bytes(gzip.compress(LONG)),
            "line 1 is longer than 1,000,000 characters",
        ),
        ("runs.parquet", _parquet(family=_repeated(100, 2000)), f"unpacks to 200,.*{RAISE}"),
        ("runs.parquet", _parquet(x=pa.array([[0] * 5000] * 20)), f"unpacks to 800,.*{RAISE}"),
        ("runs.parquet.gz", lambda p: p.write_bytes(gzip.compress(bytes(90_000))), RAISE),
    ],
)
def test_what_unpacks_to_much_is_refused(name, write, said, tmp_path, rows_allowed):
    path = tmp_path / name
    write(path)
    rows_allowed(200)
    with pytest.raises(RunsError) as caught:
        load_runs(path)
    assert re.search(said, str(caught.value)), caught.value


def test_texts_of_parquet_are_read_whole_whatever_their_type(tmp_path):
    kinds = [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
    for kind in kinds:
        family = pa.array(["a", "b", "b"], pa.string()).cast(kind)
        numbers = {"params": [1e8, 2e8, 3e8], "tokens": [1e9] * 3, "loss": [3.0, 2.9, 2.8]}
        pq.write_table(pa.table({"family": family, **numbers}), tmp_path / "runs.parquet")
        assert load_runs(tmp_path / "runs.parquet").table["family"].tolist() == ["a", "b", "b"]


@pytest.mark.parametrize("given", ["lots", "-1", "nan", "inf", "0"])
def test_a_limit_that_is_no_number_is_refused(given, tmp_path, monkeypatch):
    monkeypatch.setenv(MEMORY, given)
    path = tmp_path / "runs.csv"
    path.write_bytes(table())
    with pytest.raises(RunsError, match=rf"BAYESLAW_MEMORY_GIB is '{given}'; expected GiB"):
        load_runs(path)


def test_a_byte_that_is_not_utf8_is_found(tmp_path):
    good = f"{HEADER}\n".encode() + "\n".join([GOOD[0].replace("a", "\u00e9")] * 90_000).encode()
    path = tmp_path / "runs.csv"
    for end in (b"\xc3", b"\xe9,1"):  # a character cut short, and a byte of another encoding
        path.write_bytes(good + b"\n" + end)
        place = rf"line 90002 has the byte 0x{end[0]:02x} \(byte {len(good) + 2} of the file\)"
        with pytest.raises(RunsError, match=f"not UTF-8 text: {place}"):
            load_runs(path)


def test_a_document_is_read_whole_or_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    path.write_bytes(b"\xef\xbb\xbf[1]\n")
    assert read_document(path) == "[1]\n"
    path.write_bytes(b"[1,\n\xff]")
    with pytest.raises(RunsError, match="line 2 has the byte 0xff"):
        read_document(path)
    monkeypatch.setenv(MEMORY, f"{5 * TIMES_JSON / GIB:.15f}")
    with pytest.raises(RunsError, match=f"has 6 bytes .*{RAISE}"):
        read_document(path)

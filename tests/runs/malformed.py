"""Tables that must be refused, and what the refusal must say; the CLI tests reuse the list."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

HEADER = "family,params,tokens,loss"
GOOD = ("a,1e8,2e9,3.9", "a,2e8,4e9,3.6", "a,4e8,8e9,3.3", "a,8e8,1.6e10,3.1")


@dataclass(frozen=True)
class Malformed:
    """One bad file: how to write it, how to load it, and regex pieces its message contains."""

    name: str
    content: bytes | Callable[[Path], None]
    pieces: tuple[str, ...]
    arguments: dict = field(default_factory=dict)
    file_name: str = "runs.csv"
    loads: bool = False  # the table is fine as a value and only a fit refuses it

    def write(self, folder: Path) -> Path:
        """Write the file into a folder and return its path."""
        path = folder / self.file_name
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path

    @property
    def flags(self) -> list[str]:
        """The arguments as command-line flags."""
        flags = []
        for name, value in self.arguments.items():
            if name == "rename":
                for canonical, found in value.items():
                    flags += ["--map", f"{canonical}={found}"]
            else:
                flags += [f"--{name.replace('_', '-')}", str(value)]
        return flags


def table(*rows: str, header: str = HEADER, good: int = 2) -> bytes:
    """Write a CSV of some good rows followed by the rows under test."""
    return "\n".join([header, *GOOD[:good], *rows, ""]).encode()


def column(name: str, *values: str) -> bytes:
    """Write a CSV with one more column than needed; its first cells are the values."""
    rows = [f"{row},{value}" for row, value in zip(GOOD, values, strict=False)]
    return "\n".join([f"{HEADER},{name}", *rows, ""]).encode()


def cell(name: str, where: str, value: str, *pieces: str, **arguments: object) -> Malformed:
    """Put one bad value into row 3 of an otherwise good table."""
    cells = dict(zip(HEADER.split(","), GOOD[2].split(","), strict=True)) | {where: value}
    content = table(",".join(cells.values()))
    return Malformed(name, content, (f"column '{where}'", "row 3", *pieces), dict(arguments))


def _frame(**columns: object) -> Callable[[Path], None]:
    base = {"family": ["a", "a"], "params": [1e8, 2e8], "tokens": [2e9, 4e9], "loss": [3.9, 3.6]}
    return lambda path: pd.DataFrame(base | columns).to_parquet(path)


def _many(count: int, row: str) -> bytes:
    return table(*[row] * count, good=0)


MALFORMED: tuple[Malformed, ...] = (
    # One bad cell.
    cell("text in a count", "params", "big", "'big'", "expected a number", "7e10 or 70B"),
    cell("text in a loss", "loss", "low", "'low'", "expected a number"),
    cell("unknown unit", "params", "70 GB", "'70 GB'", "unknown unit", "K, M, B and T"),
    cell("suffix in a loss", "loss", "3.3K", "'3.3K'", "suffix meant for counts"),
    cell("percentage", "loss", "33%", "'33%'", "percentage", "plain number"),
    cell("currency", "tokens", "$8e9", r"'\$8e9'", "money"),
    cell("euro sign is escaped", "tokens", "8\u20ac", r"8\\u20ac", "money"),
    cell("date", "tokens", "2024-05-01", "'2024-05-01'", "date"),
    cell("complex text", "loss", "3+2j", r"'3\+2j'", "not a number"),
    cell("boolean word", "loss", "true", "'true'", "not a number"),
    cell("hexadecimal", "params", "0xFF", "'0xFF'", "is not a number"),
    cell("formula", "params", "=1e8*2", "'=1e8\\*2'", "not a number"),
    cell("other digits", "params", "\u0667\u0660", "not a number"),
    cell("zero loss", "loss", "0", "found '0'", "above 0", "drop the row"),
    cell("negative loss", "loss", "-3.3", "found '-3.3'", "above 0"),
    cell("zero params", "params", "0", "above 0", "drop the row"),
    cell("negative params", "params", "-4e8", "-4e8", "above 0"),
    cell("zero tokens", "tokens", "0", "above 0"),
    cell("negative tokens", "tokens", "-1", "above 0"),
    cell("nan", "loss", "NaN", "'NaN'", "a value on every row", "fill it in"),
    cell("empty cell", "tokens", "", "found ''", "a value on every row", "fill it in"),
    cell("infinite loss", "loss", "inf", "'inf'", "not a finite number"),
    cell("minus infinity", "tokens", "-Infinity", "not a finite number"),
    cell("overflowing number", "params", "1e999", "too large", "exponent"),
    cell("empty family", "family", "", "found ''", "some text", "name the group"),
    cell("blank family", "family", "   ", "some text", "name the group"),
    cell("long family", "family", "x" * 201, "at most 200 characters", "shorten"),
    cell("escape in a family", "family", "\x1b[31mred", r"\\x1b\[31mred", "control characters"),
    cell("text direction override", "family", "a\u202eb", r"\\u202e", "control characters"),
    cell("newline in a family", "family", '"a\nb"', r"'a\\nb'", "line breaks"),
    cell("params in billions", "params", "7", "'7'", "1000 parameters", "billions", "7B"),
    cell("huge params", "params", "1e17", "1e17", "at most 1e\\+16 parameters", "exponent"),
    cell("huge tokens", "tokens", "2e19", "2e19", "at most 1e\\+19 tokens", "exponent"),
    cell("perplexity cell", "loss", "27.1", "27.1", "15 nats", "perplexity", "--loss-unit ppl"),
    cell("perplexity of one", "loss", "1", "found 1", "above 1", "--loss-unit", loss_unit="ppl"),
    cell("perplexity below one", "loss", "0.5", "0.5", "above 1", loss_unit="ppl"),
    cell(
        "nats far too large after conversion", "loss", "1e9", "1e9", "15 nats", "really holds ppl",
        loss_unit="ppl",
    ),
    # Optional columns.
    Malformed(
        "negative loss_sd",
        column("loss_sd", "0.01", "-0.01"),
        ("column 'loss_sd'", "row 2", "-0.01", "0 or more", "0 if unknown"),
    ),
    Malformed(
        "text in flops",
        column("flops", "1e18", "lots"),
        ("column 'flops'", "row 2", "'lots'", "expected a number"),
    ),
    Malformed(
        "zero flops", column("C", "1e18", "0"), ("column 'flops'", "row 2", "above 0", "correct")
    ),
    Malformed(
        "final that is no flag",
        column("final", "true", "no", "maybe", "yes"),
        ("column 'final'", "'maybe'", "row 3", "true or false"),
    ),
    Malformed(
        "control character in a run",
        column("run", "r1", "r\x072"),
        ("column 'run'", "row 2", r"r\\x072", "control characters"),
    ),
    Malformed(
        "loss unit stated otherwise",
        column("loss_unit", "nats", "ppl"),
        ("column 'loss_unit'", "'ppl'", "row 2", "'nats'", "--loss-unit"),
    ),
    # Columns.
    Malformed(
        "missing column",
        b"family,params,tokens\na,1e8,2e9\n",
        ("no column 'loss'", "found 'family', 'params', 'tokens'", "--map loss="),
    ),
    Malformed(
        "perplexity column by name",
        b"family,params,tokens,ppl\na,1e8,2e9,30\n",
        ("no column 'loss'", "--map loss=ppl --loss-unit ppl"),
    ),
    Malformed(
        "no header", table(good=4, header=GOOD[0]), ("first line looks like data", "add a header")
    ),
    Malformed(
        "repeated column",
        b"family,params,tokens,loss,loss\na,1e8,2e9,3.9,3.8\n",
        ("'loss' more than once", "expected every column once", "rename or delete"),
    ),
    Malformed(
        "two names for one column",
        column("N", "1e8", "2e8"),
        ("'params' and 'N' both read as params", "--map params=N"),
    ),
    Malformed(
        "map to an absent column",
        table(),
        ("--map loss=val_los", "no column 'val_los'", "columns are"),
        {"rename": {"loss": "val_los"}},
    ),
    Malformed(
        "map of an unknown name",
        table(),
        ("--map lss=loss", "'lss' is no column of a runs table", "canonical=found"),
        {"rename": {"lss": "loss"}},
    ),
    Malformed(
        "weights and biases export",
        b"Step,r1 - val/loss\n1,3.9\n",
        ("no column", "load_wandb"),
    ),
    # Rows against each other.
    Malformed(
        "repeated measurement",
        table("a,1e8,2e9,3.8"),
        ("rows 1 and 3", "family 'a'", "different losses 3.9, 3.8", "'seed' column"),
    ),
    Malformed(
        "copied row", table(GOOD[1]), ("rows 2 and 3", "same loss 3.6", "drop the copies")
    ),
    Malformed(
        "same seed twice",
        b"family,params,tokens,loss,seed\na,1e8,2e9,3.9,0\na,1e8,2e9,3.8,0\na,1e8,2e9,3.7,1\n",
        ("rows 1 and 2", "seed '0'", "expected one row per measurement", "'seed' column"),
    ),
    Malformed(
        "checkpoint twice",
        b"family,params,tokens,loss,run\na,1e8,2e9,3.9,r\na,1e8,1e9,4.2,r\na,1e8,2e9,3.7,r\n",
        ("rows 1 and 3", "tokens 2e\\+09", "one row per measurement"),
    ),
    Malformed(
        "run of two sizes",
        column("run", "r", "r", "s", "t"),
        ("column 'params'", "run 'r'", r"1e\+08 \(row 1\)", r"2e\+08 \(row 2\)", "own label"),
    ),
    Malformed(
        "made-up label taken",
        column("run", "a/0002", ""),
        ("column 'run'", "expected one label per training run", "fill in"),
    ),
    Malformed(
        "units mixed in a family",
        table(
            "a,1.6e9,3.2e10,2.9", "a,3.2e9,6.4e10,2.8", "a,6.4e9,1.3e11,14.2", "a,1e10,2e11,2.6",
            good=4,
        ),
        ("column 'loss'", "family 'a'", r"14.2 \(row 7\)", "4 times off", "--loss-unit ppl"),
    ),
    Malformed(
        "perplexity column",
        table("a,1e8,2e9,14.9", "a,2e8,4e9,12", "a,4e8,8e9,10", "a,8e8,1e10,9", good=0),
        ("median 11", r"14.9 \(row 1\)", "nats per token", "--loss-unit ppl"),
    ),
    Malformed(
        "family of two labs",
        column("lab", "x", "y", "x", "x"),
        ("column 'lab'", "family 'a'", r"'y' \(row 2\)", "one lab per family"),
    ),
    # Arguments.
    Malformed(
        "bits per byte alone",
        table(),
        ("bytes_per_token", "such as 4.2", "--bytes-per-token"),
        {"loss_unit": "bpb"},
    ),
    Malformed(
        "impossible bytes per token",
        table(),
        ("found -1", "mean bytes per token", "--bytes-per-token"),
        {"loss_unit": "bpb", "bytes_per_token": -1},
    ),
    # Files.
    Malformed("empty file", b"", ("file is empty", "header")),
    Malformed("only blank lines", b"\n\n \n", ("single column", "comma, tab, semicolon")),
    Malformed("header only", HEADER.encode() + b"\n", ("no rows", "at least one")),
    Malformed(
        "wrong delimiter",
        table(good=4).replace(b",", b"|"),
        (r"'family\|params\|tokens\|loss'", "single column", "comma, tab, semicolon"),
    ),
    Malformed(
        "decimal commas",
        b"family;params;tokens;loss\na;1e8;2e9;3,9\na;2e8;4e9;3,6\n",
        ("column 'loss'", r"'3,9' \(row 1\)", "comma", "decimal point"),
    ),
    Malformed(
        "thousands separators",
        table('a,"400,000,000",8e9,3.3'),
        ("column 'params'", "row 3", "'400,000,000'", "thousands separators"),
    ),
    Malformed(
        "ragged row", table("a,4e8,8e9,3,3"), (r"row 3 \(line 4\) has 5 cells", "expected 4")
    ),
    Malformed("short row", table("a,4e8,8e9"), (r"row 3 \(line 4\) has 3 cells", "expected 4")),
    Malformed("open quote", table('"a,4e8,8e9,3.3'), ("line", "CSV", "quotation marks")),
    Malformed("nul in a cell", table("a,4e8,8e9,3.3\0"), ("binary file",)),
    Malformed("late nul", _many(2000, GOOD[0]) + b"a,4e8,8e9,3.3\0", ("NUL characters",)),
    Malformed("endless header", b"x" * 200_000, ("header cannot be read", "field")),
    Malformed("binary file", bytes(range(256)) * 4, ("binary file", "check the path")),
    Malformed("latin-1 text", "family,params\n\u00e9,1\n".encode("latin-1"), ("UTF-8", "0xe9")),
    Malformed("utf-16 text", table().decode().encode("utf-16"), ("UTF-16", "UTF-8")),
    Malformed(
        "packed without saying so",
        gzip.compress(table(), mtime=0),
        ("binary file", "check"),
    ),
    Malformed(
        "broken gzip", b"\x1f\x8b no", ("cannot be read",), file_name="runs.csv.gz"
    ),
    Malformed("not gzip", table(), ("cannot be read", "gzip"), file_name="runs.csv.gz"),
    Malformed("directory", lambda path: path.mkdir(), ("directory", "file inside")),
    Malformed(
        "misspelt file",
        lambda path: path.with_name("runs2.csv").write_bytes(table()),
        ("no file", "did you mean 'runs2.csv'"),
    ),
    Malformed("spreadsheet", b"PK\x03\x04", ("spreadsheet", "CSV"), file_name="runs.xlsx"),
    Malformed("pickle", b"\x80\x04", ("pickle", "run code", "Parquet"), file_name="runs.pkl"),
    Malformed("json document", b"{}", ("JSON", "load_trainer_state"), file_name="state.json"),
    Malformed(
        "text called parquet", table(), ("not a readable Parquet",), file_name="runs.parquet"
    ),
    Malformed(
        "booleans in parquet",
        _frame(loss=[True, False]),
        ("column 'loss'", "True", "row 1", "true or false", "number"),
        file_name="runs.parquet",
    ),
    Malformed(
        "dates in parquet",
        _frame(tokens=pd.to_datetime(["2024-01-01", "2024-01-02"])),
        ("column 'tokens'", "row 1", "date", "plain number"),
        file_name="runs.parquet",
    ),
    Malformed(
        "lists in parquet",
        _frame(family=[["a"], ["b"]]),
        ("column 'family'", "row 1", "expected text"),
        file_name="runs.parquet",
    ),
    Malformed(
        "broken json line",
        b'{"family": "a", "params": 1e8, "tokens": 2e9, "loss": 3.9}\n{"family": "a", \n',
        ("line 2", "not valid JSON", "repair"),
        file_name="runs.jsonl",
    ),
    Malformed(
        "json line that is no object",
        b'{"family": "a"}\n[1, 2]\n',
        ("line 2", r"\[1, 2\]", "one JSON object per line"),
        file_name="runs.jsonl",
    ),
    Malformed(
        "json array", b'[{"family": "a"}]', ("JSON array", "jq"), file_name="runs.jsonl"
    ),
    Malformed(
        "json key twice",
        b'{"family": "a", "loss": 3, "loss": 4}\n',
        ("line 1", "key occurs twice"),
        file_name="runs.jsonl",
    ),
    Malformed(
        "json boolean and list",
        b'{"family": "a", "params": true, "tokens": [1], "loss": 3.9}\n',
        ("column 'params': found True", "column 'tokens': found '?\\[1\\]", "type list"),
        file_name="runs.jsonl",
    ),
    # Fine as a value, useless for a fit.
    Malformed("one row", table(good=1), ("only 1 row", "add runs"), loads=True),
    Malformed(
        "one size",
        b"family,params,tokens,loss,seed\na,1e8,2e9,3.9,0\na,1e8,2e9,3.8,1\n",
        ("single size", "at least two", "add runs"),
        loads=True,
    ),
)  # fmt: skip

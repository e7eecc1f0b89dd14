"""Item 4: a table of ten million rows: refused by default with a figure, read if one allows it.

Run as a module with a path, this file is the process that reads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bayeslaw.runs.limits import BYTES_PER_ROW, GIB, MEMORY
from tests.benchmarks.fresh import ROOT, _peak
from tests.benchmarks.report import Row, Section, at_most, failed, shown
from tests.benchmarks.trust_sizes import Sizes

TITLE = "A table of many rows"
_BATCH = 100_000


def run(sizes: Sizes, cores: int) -> Section:
    """Write one table and read it under a limit that is too small, and under one that is not."""
    needed = sizes.table_rows * BYTES_PER_ROW / GIB
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.csv"
        written(path, sizes.table_rows)
        rows = [
            shown(f"{sizes.table_rows:,} rows on disk", path.stat().st_size / 2**20, "MiB"),
            *reading_rows("too little memory allowed", path, 0.8 * needed),
            *reading_rows("enough memory allowed", path, 1.1 * needed),
        ]
        rows.append(at_most("memory of a row", _bytes_per_row(rows, sizes), BYTES_PER_ROW, "B"))
    return Section(4, TITLE, tuple(rows), ("a fresh process each; memory includes imports",))


def reading_rows(what: str, path: Path, gib: float) -> list[Row]:
    """Read in a process of its own; return its answer, its seconds and its memory."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.trust_rows", str(path)],
        cwd=ROOT, env={**os.environ, MEMORY: f"{gib:.6g}"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        return [failed(what, done.stderr.strip().splitlines()[-1:], "an answer")]
    answer, peak = done.stdout.strip().splitlines()[-2:]
    return [
        shown(f"{what}: answer", answer),
        shown(f"{what}: seconds", time.perf_counter() - start, "s"),
        shown(f"{what}: peak memory", float(peak), "MiB"),
    ]


def written(path: Path, rows: int) -> None:
    """Write a CSV of so many runs of one family, batch by batch."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write("family,params,tokens,loss\n")
        for begin in range(0, rows, _BATCH):
            stream.writelines(
                f"ours,{1e8 + i:.0f},{2e9 + 7 * i:.0f},{3 - 1e-8 * i:.8f}\n"
                for i in range(begin, min(begin + _BATCH, rows))
            )


def _bytes_per_row(rows: list[Row], sizes: Sizes) -> float:
    peaks = [float(row.measured) for row in rows if row.what.endswith("peak memory")]
    return (peaks[-1] - peaks[0]) * 2**20 / sizes.table_rows


def main(path: str) -> None:
    """Read a table; print what came of it and the memory it took."""
    from bayeslaw.errors import RunsError
    from bayeslaw.runs import load_runs

    try:
        answer = f"read, {len(load_runs(path)):,} rows"
    except RunsError as error:
        answer = f"refused: {error}"
    print(answer, _peak(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])

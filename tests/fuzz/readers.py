"""The readers fuzzed: libFuzzer through atheris where it is installed, else mutation at random.

    uv run --group fuzz python -m tests.fuzz.readers [--executions 100000] [--only csv,ledger]

Each reader has a process of its own, so that a crash of a library is told too. What was found is
written to a folder and printed; with nothing found the exit code is 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import READERS, Reader

_SLOW = {"fit file": 0.1, "fit header": 0.3}  # share of the executions of a quick reader


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz the chosen readers, report, and exit with 1 if anything was found."""
    names = list(READERS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.readers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--executions", type=int, default=100_000, help="in all (100000)")
    parser.add_argument("--only", default=",".join(names), help="readers, parted by commas")
    parser.add_argument("--found", type=Path, help="folder for what was found")
    parser.add_argument("--plain", action="store_true", help="mutation at random only")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    only = chosen.only.split(",")
    if unknown := set(only) - set(names):
        parser.error(f"no reader {unknown}; choose from {', '.join(names)}")
    folder = chosen.found or Path(tempfile.mkdtemp(prefix="bayeslaw-found-"))
    folder.mkdir(parents=True, exist_ok=True)
    how = "plain" if chosen.plain or find_spec("atheris") is None else "atheris"
    share = {name: _SLOW.get(name, 1.0) for name in only}
    bad = done = 0
    for name in only:
        count = round(chosen.executions * share[name] / sum(share.values()))
        start = time.perf_counter()
        command = [sys.executable, "-u", "-m", "tests.fuzz.readers_one", how, name, str(count)]
        ended = subprocess.run(
            [*command, str(folder), str(chosen.seed)], capture_output=True, text=True, check=False
        )
        bad += ended.returncode != 0
        done += count
        verdict = "nothing found" if ended.returncode == 0 else "FOUND SOMETHING"
        seconds = time.perf_counter() - start
        print(f"{name}: {count:,} executions ({how}), {seconds:.0f} s, {verdict}", flush=True)
        if ended.returncode:
            said = (ended.stdout + ended.stderr).splitlines()
            # libFuzzer's progress would bury the traceback.
            print("\n".join([line for line in said if not line.startswith("#")][-60:]), flush=True)
    print(f"{done:,} executions; inputs that broke a reader: {folder if bad else 'none'}")
    sys.exit(bool(bad))


def random_run(reader: Reader, executions: int, seed: int, folder: Path) -> int:
    """Mutate the seeds at random; store what breaks the reader and return how many did."""
    rng = np.random.default_rng(seed)
    pool = list(reader.seeds())
    bad = 0
    for i in range(executions):
        data = mutated(pool[rng.integers(len(pool))], rng)
        try:
            accepted = reader(data)
        except Exception:
            bad += 1
            (folder / f"{i}.bin").write_bytes(data)
            print(data[:2000], traceback.format_exc(), sep="\n", file=sys.stderr)
            if bad >= 5:
                break
            continue
        if accepted and len(pool) < 200:
            pool.append(data)  # mutation goes on from what was accepted
    return bad


def atheris_run(reader: Reader, executions: int, seed: int, folder: Path) -> None:
    """Let libFuzzer drive the reader; it ends the process."""
    import atheris

    corpus = Path(tempfile.mkdtemp(prefix="bayeslaw-corpus-"))
    for i, data in enumerate(reader.seeds()):
        (corpus / f"seed{i}").write_bytes(data)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        rng = np.random.default_rng(number)
        plain = mutated(data, rng) if number % 2 else atheris.Mutate(data, most)
        return bytes(plain[:most])

    def once(data: bytes) -> None:
        reader(data)

    options = [f"-runs={executions}", f"-seed={seed + 1}", "-max_len=20000", "-timeout=60"]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={folder}/", str(corpus)],
        once,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()

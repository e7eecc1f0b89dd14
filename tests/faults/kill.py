"""Processes killed at random moments, and what is then on the disk.

    uv run python -m tests.faults.kill [--count 200] [--seed 1]

Each kind of work is begun in a child of this process, which says on a pipe what it has done. The
child is killed, mostly by SIGKILL, at a moment drawn evenly from the time that the work takes;
then every file under its final name must be whole, everything reported done must be there, and
the next run must go on or start cleanly. Prints a line for each kind; exits with 1 at a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw import kept
from bayeslaw.cli import main as command_line
from bayeslaw.design import add_forecasts, read_ledger
from bayeslaw.files import write_whole
from bayeslaw.inference import Fit, fit, load_fit
from bayeslaw.pool import Pool
from bayeslaw.prediction import Target, forecast
from bayeslaw.reporting import report
from bayeslaw.scoring import backtest
from tests.faults.cluster import families

SETTINGS: dict[str, Any] = {
    "engine": "quadrature",
    "draws": 50,
    "chains": 2,
    "cores": 1,
    "retry": False,
}
FLAGS = ["--engine", "quadrature", "--draws", "50", "--chains", "2", "--jobs", "1", "--quiet"]
_FINISHING = 1.0  # seconds from the last file to the end of a process
ASKED = {signal.SIGINT: 130, signal.SIGTERM: 143}
Say = Callable[[str], None]


class Fault(Exception):
    """Something on the disk is not as it must be."""


def must(holds: object, what: str) -> None:
    if not holds:
        raise Fault(what)


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.part")]


def must_be_tidy(folder: Path) -> None:
    must(not parts(folder), f"parts of files lie about: {parts(folder)}")


def fits() -> tuple[Fit, Fit]:
    """Return two fits that can be told apart."""
    runs = families(3)
    return fit(runs, seed=1, **SETTINGS), fit(runs, seed=2, **SETTINGS)


class Saving:
    """Fits saved one after the other under one name."""

    def __init__(self, folder: Path, made: tuple[Fit, Fit]) -> None:
        self.path, self.made = folder / "fit.nc", made
        self.again()  # here, so that children find everything loaded

    def work(self, say: Say) -> None:
        for i in range(4):
            self.made[i % 2].save(self.path)
            say(str(i % 2))

    def check(self, said: list[str]) -> None:
        found = load_fit(self.path)
        must(found.seed in (1, 2), "a fit is another")
        own = self.made[found.seed - 1].posterior
        must(own.equals(found.posterior), "a fit's draws are others")

    def again(self) -> None:
        self.made[0].save(self.path)
        must(load_fit(self.path).seed == 1, "a fit saved after a kill is another")
        must_be_tidy(self.path.parent)


class Reporting:
    """Reports written one after the other under one name."""

    def __init__(self, folder: Path, made: tuple[Fit, Fit]) -> None:
        self.path, self.made = folder / "report.html", made
        self.pages = set[str]()
        for one in made:
            report(one, path=self.path)
            self.pages.add(self.path.read_text())

    def work(self, say: Say) -> None:
        for one in self.made:
            report(one, path=self.path)
            say("written")

    def check(self, said: list[str]) -> None:
        must(self.path.read_text() in self.pages, "a report is not one of those written")

    def again(self) -> None:
        report(self.made[0], path=self.path)
        self.check([])
        must_be_tidy(self.path.parent)


class Writing:
    """Forecasts added to one ledger, one by one."""

    def __init__(self, folder: Path, made: tuple[Fit, Fit]) -> None:
        self.path, self.fit = folder / "ledger.jsonl", made[0]
        self.forecast = forecast(self.fit, Target(3e9, 6e10, self.fit.families[0]))
        self.before: list[str] = []

    def _add(self, note: str) -> str:
        return add_forecasts(self.path, self.fit, self.forecast, note=note)[0]["entry"]

    def _entries(self) -> list[str]:
        return [f["entry"] for f in read_ledger(self.path).forecasts] if self.path.exists() else []

    def work(self, say: Say) -> None:
        for i in range(12):
            say(self._add(f"{os.getpid()} {i}"))

    def check(self, said: list[str]) -> None:
        found = self._entries()
        must(found[: len(self.before)] == self.before, "entries of earlier runs are lost")
        new = found[len(self.before) :]
        must(new[: len(said)] == said, "an entry that was reported is lost")
        must(len(new) <= len(said) + 1, "there are entries that nobody wrote")
        self.before = found

    def again(self) -> None:
        self.before.append(self._add(f"after {len(self.before)}"))
        must(self._entries() == self.before, "an entry added after a kill is lost")
        must_be_tidy(self.path.parent)


class Testing:
    """A back-test that keeps what it has done, resumed until it is through."""

    def __init__(self, folder: Path, made: tuple[Fit, Fit]) -> None:
        self.kept, self.out, self.runs = folder / "kept", folder / "card.json", families(6)
        self.times, self.there = 0, dict[Path, int]()
        self.whole = self._card(None)

    def _card(self, folder: Path | None) -> str:
        pool = Pool(folder=folder)
        card = backtest(self.runs, law="power_params", seed=1, pool=pool, **SETTINGS)
        return json.dumps(card.to_dict())

    def work(self, say: Say) -> None:
        write_whole(self.out, self._card(self.kept))
        say("written")

    def check(self, said: list[str]) -> None:
        must(not said or self.out.exists(), "a card that was reported is not there")
        if self.out.exists():
            must(self.out.read_text() == self.whole, "a card differs from one never interrupted")
        now = {p: p.stat().st_ino for p in self.kept.glob("*.npz")} if self.kept.exists() else {}
        must(all(kept.recall(p) for p in now), "a result that was kept cannot be read")
        must(self.there.items() <= now.items(), "a result that was kept was made again, or is lost")
        self.there = now

    def again(self) -> None:
        # Two more kills fall on what is left of the work; then it is done to its end.
        self.times += 1
        if self.times % 3 == 0 or self.out.exists():
            self.work(lambda _: None)
            self.check(["written"])
            must_be_tidy(self.kept.parent)
            self._clear()

    def _clear(self) -> None:
        self.out.unlink()
        for path in self.kept.iterdir():
            path.unlink()
        self.there = {}


class Commanding:
    """The command ``fit``, over a fit that an earlier command left."""

    def __init__(self, folder: Path, made: tuple[Fit, Fit]) -> None:
        self.table, self.out, self.json = (folder / n for n in ("runs.csv", "fit.nc", "fit.json"))
        families(3).table.to_csv(self.table, index=False)
        self.made, self.signal, self.said = 0, signal.SIGKILL, folder / "stderr.txt"
        with suppress(SystemExit):
            self.work(lambda _: None)  # here, so that children find everything loaded
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.check(["done"])

    def work(self, say: Say) -> None:
        sys.argv = ["bayeslaw", "fit", str(self.table), "--out", str(self.out), "--json",
                    str(self.json), "--seed", str(self.made + 1), *FLAGS]  # fmt: skip
        with self.said.open("w") as file, redirect_stderr(file):
            try:
                command_line()
            except SystemExit as ended:
                if ended.code in (0, 1):
                    say("done")
                raise

    def check(self, said: list[str]) -> None:
        seeds = (load_fit(self.out).seed, json.loads(self.json.read_text())["seed"])
        allowed = {self.made + 1} if said else {self.made, self.made + 1}
        must(set(seeds) <= allowed, f"fits of seeds {seeds} where {allowed} were made")
        self.made = max(seeds)

    def again(self) -> None:
        ended, _ = begun(self).wait()
        must(ended in (0, 1), f"the command after a kill ended with {ended}")
        self.check(["done"])
        must_be_tidy(self.out.parent)


class Stopping(Commanding):
    """The command ``fit``, asked to end by Ctrl-C and SIGTERM in turn."""

    def check(self, said: list[str]) -> None:
        super().check(said)
        must_be_tidy(self.out.parent)

    def ended(self, code: int, asked: int) -> None:
        told = self.said.read_text()
        must(code == ASKED[asked], f"ended with {code}, not {ASKED[asked]}: {told}")  # type: ignore[index]
        must(told == "interrupted; no file was left half-written\n", f"it said {told!r}")


KINDS = {"save": Saving, "report": Reporting, "ledger": Writing, "back-test": Testing,
         "fit": Commanding, "fit, asked to end": Stopping}  # fmt: skip


@dataclass
class Child:
    """Work in a process of its own."""

    pid: int
    pipe: int
    said: list[str] = field(default_factory=list)

    def alive(self, seconds: float) -> bool:
        """Listen for so long, and return whether it still works."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            if select.select([self.pipe], [], [], left)[0] and not self._hear():
                return False
        return True

    def wait(self) -> tuple[int, list[str]]:
        """Return how it ended, and what it has said."""
        while self._hear():
            pass
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), "".join(self.said).split("\n")[:-1]

    def _hear(self) -> bool:
        heard = os.read(self.pipe, 2**16).decode()
        self.said.append(heard)
        return bool(heard)


def begun(kind: object) -> Child:
    """Begin work in a child."""
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return Child(pid, out)
    code = 0
    try:
        os.close(out)
        kind.work(lambda text: os.write(into, f"{text}\n".encode()) and None)  # type: ignore[attr-defined]
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 70
    finally:
        os._exit(code)


@dataclass
class Tally:
    """What came of the kills of one kind."""

    kills: int = 0
    left: int = 0  # of these so many left part of a file under another name
    late: int = 0  # of these so many came when something had been reported
    faults: list[str] = field(default_factory=list)


def killed(name: str, count: int, made: tuple[Fit, Fit], rng: np.random.Generator) -> Tally:
    """Kill work of one kind so often."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kind = KINDS[name](folder, made)
        start = time.perf_counter()
        code, said = begun(kind).wait()
        lasts = time.perf_counter() - start
        must(code in (0, 1), f"work that nobody kills ended with {code}")
        kind.check(said)
        kind.again()
        while tally.kills < count:
            asks, among = signal.SIGKILL, (0.0, 1.0)
            if isinstance(kind, Stopping):
                # Not so early that nobody listens, nor so late that there is nothing to end.
                asks, among = (signal.SIGINT, signal.SIGTERM)[tally.kills % 2], (0.1, 0.8)
            child = begun(kind)
            hit = child.alive(lasts * rng.uniform(*among))
            ending, asked_at = bool(child.said), time.perf_counter()
            os.kill(child.pid, asks)  # not yet waited for, so the number is still its own
            code, said = child.wait()
            ending = ending or (bool(said) and time.perf_counter() - asked_at < _FINISHING)
            hit = hit and not (asks in ASKED and ending)  # at its end already, and not deaf
            hit = hit and (code == -asks or asks in ASKED)  # it may have ended a moment before
            tally.kills += hit
            tally.late += hit and bool(said)
            tally.left += hit and bool(parts(folder))
            try:
                if hit and asks in ASKED:
                    kind.ended(code, asks)
                kind.check(said)
                kind.again()
            except Exception as error:
                tally.faults.append(f"{name}, kill {tally.kills}: {type(error).__name__}: {error}")
                return tally
    return tally


def main() -> None:
    """Kill, and print what came of it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--count", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = asked.parse_args()
    warnings.simplefilter("ignore")
    rng, made, faults = np.random.default_rng(given.seed), fits(), list[str]()
    shares = np.diff(np.linspace(0, given.count, len(given.kinds) + 1).round().astype(int))
    for name, count in zip(given.kinds, shares, strict=True):
        start = time.perf_counter()
        tally = killed(name, int(count), made, rng)
        faults += tally.faults
        print(
            f"{name}: {tally.kills} killed, {tally.late} after a result was reported, {tally.left} "
            f"left part of a file; {len(tally.faults)} faults; {time.perf_counter() - start:.1f} s",
            flush=True,
        )
    print(f"{given.count} kills, {len(faults)} faults", *faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

"""A fit in a process of its own: seconds from nothing to a posterior, and the memory it took.

``measure(job)`` starts the process; run as a module, this file is the process.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What an engine loads from outside; paid once per process whatever is fitted.
COMMON = ("bayeslaw.inference", "arviz_stats", "numba")
FURTHER = {
    "pymc": ("pymc", "nutpie", "bayeslaw.model.build"),
    "collapsed": ("nutpie",),
    "quadrature": (),
    "auto": (),
}
MARK = "benchmark-result:"
ROOT = Path(__file__).parents[2]  # where the package of the tests is found


class Unmeasured(RuntimeError):
    """A job ended without a result; the message is the last thing it said."""


def job(table: str, engine: str, *, calls: int = 1, options: Any = None, **settings: Any) -> dict:
    """Describe a fit as plain values.

    Parameters
    ----------
    table : name in :data:`tests.benchmarks.tables.TABLES`.
    engine : engine of the fit.
    calls : how often the same fit is made in that process; none to time the imports alone.
    options : of the table.
    settings : of the fit.
    """
    return {
        "table": table,
        "options": dict(options or {}),
        "engine": engine,
        "calls": calls,
        "settings": settings,
    }


def measure(task: Mapping[str, Any], limit: float) -> dict[str, Any]:
    """Do a job in a fresh process.

    Parameters
    ----------
    task : from :func:`job`.
    limit : seconds after which the process is ended.

    Returns
    -------
    dict
        What :func:`perform` returns, and ``wall``: seconds from the start of the process to the
        end of the last fit.

    Raises
    ------
    Unmeasured
        If the process fails or exceeds the limit.
    """
    command = [sys.executable, "-m", "tests.benchmarks.fresh", json.dumps(task)]
    # Modules are compiled once and kept, as on any machine that does not forbid it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.time()  # a clock that the other process shares
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, check=False, cwd=ROOT,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unmeasured(f"no result within {limit:.0f} s") from error
    results = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not results:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unmeasured(said[-1] if said else f"exit code {done.returncode}")
    found = json.loads(results[-1].removeprefix(MARK))
    return {"wall": found.pop("end") - start, **found}


def perform(task: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job here.

    Returns
    -------
    dict
        ``imports`` and ``load`` seconds; ``calls``, seconds of each fit; ``peak``, MiB of memory
        at most; ``end``, when the last fit was done; and of that fit ``seconds``, ``engine``,
        ``reason``, ``ok``, ``failures`` and ``figures``.
    """
    start = time.perf_counter()
    for name in (*COMMON, *FURTHER[task["engine"]]):
        importlib.import_module(name)
    found: dict[str, Any] = {"imports": time.perf_counter() - start, "calls": []}

    from tests.benchmarks.fitting import timed_fit
    from tests.benchmarks.posterior import sampling_figures
    from tests.benchmarks.tables import load

    start = time.perf_counter()
    runs = load(task["table"], **task["options"])
    found["load"] = time.perf_counter() - start
    fitted = None
    for _ in range(task["calls"]):
        fitted, seconds = timed_fit(runs, None, task["engine"], **task["settings"])
        found["calls"].append(seconds)
        found.setdefault("compile", dict(fitted.seconds).get("compile", 0.0))
    found |= {"end": time.time(), "peak": _peak()}
    if fitted is not None:
        found |= {
            "seconds": dict(fitted.seconds),
            "engine": fitted.engine,
            "reason": fitted.reason,
            "ok": fitted.health.ok,
            "failures": [failure.found for failure in fitted.health.failures],
            "figures": sampling_figures(fitted.posterior, fitted.sample_stats),
        }
    return found


def _peak() -> float:
    """Return the largest memory this process has held, in MiB."""
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    print(MARK + json.dumps(perform(json.loads(sys.argv[1]))))

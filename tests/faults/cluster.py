"""A back-test of simulated families on a Dask cluster of two, beside the same in this process.

``python -m tests.faults.cluster --families 1000`` prints what each took and whether the scores
are the same, bit for bit; the last one loses a worker in the middle. It exits
with 1 if something differs, or no worker was killed.
"""

import argparse
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from bayeslaw.errors import BayeslawWarning
from bayeslaw.pool import Pool
from bayeslaw.runs import Runs
from bayeslaw.scoring import Scorecard, backtest
from bayeslaw.simulation import simulate

SETTINGS: dict[str, Any] = {"seed": 3, "engine": "quadrature", "retry": False}


def families(count: int, seed: int = 1) -> Runs:
    """Return families of six sizes and two ratios, each with a truth of its own."""
    rng = np.random.default_rng(seed)
    sizes, ratios = np.repeat(np.geomspace(3e7, 3e9, 6), 2), np.tile([10.0, 40.0], 6)
    ranges = {"E": (1.5, 1.9), "A": (300, 500), "B": (300, 500), "alpha": (0.31, 0.36),
              "beta": (0.26, 0.30)}  # fmt: skip
    truth = {
        name: np.repeat(rng.uniform(*ends, count), len(sizes)) for name, ends in ranges.items()
    }
    return simulate(
        "chinchilla",
        truth,
        params=np.tile(sizes, count),
        tokens=np.tile(ratios * sizes, count),
        family=np.repeat([f"f{i:04d}" for i in range(count)], len(sizes)),
        seed=seed,
    )


@contextmanager
def two_workers() -> Iterator[Any]:
    """Start a cluster of two processes, which replaces a worker that dies."""
    import dask
    from distributed import LocalCluster

    quiet = {"distributed.admin.large-graph-warning-threshold": "1GB"}
    with dask.config.set(quiet), LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=60
    ) as cluster:  # fmt: skip
        yield cluster


def kill_one(cluster: Any, after: float) -> threading.Thread:
    """Kill a worker's process, without a word, as soon as it is at work after so many seconds."""

    def kill() -> None:
        time.sleep(after)
        busy: list[str] = []
        while not busy:
            time.sleep(0.001)
            busy = [a for a, w in dict(cluster.scheduler.workers).items() if w.processing]
        (pid,) = (n.pid for n in cluster.workers.values() if n.worker_address == busy[0])
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    return killer


def card_of(runs: Runs, **settings: Any) -> tuple[Scorecard, float]:
    """Back-test and return the card, and the seconds it took."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        card = backtest(runs, **(SETTINGS | settings))
    return card, time.perf_counter() - start


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--families", type=int, default=1000)
    asked.add_argument("--draws", type=int, default=100)
    given = asked.parse_args()
    runs = families(given.families)
    serial, seconds = card_of(runs, cores=1, draws=given.draws)
    print(f"{given.families} families, one by one: {seconds:.1f} s; {serial!r}", flush=True)
    with two_workers() as cluster:
        pool, took, good = Pool(cluster=cluster.scheduler_address), seconds, True
        for killed in (False, True):
            killer = kill_one(cluster, seconds / 6) if killed else None
            card, took = card_of(runs, cores=1, draws=given.draws, pool=pool)
            same = card.table.equals(serial.table) and card.summary == serial.summary
            what = ", one of them killed" if killed else ""
            print(f"two workers{what}: {took:.1f} s; the same: {same}", flush=True)
            good = good and same and (killer is None or not killer.is_alive())
    sys.exit(not good)


if __name__ == "__main__":
    main()

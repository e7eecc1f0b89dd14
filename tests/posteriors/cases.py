"""The cases whose reference posteriors are stored: simulated ladders, and shipped data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from bayeslaw import names
from bayeslaw.model import Noise, Spec
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import load_dataset
from bayeslaw.simulation import simulate

TRUTH = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
SIZES = (3e7, 1e8, 3e8, 1e9)
RATIOS = (10.0, 40.0, 160.0)  # tokens per parameter


@dataclass(frozen=True)
class Case:
    """A table and a model, small enough for a long run, and what is special about them."""

    title: str
    table: Callable[[], Runs]
    spec: Spec

    @property
    def runs(self) -> Runs:
        """The table of runs."""
        return self.table()


@cache
def single() -> Runs:
    """Twelve runs of one family, four sizes by three ratios of tokens to parameters."""
    return _ladder(["one"], seed=11)


@cache
def heavy() -> Runs:
    """The same settings with two seeds each and run effects of three degrees of freedom."""
    return _ladder(["one"], seed=12, seeds=2, tails=3.0)


@cache
def checkpoints() -> Runs:
    """One family of runs with several rows each."""
    return _ladder(["one"], seed=13, checkpoints=8, checkpoint_sd=0.002)


@cache
def pooled() -> Runs:
    """Three families of one population, with floors that differ."""
    return _ladder(["one", "two", "three"], seed=14)


@cache
def published() -> Runs:
    """Two published ladders of two labs on one evaluation set, from the shipped table."""
    chosen = "('Pythia (Pile test)', 'Cerebras-GPT (Pile test)')"
    return load_dataset("published").where(f"{names.FAMILY} in {chosen}")


CASES = {
    "single": Case("one family, the default model", single, Spec()),
    "trusted": Case(
        "one family whose law is trusted, Gaussian noise",
        single,
        Spec(discrepancy=None, noise=Noise(tails=None)),
    ),
    "heavy": Case("replicates with heavy tails, law kaplan", heavy, Spec("kaplan")),
    "checkpoints": Case("runs with checkpoints", checkpoints, Spec()),
    "pooled": Case("three families of one lab", pooled, Spec(labs=False)),
    "published": Case("two published ladders of two labs", published, Spec()),
}


def _ladder(families: list[str], *, seed: int, **options: float | int) -> Runs:
    sizes = np.tile(np.repeat(SIZES, len(RATIOS)), len(families))
    ratio = np.tile(RATIOS, len(SIZES) * len(families))
    each = len(SIZES) * len(RATIOS)
    truth = TRUTH | {"E": np.repeat(TRUTH["E"] + 0.1 * np.arange(len(families)), each)}
    return simulate(
        "chinchilla",
        truth,
        params=sizes,
        tokens=ratio * sizes,
        family=np.repeat(families, each),
        seed=seed,
        **options,  # type: ignore[arg-type]
    )

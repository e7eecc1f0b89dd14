"""Tay 2022: every architecture has a slope of its own, so the best one changes with size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.estimators.line import fit_power_law
from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, holds
from bayeslaw.replication.posterior import fitted
from bayeslaw.runs import Runs, load_runs
from bayeslaw.runs.datasets import load_dataset

SPREAD, COMMON = 0.05, 0.10  #: of the simulated slopes: s.d. and mean
OPPOSITE = "J"  #: the architecture that gets worse with compute
SIZES = np.geomspace(1e18, 1e21, 5)
GROUP = "slimpajama_15b"


def architectures(seed: int) -> tuple[Runs, np.ndarray]:
    """Simulate ten architectures of five sizes; return them and their true slopes."""
    rng = np.random.default_rng(seed)
    slopes = COMMON + SPREAD * rng.standard_normal(10) * 0.8
    slopes[9] = -0.05
    level = 3.0 * np.exp(0.05 * rng.standard_normal(10))
    rows = []
    for i, (slope, height) in enumerate(zip(slopes, level, strict=True)):
        loss = height * (SIZES / SIZES[2]) ** -slope * np.exp(0.015 * rng.standard_normal(5))
        n = np.sqrt(SIZES / 120)
        rows.append(pd.DataFrame({names.FAMILY: chr(65 + i), names.PARAMS: n,
                                  names.TOKENS: SIZES / 6 / n, names.LOSS: loss}))  # fmt: skip
    return load_runs(pd.concat(rows)), slopes


def _replicate(seed: int) -> list[Claim]:
    runs, slopes = architectures(seed)
    made = fitted(runs, "tay", seed)
    pooled = {f: made.published(f)["slope"].values.ravel() for f in made.families}
    alone = {f: _line(runs, f) for f in made.families}
    common = -np.log(made.posterior["population"].sel(parameter="fall").values.ravel())
    middle = float(np.median(common))
    others = [f for f in made.families if f != OPPOSITE]
    nearer = sum(
        abs(np.median(pooled[f]) - middle) <= abs(alone[f] - middle) + 1e-3 for f in others
    )
    tenth = Number.of(-pooled[OPPOSITE])
    spread = Number.of(made.posterior["between"].sel(parameter="fall").values)
    truth = float(slopes.std(ddof=1))
    held = np.mean([
        Number.of(pooled[f]).holds(-s) for f, s in zip(made.families, slopes, strict=True)
    ])  # fmt: skip
    small, large = (_ranks(made, c) for c in (SIZES[0], 10 * SIZES[-1]))
    return [
        holds("of nine slopes, drawn towards the common one", Number(nearer), nearer == 9, "all"),
        holds("slope of the architecture that gets worse", tenth,
              tenth.high is not None and tenth.high < -middle,
              f"excludes the common {-middle:.3f}"),
        holds("s.d. of slopes between architectures", spread, spread.holds(truth),
              f"holds the simulated {truth:.3f}"),
        holds("share of ten slopes inside 90 % intervals", Number(float(held)), bool(held >= 0.7),
              "7 of 10 or more, as chance allows"),
        holds("best at the smallest compute, its probability", Number(small[1]),
              small[1] > 0.5, "more probable than all others together"),
        holds("best at ten times the largest, its probability", Number(large[1]),
              small[0] != large[0], "another architecture than at the smallest",
              note=f"the best is {small[0]} at the smallest compute and {large[0]} at the largest"),
        _published(seed),
    ]  # fmt: skip


def _ranks(made, flops: float) -> tuple[str, float]:
    """Return the architecture most probably best at a compute, and its probability."""
    x = np.log(flops / made.layout.references["flops"])
    log_loss = np.stack([
        np.log(made.posterior["c"].sel(family=f).values.ravel())
        - np.log(made.posterior["fall"].sel(family=f).values.ravel()) * x
        for f in made.families
    ])  # fmt: skip
    share = np.bincount(log_loss.argmin(0), minlength=len(made.families)) / log_loss.shape[1]
    return made.families[int(share.argmax())], float(share.max())


def _published(seed: int) -> Claim:
    """Claim the same on printed losses of architectures trained and evaluated alike."""
    runs = load_dataset("published")
    groups = runs.table.groupby("level_group")[names.FAMILY].nunique()
    group = str(groups.idxmax())
    made = fitted(runs.drop(runs.table.index[runs.table["level_group"] != group]), "tay", seed)
    slopes = np.stack([made.published(f)["slope"].values.ravel() for f in made.families])
    gap = Number.of(slopes.max(0) - slopes.min(0))
    return holds(f"steepest less flattest slope of {len(made.families)} published architectures",
                 gap, gap.low is not None and gap.low > 0, "above 0",
                 note=f"printed losses of the evaluation group {group}")  # fmt: skip


def _line(runs: Runs, family: str) -> float:
    rows = runs.where(f"family == '{family}'").table
    return float(fit_power_law(rows[names.LOSS], flops=rows[names.FLOPS]).powers[0])


SYSTEM = System(
    "tay2022",
    "architectures differ in slope, and the best one changes with compute",
    "arXiv:2207.10551",
    None,
    "no table of slopes was readable: ten architectures simulated with slopes of s.d. .05, one "
    "of opposite sign; and published losses shipped with the package",
    _replicate,
)

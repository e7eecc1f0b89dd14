"""The tables of runs that the benchmark fits: public ladders and simulated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.laws import get_law
from bayeslaw.model.discrepancy import matern32
from bayeslaw.runs import Runs, load_runs
from bayeslaw.simulation import simulate

# A typical ladder at the reference point; families scatter around it as the law declares.
TYPICAL = {"E": 1.7, "a": 0.35, "b": 0.35, "alpha": 0.30, "beta": 0.28}
REFERENCES = {names.PARAMS: 5e8, names.TOKENS: 2e10}
WANDER, LENGTH = 0.02, 5.0  # s.d. and length of what the law misses, as the model expects it


def real_clean() -> Runs:
    """Return the 30 clean families of ColPret without the largest models.

    The largest model of each family of at least three sizes is held out.
    """
    from bayeslaw.runs.datasets import load_dataset
    from bayeslaw.scoring.backtest import hide

    return hide(load_dataset("colpret_clean"), "largest")[0]


def chinchilla() -> Runs:
    """Return the 240 points of one family that Besiroglu et al. (arXiv:2404.10102) fit."""
    from bayeslaw.runs.datasets import load_dataset

    return load_dataset("chinchilla_epoch_240")


def published() -> Runs:
    """Return the seven published ladders of the demonstration."""
    from bayeslaw.cli.demonstration import DATASET, FAMILIES
    from bayeslaw.runs.datasets import load_dataset

    chosen = ", ".join(f"'{name}'" for name in FAMILIES)
    return load_dataset(DATASET).where(f"{names.FAMILY} in ({chosen})")


def simulated(families: int = 5, rows: int = 12, seed: int = 0, checkpoints: int = 1) -> Runs:
    """Return families drawn from a population, with a law that is not exact.

    Parameters
    ----------
    families : number of families, named f0000 and so on.
    rows : runs of each family; sizes and tokens per parameter are drawn log-uniformly.
    seed : seed of the truth and of the noise.
    checkpoints : rows of each run.
    """
    rng = np.random.default_rng([seed, families, rows])
    law = get_law("chinchilla")
    truth = {
        p.name: TYPICAL[p.name] * np.exp(p.between * rng.standard_normal((families, 1)))
        for p in law.parameters
    }
    params = 10 ** rng.uniform(7.3, 9.7, (families, rows))
    tokens = params * 10 ** rng.uniform(0.7, 2.3, (families, rows))
    labels = np.array([f"f{i:04d}" for i in range(families)], object)[:, None]
    runs = simulate(
        law,
        law.to_published(REFERENCES, **truth),
        params=params,
        tokens=tokens,
        family=labels,
        checkpoints=checkpoints,
        seed=seed + 1,
    )
    return _off_the_law(runs, rng)


def _off_the_law(runs: Runs, rng: np.random.Generator) -> Runs:
    """Let each family's curve wander off the law as the model supposes it does."""
    table = runs.table.copy()
    points = np.log(table[[names.PARAMS, names.TOKENS]].to_numpy(float))
    family = pd.factorize(table[names.FAMILY])[0]
    off = np.empty(len(table))
    for f in range(family.max() + 1):
        mine = family == f
        cover = matern32(points[mine], points[mine], LENGTH)
        root = np.linalg.cholesky(cover + 1e-9 * np.eye(len(cover)))
        off[mine] = WANDER * root @ rng.standard_normal(len(cover))
    table[names.LOSS] = table[names.LOSS] * np.exp(off)
    return load_runs(table)


TABLES = {
    "real_clean": real_clean,
    "chinchilla": chinchilla,
    "published": published,
    "simulated": simulated,
}


def load(name: str, **options: Any) -> Runs:
    """Return a table by name; a fresh process is told by name what to fit."""
    return TABLES[name](**options)

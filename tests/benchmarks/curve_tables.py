"""Learning curves: the benchmark of arXiv:2209.06640 and arXiv:2505.23032, and simulated ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslaw.runs.datasets import dataset_frame, dataset_path

_KEY = ["Domain", "Task", "Model"]
_NANO_SEEN = 6  # of seven widths


@dataclass(frozen=True)
class Curve:
    """One learning curve: what is seen, and what is asked.

    Attributes
    ----------
    domain, task, model : labels.
    x, y : data (or width) and error of the points seen.
    x_new, y_new : of the points asked.
    scale : what errors are divided by before a log density is taken of them.
    """

    domain: str
    task: str
    model: str
    x: np.ndarray
    y: np.ndarray
    x_new: np.ndarray
    y_new: np.ndarray
    scale: float = 1.0


def benchmark(every: int = 1) -> list[Curve]:
    """Return the 116 curves, or one in so many of each domain."""
    tables = [dataset_frame("nslpfn_vision"), dataset_frame("nslpfn_language").drop_duplicates()]
    curves = []
    for key, part in pd.concat(tables).groupby(_KEY, sort=True):
        part = part.sort_values("Seen Examples")
        seen = part["Training"] == 1
        x, y = part["Seen Examples"].to_numpy(float), part["Loss"].to_numpy(float)
        domain, task, model = map(str, key)  # type: ignore[call-overload]
        curves.append(Curve(domain, task, model, x[seen], y[seen], x[~seen], y[~seen]))
    for task, part in dataset_frame("nslpfn_nano").groupby("task", sort=True):
        x, y = part["n_embd"].to_numpy(float), part["val_loss"].to_numpy(float)
        k = _NANO_SEEN
        curves.append(Curve("Nano", str(task), "-", x[:k], y[:k], x[k:], y[k:], y[:k].max()))
    by_domain: dict[str, list[Curve]] = {}
    for curve in curves:
        by_domain.setdefault(curve.domain, []).append(curve)
    return [curve for group in by_domain.values() for curve in group[::every]]


def peers() -> pd.DataFrame:
    """Return RMSLE of persistence, M1 to M4 and BNSL with one break, indexed as the curves are."""
    folder = dataset_path("nslpfn_nano").parent
    table = pd.read_csv(folder / "recomputed_rmsle_per_curve.csv", dtype={"Model": str})
    return table.set_index(_KEY)


def simulated(count: int, seed: int = 7) -> Iterator[Curve]:
    """Yield curves from the published prior of NSL-PFN: powers and logistic falls to a floor."""
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        x = np.geomspace(1.0, 10 ** rng.uniform(1.3, 2.8), int(rng.integers(6, 60)))
        x_new = x[-1] * np.geomspace(1.1, 2.1, 8)
        both = np.concatenate([x, x_new])
        top = rng.uniform(0.2, 1.2)
        floor = rng.uniform(0, top)
        share = _share(both / both.max(), bool(i % 2), rng)
        noise = np.exp(rng.normal(-4.5, 1.0)) * rng.standard_normal(len(both))
        y, y_new = np.split((floor + (top - floor) * share) * np.exp(noise), [len(x)])
        yield Curve("simulated", str(i), "M4" if i % 2 else "M2", x, y, x_new, y_new)


def _share(x: np.ndarray, logistic: bool, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the fall is still to come at data relative to the most."""
    if not logistic:
        return (x / x.min()) ** -np.exp(rng.normal(-1, 0.5))
    odds = np.exp(rng.normal(-1, 0.5)) * x ** -np.exp(rng.normal(0, 0.5))
    return odds / (1 + odds)

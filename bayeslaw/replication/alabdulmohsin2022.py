"""Alabdulmohsin et al. 2022: four curves, judged by how they extrapolate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.estimators.curves import fit_curve, rmsle
from bayeslaw.estimators.number import Number
from bayeslaw.inference import Fit
from bayeslaw.laws import get_law
from bayeslaw.model import Noise
from bayeslaw.replication.claim import Claim, System, below, holds, near
from bayeslaw.replication.posterior import fitted
from bayeslaw.runs import load_runs
from bayeslaw.runs.datasets import dataset_frame

#: Mean RMSLE over 72 image-classification curves, by estimator; M4 as printed.
IMAGES = {"last": 0.0880, "M1": 0.1046, "M2": 0.0823, "M3": 0.0615, "M4": 0.0415}
KEY = ["Domain", "Task", "Model"]
X, Y = "Seen Examples", "Loss"
_ROWS = 24  #: of a curve, evenly spaced in log data, for the posterior
#: Error rates scatter more than losses of language models.
NOISE = Noise(run=(0.0015, 0.05), tails=4.0)


def curves() -> list[tuple[tuple[str, ...], pd.DataFrame, pd.DataFrame]]:
    """Load the benchmark: key, points to fit and points to forecast of every curve."""
    table = pd.concat([dataset_frame("nslpfn_vision"), dataset_frame("nslpfn_language")])
    out = []
    for key, rows in table.drop_duplicates().groupby(KEY):
        ordered = rows.sort_values(X)
        out.append((key, ordered[ordered["Training"] == 1], ordered[ordered["Training"] == 0]))
    return out


def _replicate(seed: int) -> list[Claim]:
    images = [c for c in curves() if c[0][0] == "IC"]
    scores = pd.DataFrame([
        {kind: rmsle(fit_curve(seen[X], seen[Y], kind), later[X], later[Y]) for kind in IMAGES}
        for _, seen, later in images
    ])  # fmt: skip
    claims = [
        near(f"mean RMSLE of {kind}, 72 image curves", value, Number(float(scores[kind].mean())),
             0.0015)
        for kind, value in IMAGES.items()
    ]  # fmt: skip
    ours, held, count = [], 0, 0
    made = _posterior(images, seed)
    for i, (_, _, later) in enumerate(images):
        drawn = _forecast(made, f"{i:02d}", later[X].to_numpy(float), seed)
        low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=0)
        observed = later[Y].to_numpy()
        ours.append(float(np.sqrt(np.mean(np.log(middle / observed) ** 2))))
        held, count = held + int(((low <= observed) & (observed <= high)).sum()), count + len(later)
    posterior = _mean(np.array(ours))
    claims.append(
        below("mean RMSLE of the posterior of M4, 72 image curves", IMAGES["M4"], posterior,
              estimator=Number(float(scores["M4"].mean())),
              note="the posterior starts nowhere, and so misses what the published start adds")
    )  # fmt: skip
    claims.append(
        holds(f"share of {count} points inside 90 % intervals", Number(held / count),
              held / count > 0.6, "above .6, without a discrepancy")
    )  # fmt: skip
    return claims


def _posterior(images: list, seed: int) -> Fit:
    """Fit M4 to every curve by itself; amounts of data stand as tokens of one model size."""
    parts = []
    for i, (_, seen, _) in enumerate(images):
        place = np.geomspace(1, len(seen), _ROWS).round().astype(int) - 1
        late = len(seen) - 1 - np.unique(place)
        rows = seen.iloc[np.sort(late)]
        parts.append(pd.DataFrame({names.FAMILY: f"{i:02d}", names.PARAMS: 1e8,
                                   names.TOKENS: rows[X], names.LOSS: rows[Y]}))  # fmt: skip
    runs = load_runs(pd.concat(parts))
    # A guess is wrong at most always.
    return fitted(runs, "m4", seed, pool="none", noise=NOISE, draws=250)


def _forecast(made: Fit, family: str, x: np.ndarray, seed: int) -> np.ndarray:
    law = get_law("m4")
    inner = {n: made.posterior[n].sel(family=family).values.ravel()[:, None]
             for n in law.parameter_names}  # fmt: skip
    curve = law({"tokens": x / made.layout.references["tokens"]}, inner)
    rng = np.random.default_rng([seed, int(family)])
    sd = made.posterior["run_sd"].sel(family=family).values.ravel()[:, None]
    return curve * np.exp(sd * rng.standard_t(4, curve.shape))


def _mean(values: np.ndarray) -> Number:
    picks = np.random.default_rng(0).choice(values, (2000, len(values)))
    return Number.of(picks.mean(1), 0.9, float(values.mean()))


SYSTEM = System(
    "alabdulmohsin2022",
    "M4, with both ends and a slow start, extrapolates image classification best: RMSLE .0415",
    "arXiv:2209.06640",
    "nslpfn_vision",
    "72 learning curves of image classification, later points hidden (nslpfn_vision)",
    _replicate,
)

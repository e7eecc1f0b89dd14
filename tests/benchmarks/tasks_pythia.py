"""Item 5: LAMBADA accuracy of Pythia 1.4B and 2.8B from models up to 410M, in two steps.

Both corpora in one table, zero-shot, checkpoints past 10B tokens as in arXiv:2410.11840; the loss
is that of the target word, in nats.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayeslaw.runs.datasets import dataset_frame
from bayeslaw.tasks.two_step import TwoStep, two_step
from tests.benchmarks.report import Section, at_least, shown

TITLE = "LAMBADA of Pythia 1.4B and 2.8B from up to 410M"
ITEMS = 5153
FIRST_TOKENS = 1e10


def tables(every: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the evaluations that train and those that test, every so many checkpoints."""
    raw = dataset_frame("pythia_evals")
    raw = raw[(raw["suite"] == "pythia-v1") & (raw["variant"] == "standard")
              & (raw["fewshot"] == 0) & (raw["D"] >= FIRST_TOKENS)]  # fmt: skip
    frame = pd.DataFrame({
        "family": raw["family"], "params": raw["N"], "tokens": raw["D"], "run": raw["model"],
        "loss": raw["ln_lambada_ppl"], "share": raw["lambada_openai:acc"], "items": ITEMS,
    })  # fmt: skip
    steps = frame["tokens"].rank(method="dense", ascending=False)
    frame = frame[(steps - 1) % every == 0]
    return frame[frame["params"] < 5e8], frame[frame["params"] > 1.2e9].reset_index(drop=True)


def forecast(train: pd.DataFrame, test: pd.DataFrame) -> tuple[TwoStep, np.ndarray, np.ndarray]:
    """Forecast every test row: the two steps, medians, and which 90 % intervals held."""
    targets = test[["family", "params", "tokens"]].to_dict("records")
    found = two_step(train, targets=targets, engine="quadrature")
    ends = np.array([record["intervals"]["90"] for record in found.forecasts])
    truth = test["share"].to_numpy()
    return (found, np.array([record["median"] for record in found.forecasts]),
            (ends[:, 0] <= truth) & (truth <= ends[:, 1]))  # fmt: skip


def run(quick: bool, cores: int) -> Section:
    """Forecast the larger models and score the intervals."""
    train, test = tables(4 if quick else 1)
    found, median, held = forecast(train, test)
    ends = np.array([record["intervals"]["90"] for record in found.forecasts])
    rows = [at_least(f"share of {len(test)} evaluations inside 90 % intervals",
                     float(held.mean()), 0.8)]  # fmt: skip
    rows += [
        shown(f"of {params / 1e9:.1f}B", float(held[(test["params"] == params).to_numpy()].mean()))
        for params in sorted(test["params"].unique())
    ]
    rows += [
        shown("mean absolute error of the share", float(np.abs(median - test["share"]).mean())),
        shown("mean width of the intervals", float(np.ptp(ends, axis=1).mean())),
        shown("Pareto shape of the curve", found.curve.tail_shape),
    ]
    assert found.fit is not None
    trusted = "trusted" if found.fit.health.ok else "; ".join(
        f.found for f in found.fit.health.failures
    )  # fmt: skip
    return Section(5, TITLE, tuple(rows), (f"law of loss: {trusted}",))

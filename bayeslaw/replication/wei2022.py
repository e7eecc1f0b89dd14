"""Wei et al. 2022: abilities emerge at a compute, that of the first model above chance."""

from __future__ import annotations

import numpy as np

from bayeslaw.estimators.number import Number
from bayeslaw.replication.claim import Claim, System, close, holds
from bayeslaw.runs.datasets import dataset_frame
from bayeslaw.tasks.emergence import Emergence, Scores, emergence

ITEMS = 2000.0  #: of each arithmetic task of GPT-3 (arXiv:2005.14165)
UNDER = 0.10  #: all that is printed of three digits at 13B: under 10 %


def _replicate(seed: int) -> list[Claim]:
    flops = dataset_frame("gpt3_tableD1_compute")["flops"].to_numpy(float)
    scales = dataset_frame("wei2022_table1_emergence_scales").set_index("ability")
    printed = scales["emergent_train_flops"]
    three = [_posterior(flops, [at, _largest("arith_3D+")], seed) for at in (0.0, UNDER)]
    four = _posterior(flops, [0.0, _largest("arith_4D+")], seed)
    first, last = float(printed["Addition/subtraction (3 digit)"]), 3.1e23
    between = min(found.probability(first, last) for found in three)
    ends = np.log10(four.interval(0.9))
    leaves = np.concatenate([found.leaves for found in three])
    return [
        close("log10 FLOP at which 3 digits leave chance", float(np.log10(first)),
              Number.of(leaves)),
        holds("probability that 3 digits are half way up between 13B and 175B", Number(between),
              between > 0.9, "above .9, whatever 13B scored under 10 %"),
        close("log10 FLOP at which 4 digits leave chance",
              float(np.log10(printed["Addition/subtraction (4-5 digit)"])), Number.of(four.leaves),
              note="the first model above chance bounds it from above: it lies between "
              "that model and the one before"),
        holds("decades of compute that the threshold of 4 digits spans, 90 %",
              Number(float(ends[1] - ends[0])), bool(ends[1] - ends[0] >= 1), "at least one",
              note="a quarter of 2000 items at 175B and none at 13B settle it, if a perfect model "
              "would score 1"),
    ]  # fmt: skip


def _posterior(flops: np.ndarray, top: list[float], seed: int) -> Emergence:
    """Return the threshold where all but the two largest models score nothing."""
    share = np.zeros(len(flops))
    share[np.argsort(flops)[-2:]] = top
    return emergence(Scores(flops, share, np.full(len(flops), ITEMS)), seed=seed)


def _largest(task: str) -> float:
    """Return the printed share of the largest model with the most shots."""
    data = dataset_frame("downstream")
    mine = data[(data["task"] == task) & (data["model"] == "GPT-3 175B")]
    return float(mine["value"].to_numpy()[mine["shots"].astype(float).argmax()])


SYSTEM = System(
    "wei2022",
    "abilities emerge at a compute",
    "arXiv:2206.07682",
    "wei2022_table1_emergence_scales",
    "22 printed scales; shares of GPT-3 175B and compute as printed (arXiv:2005.14165), of smaller "
    "models only that they score under 10 % at 13B",
    _replicate,
)

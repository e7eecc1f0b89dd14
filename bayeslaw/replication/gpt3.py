"""GPT-3: a compute law along the envelope, and how far it is off its own largest model."""

from __future__ import annotations

import warnings

import numpy as np

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning
from bayeslaw.estimators.number import Number
from bayeslaw.laws import get_law
from bayeslaw.model import Discrepancy, Spec, load_priors
from bayeslaw.prediction import forecast
from bayeslaw.replication.claim import Claim, System, close, holds, near
from bayeslaw.replication.posterior import fitted, number
from bayeslaw.runs import Runs
from bayeslaw.runs.datasets import dataset_frame, load_dataset

PRINTED = {"k": 2.57, "alpha": 0.048}
LARGEST = 1e11  #: parameters; only one model has more


def runs_with_compute() -> Runs:
    """Load the digitised curves with the printed compute, shared out by tokens."""
    runs = load_dataset("colpret").where("family == 'GPT3'")
    printed = dataset_frame("gpt3_tableD1_compute")
    table = runs.table.copy()
    sizes, compute = 1e6 * printed["params_M"].to_numpy(), 8.64e19 * printed["PF_days"].to_numpy()
    nearest = np.abs(np.log(table[names.PARAMS].to_numpy()[:, None] / sizes)).argmin(1)
    table[names.FLOPS] = compute[nearest] * table[names.TOKENS] / 3e11
    return runs.replace_table(table)


def _replicate(seed: int) -> list[Claim]:
    runs = runs_with_compute()
    finals = runs.last()
    small, large = finals.split(f"params < {LARGEST:g}")
    target = large.table.iloc[0]
    law = get_law("gpt3")
    at = {"flops": target[names.FLOPS]}
    printed = float(law(at, law.from_published({"flops": 1.0}, **PRINTED)))
    seven = fitted(small, "gpt3", seed)
    alone = _loss(seven, target, seed)
    spec = Spec(labs=False).with_priors(load_priors("without-brown2020"))
    from bayeslaw.inference import fit

    curves = runs.where(f"params < {LARGEST:g}")
    made = fit(curves, spec, seed=seed)
    ours = _loss(made, target, seed)
    own = fitted(finals, "gpt3", seed, discrepancy=Discrepancy())
    observed = float(target[names.LOSS])
    return [
        close("exponent of compute, all eight final losses", 0.048, number(own, "alpha"),
              note="final losses of runs of equal length are no envelope: the small models are "
              "trained far past it, so their line is steeper"),
        near("loss of 175B by the printed law, against the digitised one, %", -3.3,
             Number(100 * (printed / observed - 1)), 0.4),
        holds("loss of 175B by a power of compute through seven smaller models", alone,
              alone.high is not None and alone.high < observed,
              f"too low for {observed:.3f}: a pure power misses"),
        holds("loss of 175B by size, data and checkpoints of those seven", ours,
              ours.holds(observed) and abs(ours.value / observed - 1) < 0.03,
              f"holds {observed:.3f} and is within 3 %"),
    ]  # fmt: skip


def _loss(made, target, seed: int) -> Number:
    from bayeslaw.prediction import Target

    at = Target(target[names.PARAMS], target[names.TOKENS], "GPT3", flops=target[names.FLOPS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return Number.of(forecast(made, at, seed=seed).draws)


SYSTEM = System(
    "gpt3",
    "the loss along the envelope is 2.57 C^-.048, C in PF-days",
    "arXiv:2005.14165",
    "colpret",
    "training curves of eight models digitised by Choshen et al. (colpret), compute as printed",
    _replicate,
)

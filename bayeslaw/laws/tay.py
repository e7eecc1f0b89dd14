"""One straight line per architecture, in the logarithms of loss and compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOPS, NATS


def _to_published(at, c, fall):
    return {"k": c * at["flops"] ** np.log(fall), "slope": -np.log(fall)}


def _from_published(at, k, slope):
    return {"c": k * at["flops"] ** slope, "fall": np.exp(-slope)}


@law(
    inputs=(replace(FLOPS, improves=False),),
    parameters=(
        Parameter("c", "loss at the reference compute", 0.7, 1.5, "c", NATS, linear=True),
        # The slope is its logarithm, so that architectures may also get worse with compute.
        Parameter("fall", "factor by which the loss falls per e-fold of compute", 0.97, 1.22,
                  "f", between=0.04),
    ),
    reference="arXiv:2207.10551",
    to_published=_to_published,
    from_published=_from_published,
    equation=r"L = c C^{-\log f}",
)  # fmt: skip
def tay(xp, flops, c, fall):
    """Every architecture has a slope of its own in log loss against log compute."""
    return c * xp.exp(-xp.log(fall) * xp.log(flops))

"""The compute law of GPT-3."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOPS, NATS, PF_DAY


def _to_published(at, a, alpha):
    return {"k": a * (at["flops"] / PF_DAY) ** alpha, "alpha": alpha}


def _from_published(at, k, alpha):
    return {"a": k * (at["flops"] / PF_DAY) ** -alpha, "alpha": alpha}


@law(
    inputs=(FLOPS,),
    parameters=(
        Parameter("a", "loss at the reference compute", 0.7, 1.5, "a", NATS, linear=True),
        Parameter("alpha", "compute exponent", 0.03, 0.15, r"\alpha"),
    ),
    reference="arXiv:2005.14165",
    to_published=_to_published,
    from_published=_from_published,
)
def gpt3(xp, flops, a, alpha):
    """Loss falls as a power of compute along the envelope of the training curves."""
    return a * flops**-alpha

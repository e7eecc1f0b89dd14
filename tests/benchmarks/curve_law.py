"""The law of a single learning curve: flat at first, then a power of the data, then a floor."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import NATS, TOKENS
from bayeslaw.model import Discrepancy, Noise, Spec


def _published(references, **values):
    return dict(values)  # stated at the reference point: nothing here is compared with a paper


@law(
    inputs=(TOKENS,),
    parameters=(
        Parameter("E", "loss left at the end", 0.05, 1.05, "E", NATS, linear=True),
        Parameter("b", "excess at the reference point", 0.02, 4.0, "b", NATS, linear=True),
        Parameter("beta", "exponent once the loss falls", 0.16, 2.0, r"\beta"),
        Parameter("start", "data after which the loss falls", 0.005, 5.0, "s"),
    ),
    reference="arXiv:2209.06640",
    to_published=_published,
    from_published=_published,
)
def delayed_tokens(xp, tokens, E, b, beta, start):
    """Error is flat at first and then falls to a floor as a power of data."""
    return E + b * ((tokens + start) / (1 + start)) ** -beta


# Chosen by the log density of simulated curves (``curve_tuning.py``), never of the benchmark's.
# Error rates are noisier than losses of language models.
SPEC = Spec(
    delayed_tokens,
    labs=False,
    noise=Noise(run=(0.0015, 0.05), tails=4.0),
    discrepancy=Discrepancy(scale=(0.01, 0.2), length=3.0),
)

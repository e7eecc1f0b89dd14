"""The law of a single learning curve: flat at first, then a power of the data, then a floor."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import NATS, TOKENS
from bayeslaw.model import Discrepancy, Noise, Spec


def _published(references, **values):
    return dict(values)  # stated at the reference point: nothing here is compared with a paper


_FLOOR = Parameter("E", "loss left at the end", 0.05, 1.05, "E", NATS, linear=True)
_EXCESS = Parameter("b", "excess at the reference point", 0.02, 4.0, "b", NATS, linear=True)
_BETA = Parameter("beta", "exponent once the loss falls", 0.16, 2.0, r"\beta")
_START = Parameter("start", "data after which the loss falls", 0.005, 5.0, "s")
_SHARPNESS = Parameter("sharpness", "how suddenly the fall begins", 0.5, 3.0, r"\delta")


@law(
    inputs=(TOKENS,),
    parameters=(_FLOOR, _EXCESS, _BETA, _START),
    reference="arXiv:2209.06640",
    to_published=_published,
    from_published=_published,
)
def delayed_tokens(xp, tokens, E, b, beta, start):
    """Error is flat at first and then falls to a floor as a power of data."""
    return E + b * ((tokens + start) / (1 + start)) ** -beta


@law(
    inputs=(TOKENS,),
    parameters=(_FLOOR, _EXCESS, _BETA, _START, _SHARPNESS),
    reference="arXiv:2210.14891",
    to_published=_published,
    from_published=_published,
)
def bent_tokens(xp, tokens, E, b, beta, start, sharpness):
    """Error bends from flat, gently or suddenly, into a power of data above a floor.

    One break of arXiv:2210.14891 that begins flat. Near its top it leaves the plateau as
    tokens^sharpness and near the floor it falls as tokens^-beta: the two rates of M4
    (arXiv:2209.06640), in closed form and linear in its amplitudes.
    """
    bend = start**sharpness
    return E + b * ((tokens**sharpness + bend) / (1 + bend)) ** (-beta / sharpness)


# Chosen by the log density of simulated curves (``curve_tuning.py``), never of the benchmark's.
# Error rates are noisier than losses of language models.
SPEC = Spec(
    bent_tokens,
    labs=False,
    noise=Noise(run=(0.0015, 0.05), tails=4.0),
    discrepancy=Discrepancy(scale=(0.005, 0.1), length=1.5),
)

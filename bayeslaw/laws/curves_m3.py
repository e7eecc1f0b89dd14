"""Curve M3 of Alabdulmohsin et al.: a power of the data that levels off."""

from __future__ import annotations

from bayeslaw.laws.curves import LEVEL, POWER, REFERENCE
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import TOKENS


def _to_published(at, b, gamma, c):
    return {"beta": b * at["tokens"] ** c, "gamma": gamma / at["tokens"], "c": c}


def _from_published(at, beta, gamma, c):
    return {"b": beta * at["tokens"] ** -c, "gamma": gamma * at["tokens"], "c": c}


@law(
    inputs=(TOKENS,),
    parameters=(
        LEVEL,
        Parameter("gamma", "inverse data at which it levels off", 0.001, 1.0, r"\gamma"),
        POWER,
    ),
    reference=REFERENCE,
    to_published=_to_published,
    from_published=_from_published,
)
def m3(xp, tokens, b, gamma, c):
    """Error is a power of the data at first and levels off."""
    return b * (1 / tokens + gamma) ** c

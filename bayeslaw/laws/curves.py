"""Curves M1 to M4 of Alabdulmohsin et al., for a loss against one measure of data."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import NATS, TOKENS

REFERENCE = "arXiv:2209.06640"

LIMIT = Parameter("E", "error left at the end", 0.05, 1.05, r"\varepsilon_\infty", NATS,
                  linear=True)  # fmt: skip
EXCESS = Parameter("b", "excess at the reference point", 0.02, 3.0, r"\beta", NATS, linear=True,
                   between=0.4)  # fmt: skip
LEVEL = Parameter("b", "error at the reference point", 0.5, 4.0, r"\beta", NATS, linear=True,
                  between=0.4)  # fmt: skip
POWER = Parameter("c", "exponent", 0.05, 1.0, "c", between=0.2)


def _pair(**known):
    """Make the conversions of laws with beta x^c, c negative in print unless it is M3."""

    def to_published(at, b, c, **rest):
        renamed = {"epsilon_inf" if n == "E" else n: v for n, v in rest.items()}
        return {"beta": b * at["tokens"] ** c, "c": -c} | renamed

    def from_published(at, beta, c, **rest):
        renamed = {"E" if n == "epsilon_inf" else n: v for n, v in rest.items()}
        return {"b": beta * at["tokens"] ** c, "c": -c} | renamed

    return {"reference": REFERENCE, "inputs": (TOKENS,), "to_published": to_published,
            "from_published": from_published, **known}  # fmt: skip


@law(parameters=(LEVEL, POWER), **_pair())
def m1(xp, tokens, b, c):
    """Error is a power of the data."""
    return b * tokens**-c


@law(parameters=(LIMIT, EXCESS, POWER), **_pair())
def m2(xp, tokens, E, b, c):
    """Error falls to a limit as a power of the data."""
    return E + b * tokens**-c

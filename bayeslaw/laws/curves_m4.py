"""Curve M4 of Alabdulmohsin et al.: from the error of a guess to a limit, given by an equation."""

from __future__ import annotations

from bayeslaw.laws.curves import LIMIT, POWER, REFERENCE
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import NATS, TOKENS, softplus

_NEWTON = 5  #: steps; the function they solve bends one way only, so they cannot go astray


def _to_published(at, E, drop, b, c, alpha):
    beta = b * drop ** (1 - alpha) * at["tokens"] ** c
    return {"epsilon_inf": E, "epsilon_0": E + drop, "alpha": alpha, "beta": beta, "c": -c}


def _from_published(at, epsilon_inf, epsilon_0, alpha, beta, c):
    drop = epsilon_0 - epsilon_inf
    b = beta * drop ** (alpha - 1) * at["tokens"] ** c
    return {"E": epsilon_inf, "drop": drop, "b": b, "c": -c, "alpha": alpha}


@law(
    inputs=(TOKENS,),
    parameters=(
        LIMIT,
        Parameter("drop", "from a guess to the limit", 0.2, 6.0, r"\varepsilon_0", NATS,
                  linear=True),
        Parameter("b", "share of the drop that is left, over a power of the rest", 0.03, 10.0,
                  r"\beta", between=0.4),
        POWER,
        Parameter("alpha", "how slowly it leaves the guess", 0.4, 2.5, r"\alpha", between=0.2),
    ),
    reference=REFERENCE,
    to_published=_to_published,
    from_published=_from_published,
    equation=r"\frac{L - \varepsilon_\infty}{(\varepsilon_0 - L)^\alpha} = \beta D^{c}",
)  # fmt: skip
def m4(xp, tokens, E, drop, b, c, alpha):
    """Error leaves that of a guess slowly, falls as a power of the data, and ends at a limit."""
    # The share p of the drop that is left solves log p - alpha log(1 - p) = target; p is a
    # logistic function of z, and the left side then rises with slopes between 1 and alpha.
    target = xp.log(b) - c * xp.log(tokens)
    z = xp.minimum(target, 0.0) + xp.maximum(target, 0.0) / alpha
    for _ in range(_NEWTON):
        p = xp.exp(-softplus(xp, -z))
        error = target + softplus(xp, -z) - alpha * softplus(xp, z)
        z = z + error / (1 - p + alpha * p)
    return E + drop * xp.exp(-softplus(xp, -z))

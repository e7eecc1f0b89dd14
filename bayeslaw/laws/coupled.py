"""A power mean of the size and data terms: their sum at one end, the larger at the other."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.muennighoff import ALPHA, BETA
from bayeslaw.laws.shared import FLOOR, PARAMS, TOKENS, amplitude


def _to_published(at, E, b, ratio, alpha, beta, p):
    return {"E": E, "A": ratio * b * at["params"] ** alpha, "B": b * at["tokens"] ** beta,
            "alpha": alpha, "beta": beta, "p": p}  # fmt: skip


def _from_published(at, E, A, B, alpha, beta, p):
    a, b = A * at["params"] ** -alpha, B * at["tokens"] ** -beta
    return {"E": E, "b": b, "ratio": a / b, "alpha": alpha, "beta": beta, "p": p}


@law(
    inputs=(PARAMS, TOKENS),
    parameters=(
        FLOOR,
        amplitude("b", "data"),
        Parameter("ratio", "loss owed to size over that owed to data", 0.2, 5.0, "r", between=0.5),
        ALPHA,
        BETA,
        Parameter("p", "1: the terms add up; large: the larger one rules", 0.7, 6.0, "p"),
    ),
    reference="arXiv:2001.08361",  # its joint law is this one with p = 1/beta and no floor
    to_published=_to_published,
    from_published=_from_published,
    equation=r"L = E + b \left((r N^{-\alpha})^p + (D^{-\beta})^p\right)^{1/p}",
)
def coupled(xp, params, tokens, E, b, ratio, alpha, beta, p):
    """Size and data limit the loss together or in turn, above a floor."""
    size, data = ratio * params**-alpha, tokens**-beta
    most = xp.maximum(size, data)  # taken out, or powers would overflow
    return E + b * most * ((size / most) ** p + (data / most) ** p) ** (1 / p)

"""Laws in size and data together."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOOR, NATS, PARAMS, TOKENS, amplitude, raw_amplitudes

_additive = raw_amplitudes(A=("a", "params", "alpha"), B=("b", "tokens", "beta"))


@law(
    inputs=(PARAMS, TOKENS),
    parameters=(
        FLOOR,
        amplitude("a", "size"),
        amplitude("b", "data"),
        Parameter("alpha", "size exponent", 0.20, 0.54, r"\alpha", effective=(0.17, 0.33)),
        Parameter("beta", "data exponent", 0.20, 0.54, r"\beta", effective=(0.17, 0.33)),
    ),
    reference="arXiv:2203.15556",
    to_published=_additive[0],
    from_published=_additive[1],
)
def chinchilla(xp, params, tokens, E, a, b, alpha, beta):
    """Loss falls to a floor as one term in size plus one term in data."""
    return E + a * params**-alpha + b * tokens**-beta


def _to_kaplan(references, a, b, alpha_N, alpha_D):
    return {
        "N_c": references["params"] * a ** (1 / alpha_N),
        "D_c": references["tokens"] * b ** (1 / alpha_D),
        "alpha_N": alpha_N,
        "alpha_D": alpha_D,
    }


def _from_kaplan(references, N_c, D_c, alpha_N, alpha_D):
    return {
        "a": (N_c / references["params"]) ** alpha_N,
        "b": (D_c / references["tokens"]) ** alpha_D,
        "alpha_N": alpha_N,
        "alpha_D": alpha_D,
    }


@law(
    inputs=(PARAMS, TOKENS),
    parameters=(
        Parameter("a", "loss of the reference size with endless data", 0.7, 1.5, "a", NATS),
        Parameter("b", "loss of an endless model on the reference data", 0.7, 1.5, "b", NATS),
        Parameter("alpha_N", "size exponent", 0.04, 0.20, r"\alpha_N"),
        Parameter("alpha_D", "data exponent", 0.05, 0.25, r"\alpha_D"),
    ),
    reference="arXiv:2001.08361",
    to_published=_to_kaplan,
    from_published=_from_kaplan,
)
def kaplan(xp, params, tokens, a, b, alpha_N, alpha_D):
    """Size and data limit the loss jointly, without a floor."""
    size = (a * params**-alpha_N) ** (1 / alpha_D)
    data = (b * tokens**-alpha_D) ** (1 / alpha_D)
    return (size + data) ** alpha_D

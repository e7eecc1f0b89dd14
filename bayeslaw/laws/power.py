"""Saturating power laws in one input: parameters, tokens or compute."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOOR, FLOPS, PARAMS, TOKENS, amplitude, raw_amplitudes

REFERENCE = "arXiv:2001.08361"

_in_params = raw_amplitudes(A=("a", "params", "alpha"))
_in_tokens = raw_amplitudes(B=("b", "tokens", "beta"))
_in_flops = raw_amplitudes(C=("c", "flops", "gamma"))


@law(
    inputs=(PARAMS,),
    parameters=(
        FLOOR,
        amplitude("a", "size"),
        Parameter("alpha", "size exponent", 0.20, 0.54, r"\alpha", effective=(0.17, 0.33)),
    ),
    reference=REFERENCE,
    to_published=_in_params[0],
    from_published=_in_params[1],
)
def power_params(xp, params, E, a, alpha):
    """Loss falls to a floor as a power of size."""
    return E + a * params**-alpha


@law(
    inputs=(TOKENS,),
    parameters=(
        FLOOR,
        amplitude("b", "data"),
        Parameter("beta", "data exponent", 0.20, 0.54, r"\beta", effective=(0.17, 0.33)),
    ),
    reference=REFERENCE,
    to_published=_in_tokens[0],
    from_published=_in_tokens[1],
)
def power_tokens(xp, tokens, E, b, beta):
    """Loss falls to a floor as a power of data."""
    return E + b * tokens**-beta


@law(
    inputs=(FLOPS,),
    parameters=(
        FLOOR,
        amplitude("c", "compute"),
        Parameter("gamma", "compute exponent", 0.08, 0.30, r"\gamma", effective=(0.07, 0.20)),
    ),
    reference=REFERENCE,
    to_published=_in_flops[0],
    from_published=_in_flops[1],
)
def power_flops(xp, flops, E, c, gamma):
    """Loss falls to a floor as a power of compute."""
    return E + c * flops**-gamma

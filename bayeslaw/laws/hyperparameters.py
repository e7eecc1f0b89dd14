"""Laws in which the best learning rate or batch size is a power of size and data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayeslaw import names
from bayeslaw.laws.law import Input, Parameter, law
from bayeslaw.laws.muennighoff import ALPHA, BETA
from bayeslaw.laws.shared import FLOOR, PARAMS, TOKENS, amplitude, raw_amplitudes

_AMPLITUDES = raw_amplitudes(A=("a", "params", "alpha"), B=("b", "tokens", "beta"))


def _conversions(name):
    """Make the conversions: the best setting is {name}_0 x N^p_N x D^p_D."""

    def to_published(at, k, best, n, d, **rest):
        power_n, power_d = np.log(n), np.log(d)
        scale = best * at[name] * at["params"] ** -power_n * at["tokens"] ** -power_d
        rest = _AMPLITUDES[0](at, **rest)
        return rest | {"k": k, f"{name}_0": scale, "p_N": power_n, "p_D": power_d}

    def from_published(at, k, p_N, p_D, **rest):
        best = rest.pop(f"{name}_0") / at[name] * at["params"] ** p_N * at["tokens"] ** p_D
        own = _AMPLITUDES[1](at, **rest)
        return own | {"k": k, "best": best, "n": np.exp(p_N), "d": np.exp(p_D)}

    return {"to_published": to_published, "from_published": from_published}


PARAMETERS = (
    FLOOR, amplitude("a", "size"), amplitude("b", "data"), ALPHA, BETA,
    Parameter("k", "relative loss per squared e-fold off the best", 0.001, 0.05, "k", between=0.4),
    Parameter("best", "best setting at the reference point", 0.1, 10.0, "x_*", between=0.4),
    # Powers are logarithms of these, so that either sign is possible.
    Parameter("n", "factor of the best setting per e-fold of size", 0.4, 1.6, "n"),
    Parameter("d", "factor of the best setting per e-fold of data", 0.6, 2.2, "d"),
)  # fmt: skip
# Growth at a fixed setting leaves the best one behind.
SIZE, DATA = replace(PARAMS, improves=False), replace(TOKENS, improves=False)
RATE = Input(names.LR, "x", "1", span=(0.05, 20.0), improves=False)
BATCH = Input(names.BATCH_TOKENS, "x", "tokens", span=(0.05, 20.0), improves=False)
FACTS = {
    "parameters": PARAMETERS,
    "reference": "arXiv:2503.04715",
    "equation": r"L = \left(E + a N^{-\alpha} + b D^{-\beta}\right) "
    r"\left(1 + k \log^2 \frac{x}{x_* N^{\log n} D^{\log d}}\right)",
}


@law(inputs=(SIZE, DATA, RATE), **FACTS, **_conversions(names.LR))
def learning_rate(xp, params, tokens, lr, E, a, b, alpha, beta, k, best, n, d):
    """Loss rises with the squared log distance from a best rate that is a power of N and D."""
    off = xp.log(lr) - xp.log(best) - xp.log(n) * xp.log(params) - xp.log(d) * xp.log(tokens)
    return (E + a * params**-alpha + b * tokens**-beta) * (1 + k * off**2)


@law(inputs=(SIZE, DATA, BATCH), **FACTS, **_conversions(names.BATCH_TOKENS))
def batch_size(xp, params, tokens, batch_tokens, E, a, b, alpha, beta, k, best, n, d):
    """Loss rises with the squared log distance from a best batch that is a power of N and D."""
    off = xp.log(batch_tokens) - xp.log(best) - xp.log(n) * xp.log(params)
    off = off - xp.log(d) * xp.log(tokens)
    return (E + a * params**-alpha + b * tokens**-beta) * (1 + k * off**2)

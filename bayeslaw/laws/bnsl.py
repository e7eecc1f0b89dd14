"""Broken laws of Caballero et al. with one to three breaks, in one measure of data."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from operator import mul

import numpy as np

from bayeslaw.laws.curves import EXCESS, LIMIT
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import TOKENS, softplus

DATA = replace(TOKENS, improves=False)  # a curve may rise after a break
FIRST = Parameter("c0", "exponent before the first break", 0.02, 1.0, "c_0", between=0.2)


def _break(i):
    """Declare a break: exp of the change of exponent, place, sharpness."""
    place = (0.03, 30.0) if i == 1 else (2.0, 60.0)
    meaning = "data at the break" if i == 1 else "data at the break, over that at the one before"
    return (Parameter(f"g{i}", "exp of the change of exponent", 0.6, 2.7, f"e^{{c_{i}}}"),
            Parameter(f"d{i}", meaning, *place, f"d_{i}", between=0.4),
            Parameter(f"f{i}", "smoothness of the break", 0.05, 1.2, f"f_{i}", between=0.3),
            )  # fmt: skip


def _facts(n):
    breaks, count = [p for i in range(1, n + 1) for p in _break(i)], range(1, n + 1)

    def to_published(at, E, b, c0, **own):
        places = accumulate((own[f"d{i}"] for i in count), mul)
        out = {"a": E, "b": b * at["tokens"] ** c0, "c0": c0}
        for i, place in zip(count, places, strict=True):
            out |= {f"c{i}": np.log(own[f"g{i}"]), f"d{i}": place * at["tokens"],
                    f"f{i}": own[f"f{i}"]}  # fmt: skip
        return out

    def from_published(at, a, b, c0, **own):
        out, before = {"E": a, "b": b * at["tokens"] ** -c0, "c0": c0}, at["tokens"]
        for i in count:
            out |= {f"g{i}": np.exp(own[f"c{i}"]), f"d{i}": own[f"d{i}"] / before,
                    f"f{i}": own[f"f{i}"]}  # fmt: skip
            before = own[f"d{i}"]
        return out

    return {"inputs": (DATA,), "parameters": (LIMIT, EXCESS, FIRST, *breaks),
            "reference": "arXiv:2210.14891", "to_published": to_published,
            "from_published": from_published,
            "equation": rf"L = a + b D^{{-c_0}} \prod_{{i=1}}^{{{n}}} "
            r"\left(1 + (D/d_i)^{1/f_i}\right)^{-c_i f_i}"}  # fmt: skip


def _bend(xp, tokens, g, d, f):
    return xp.exp(-xp.log(g) * f * softplus(xp, (xp.log(tokens) - xp.log(d)) / f))


@law(**_facts(1))
def bnsl1(xp, tokens, E, b, c0, g1, d1, f1):
    """Loss is a power of the data whose exponent changes once, above a floor."""
    return E + b * tokens**-c0 * _bend(xp, tokens, g1, d1, f1)


@law(**_facts(2))
def bnsl2(xp, tokens, E, b, c0, g1, d1, f1, g2, d2, f2):
    """Loss is a power of the data whose exponent changes twice, above a floor."""
    bends = _bend(xp, tokens, g1, d1, f1) * _bend(xp, tokens, g2, d1 * d2, f2)
    return E + b * tokens**-c0 * bends


@law(**_facts(3))
def bnsl3(xp, tokens, E, b, c0, g1, d1, f1, g2, d2, f2, g3, d3, f3):
    """Loss is a power of the data whose exponent changes three times, above a floor."""
    bends = _bend(xp, tokens, g1, d1, f1) * _bend(xp, tokens, g2, d1 * d2, f2)
    return E + b * tokens**-c0 * bends * _bend(xp, tokens, g3, d1 * d2 * d3, f3)

"""The law of routed models: experts help less the larger the model."""

from __future__ import annotations

from dataclasses import replace
from math import log10

import numpy as np

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import EXPERTS, NATS, PARAMS

_LN10 = float(np.log(10))


def _to_published(at, level, alpha, gain, h, E_start, room):
    size, c = log10(at["params"]), np.log(h)
    return {"a": -alpha, "b": -gain - c * size, "c": c, "d": np.log10(level) + alpha * size,
            "E_start": E_start, "E_max": E_start + room}  # fmt: skip


def _from_published(at, a, b, c, d, E_start, E_max):
    size = log10(at["params"])
    return {"level": 10 ** (d + a * size), "alpha": -a, "gain": -b - c * size, "h": np.exp(c),
            "E_start": E_start, "room": E_max - E_start}  # fmt: skip


@law(
    inputs=(replace(PARAMS, improves=False), EXPERTS),  # not where the interaction rules
    parameters=(
        Parameter("level", "loss of one expert-equivalent", 0.8, 1.6, "10^d", NATS, linear=True),
        Parameter("alpha", "size exponent", 0.04, 0.16, "a"),
        Parameter("gain", "exponent of experts at the reference size", 0.01, 0.12, "b"),
        # Its logarithm may have either sign.
        Parameter("h", "how the gain shrinks per decade of size", 0.99, 1.04, "e^c", between=0.003),
        Parameter("E_start", "experts a dense model is worth", 1.2, 8.0, r"E_\mathrm{start}"),
        Parameter("room", "experts beyond which none helps", 80.0, 1200.0, r"E_\mathrm{max}"),
    ),
    reference="arXiv:2202.01169",
    to_published=_to_published,
    from_published=_from_published,
    equation=r"\log L = d + a \log N + b \log \hat{E} + c \log N \log \hat{E}, \quad "
    r"\frac{1}{\hat{E}} = \frac{1}{E - 1 + (\frac{1}{E_\mathrm{start}} - "
    r"\frac{1}{E_\mathrm{max}})^{-1}} + \frac{1}{E_\mathrm{max}}",
)
def clark(xp, params, experts, level, alpha, gain, h, E_start, room):
    """Loss is a power of size and of a saturating count of experts, with an interaction."""
    most = E_start + room
    effective = 1 / (1 / (experts - 1 + E_start * most / room) + 1 / most)
    slope = -gain + xp.log(h) * xp.log(params) / _LN10
    return level * params**-alpha * xp.exp(slope * xp.log(effective))

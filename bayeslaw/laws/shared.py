"""Inputs and parameters that several laws share, and how amplitudes are published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bayeslaw import names
from bayeslaw.laws.law import Input, Parameter

PARAMS = Input(names.PARAMS, "N", "parameters")
TOKENS = Input(names.TOKENS, "D", "tokens")
FLOPS = Input(names.FLOPS, "C", "FLOP")

UNIQUE_TOKENS = Input(names.UNIQUE_TOKENS, "U", "tokens", reference=names.TOKENS)
EXPERTS = Input(names.EXPERTS, "E", "experts", reference=1.0, span=(1.0, 1e3), improves=False)
STEPS = Input(names.STEPS, "S", "steps")
STEPS_MIN = Input(names.STEPS_MIN, r"S_\mathrm{min}", "steps")
FLOPS_MIN = Input(names.FLOPS_MIN, r"C_\mathrm{min}", "FLOP")
BATCH_TOKENS = Input(names.BATCH_TOKENS, "B", "tokens")
UPSTREAM_LOSS = Input(names.UPSTREAM_LOSS, "L", "nat/token", span=(0.6, 1.8), improves=False)

NATS = "nat/token"
PF_DAY = 8.64e19  #: FLOP in a petaflop/s-day

FLOOR = Parameter(
    "E", "irreducible loss", 0.48, 1.09, symbol="E", unit=NATS, linear=True, between=0.10
)


def amplitude(name: str, owed_to: str) -> Parameter:
    """Declare the loss owed to a finite input at the reference point."""
    meaning = f"loss owed to finite {owed_to}, at the reference point"
    return Parameter(name, meaning, 0.04, 0.56, symbol=name, unit=NATS, linear=True, between=0.40)


def softplus(xp: Any, x: Any) -> Any:
    """Return log(1 + exp(x)) without overflow, in the functions a formula may use."""
    return xp.maximum(x, 0.0) + xp.log(1.0 + xp.exp(xp.minimum(x, -x)))


Converters = tuple[Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]


def raw_amplitudes(**published: tuple[str, str, str]) -> Converters:
    """Make the two conversions for laws whose terms are amplitude x input ** -exponent.

    Each keyword is a published coefficient for raw inputs, given as (parameter, input, exponent);
    all other parameters are published as they are.
    """
    inner = {own: symbol for symbol, (own, _, _) in published.items()}

    def to_published(references: dict[str, float], **parameters: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for own, value in parameters.items():
            if own in inner:
                _, source, exponent = published[inner[own]]
                value = value * references[source] ** parameters[exponent]
            out[inner.get(own, own)] = value
        return out

    def from_published(references: dict[str, float], **values: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for symbol, value in values.items():
            if symbol in published:
                own, source, exponent = published[symbol]
                out[own] = value * references[source] ** -values[exponent]
            else:
                out[symbol] = value
        return out

    return to_published, from_published

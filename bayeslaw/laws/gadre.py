"""Laws of Gadre et al.: the loss of over-trained models, and task error from loss."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOOR, NATS, PARAMS, TOKENS, UPSTREAM_LOSS, amplitude

REFERENCE = "arXiv:2403.08540"


def _to_published(at, E, a, b, eta):
    # In compute C = 6 N D and tokens per parameter M, (a M^eta + b M^-eta) C^-eta.
    return {"E": E, "a": a * (6 * at["params"] ** 2) ** eta,
            "b": b * (6 * at["tokens"] ** 2) ** eta, "eta": eta}  # fmt: skip


def _from_published(at, E, a, b, eta):
    return {"E": E, "a": a * (6 * at["params"] ** 2) ** -eta,
            "b": b * (6 * at["tokens"] ** 2) ** -eta, "eta": eta}  # fmt: skip


@law(
    inputs=(PARAMS, TOKENS),
    parameters=(
        FLOOR,
        amplitude("a", "size"),
        amplitude("b", "data"),
        Parameter("eta", "exponent of compute", 0.10, 0.27, r"\eta", effective=(0.085, 0.165)),
    ),
    reference=REFERENCE,
    to_published=_to_published,
    from_published=_from_published,
)
def gadre(xp, params, tokens, E, a, b, eta):
    """Size and data share one exponent, so tokens per parameter only move the amplitude."""
    return E + a * params ** (-2 * eta) + b * tokens ** (-2 * eta)


def _to_error(at, error, room, g):
    gamma = g / at["upstream_loss"]
    return {"epsilon": error + room, "k": room * _exp(g), "gamma": gamma}


def _from_error(at, epsilon, k, gamma):
    g = gamma * at["upstream_loss"]
    return {"error": epsilon - k * _exp(-g), "room": k * _exp(-g), "g": g}


def _exp(x):
    return 2.718281828459045**x


@law(
    inputs=(UPSTREAM_LOSS,),
    parameters=(
        Parameter("error", "error at the reference loss", 0.8, 1.6, r"\epsilon_0", NATS),
        Parameter("room", "what a useless model adds to it", 0.05, 0.8, "k", NATS, between=0.4),
        Parameter("g", "steepness in units of the reference loss", 1.0, 6.0, "g", between=0.2),
    ),
    reference=REFERENCE,
    to_published=_to_error,
    from_published=_from_error,
    equation=r"\mathrm{error} = \epsilon_0 + k \left(1 - e^{g (1 - L/L_0)}\right)",
)
def gadre_error(xp, upstream_loss, error, room, g):
    """Task error falls exponentially with the pre-training loss; the table's loss is the error."""
    # At very small losses the exponential would lead below zero, where no error is.
    return xp.maximum(error + room * (1 - xp.exp(g * (1 - upstream_loss))), 0.005 * (error + room))

"""Loss of Kaplan et al. at a finite batch, through the critical batch size B*(L)."""

from __future__ import annotations

from dataclasses import replace

from bayeslaw.laws.kaplan_steps import ALPHA_N, ALPHA_S, REFERENCE, SIZE, TIME
from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import BATCH_TOKENS, PARAMS, STEPS

_NEWTON = 8  #: steps; they rise to the solution from below, and the last changes nothing


def _to_published(at, a, s, alpha_N, alpha_S, critical, alpha_B):
    return {"N_c": at["params"] * a ** (1 / alpha_N), "alpha_N": alpha_N,
            "S_c": at["steps"] * s ** (1 / alpha_S), "alpha_S": alpha_S,
            "B_star": critical * at["batch_tokens"] * (a + s) ** (1 / alpha_B),
            "alpha_B": alpha_B}  # fmt: skip


def _from_published(at, N_c, alpha_N, S_c, alpha_S, B_star, alpha_B):
    a, s = (N_c / at["params"]) ** alpha_N, (S_c / at["steps"]) ** alpha_S
    critical = B_star / at["batch_tokens"] / (a + s) ** (1 / alpha_B)
    return {"a": a, "s": s, "alpha_N": alpha_N, "alpha_S": alpha_S,
            "critical": critical, "alpha_B": alpha_B}  # fmt: skip


@law(
    inputs=(PARAMS, STEPS, BATCH_TOKENS),
    parameters=(
        replace(SIZE, linear=False),
        replace(TIME, linear=False),
        ALPHA_N,
        ALPHA_S,
        Parameter("critical", "critical batch at the reference loss", 0.05, 5.0, "B_*"),
        Parameter("alpha_B", "exponent of the critical batch", 0.12, 0.40, r"\alpha_B"),
    ),
    reference=REFERENCE,
    to_published=_to_published,
    from_published=_from_published,
    equation=r"L = a N^{-\alpha_N} + s \left(\frac{S}{1 + B_* L^{-1/\alpha_B}/B}"
    r"\right)^{-\alpha_S}",
)
def kaplan_batch(xp, params, steps, batch_tokens, a, s, alpha_N, alpha_S, critical, alpha_B):
    """Loss counts steps for less above a critical batch, which grows as the loss falls."""
    size, time = a * params**-alpha_N, s * steps**-alpha_S
    waste = critical * (a + s) ** (1 / alpha_B) / batch_tokens
    log_loss = xp.log(size + time)  # below the solution: no step is wasted
    for _ in range(_NEWTON):
        wasted = waste * xp.exp(-log_loss / alpha_B)
        slow = time * (1 + wasted) ** alpha_S
        slope = 1 + slow / (size + slow) * alpha_S / alpha_B * wasted / (1 + wasted)
        log_loss = log_loss + (xp.log(size + slow) - log_loss) / slope
    return xp.exp(log_loss)

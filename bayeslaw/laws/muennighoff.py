"""The data-constrained law: repeated tokens and surplus parameters are worth less."""

from __future__ import annotations

from bayeslaw.laws.law import Parameter, law
from bayeslaw.laws.shared import FLOOR, PARAMS, TOKENS, UNIQUE_TOKENS, amplitude

ALPHA = Parameter("alpha", "size exponent", 0.20, 0.54, r"\alpha", effective=(0.17, 0.33))
BETA = Parameter("beta", "data exponent", 0.20, 0.54, r"\beta", effective=(0.17, 0.33))


def _to_published(at, E, b, ratio, alpha, beta, R_D, R_N):
    return {"E": E, "A": ratio * b * at["params"] ** alpha, "B": b * at["tokens"] ** beta,
            "alpha": alpha, "beta": beta, "R_D": R_D, "R_N": R_N}  # fmt: skip


def _from_published(at, E, A, B, alpha, beta, R_D, R_N):
    a, b = A * at["params"] ** -alpha, B * at["tokens"] ** -beta
    return {"E": E, "b": b, "ratio": a / b, "alpha": alpha, "beta": beta,
            "R_D": R_D, "R_N": R_N}  # fmt: skip


@law(
    inputs=(PARAMS, TOKENS, UNIQUE_TOKENS),
    parameters=(
        FLOOR,
        amplitude("b", "data"),
        # As a ratio, so that the law stays linear in the other two.
        Parameter("ratio", "loss owed to size over that owed to data", 0.2, 5.0, "r", between=0.5),
        ALPHA,
        BETA,
        Parameter("R_D", "repetitions after which data wear off", 3.0, 60.0, "R_D", between=0.3),
        Parameter("R_N", "surpluses after which size wears off", 1.0, 30.0, "R_N", between=0.3),
    ),
    reference="arXiv:2305.16264",
    to_published=_to_published,
    from_published=_from_published,
    equation=r"L = E + b \left(r N'^{-\alpha} + D'^{-\beta}\right), \quad "
    r"D' = U + U R_D (1 - e^{-(D/U - 1)/R_D}), \quad "
    r"N' = U_N + U_N R_N (1 - e^{-(N/U_N - 1)/R_N})",
)
def muennighoff(xp, params, tokens, unique_tokens, E, b, ratio, alpha, beta, R_D, R_N):
    """Repeated data and surplus size count for less, and in the end for nothing."""
    unique = xp.minimum(tokens, unique_tokens)
    data = unique * (1 + R_D * (1 - xp.exp(-(tokens / unique - 1) / R_D)))
    # The size for which the unique tokens are the compute-optimal amount of data.
    best = (alpha * ratio / beta) ** (1 / alpha) * unique_tokens ** (beta / alpha)
    base = xp.minimum(params, best)
    size = base * (1 + R_N * (1 - xp.exp(-(params / base - 1) / R_N)))
    return E + b * (ratio * size**-alpha + data**-beta)

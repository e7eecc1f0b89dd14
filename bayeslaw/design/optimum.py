"""Where a law's loss is lowest for a budget, at every draw of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw import names
from bayeslaw.errors import LawError
from bayeslaw.laws import Law

#: FLOP of training per parameter and token, and of inference.
TRAINING, INFERENCE = 6.0, 2.0

_REACH = 14.0  # e-folds either side of equal shares in which an optimum is looked for
_GRID, _ROUNDS = 25, 7
_HALVINGS = 60
_NEAR = 1e-6  # e-folds that bisection may be off
_STEP = 0.05  # e-folds over which slopes are taken


@dataclass(frozen=True)
class Additive:
    """A law whose loss rises with a n^-alpha + b d^-beta: n, d relative to the reference point.

    Attributes
    ----------
    a, alpha, b, beta : by draw.
    """

    a: np.ndarray
    alpha: np.ndarray
    b: np.ndarray
    beta: np.ndarray

    def log_size(self, log_product: np.ndarray | float) -> np.ndarray:
        """Return log n where alpha a n^-alpha = beta b d^-beta, given log n d."""
        lead = np.log(self.alpha * self.a) - np.log(self.beta * self.b)
        return (lead + self.beta * log_product) / (self.alpha + self.beta)


#: Parameters of laws that are such a sum, perhaps inside a power, and how they are one.
_ADDITIVE: dict[frozenset[str], Callable[[Mapping[str, np.ndarray]], Additive]] = {
    frozenset(("E", "a", "b", "alpha", "beta")): lambda p: Additive(
        p["a"], p["alpha"], p["b"], p["beta"]
    ),
    frozenset(("a", "b", "alpha_N", "alpha_D")): lambda p: Additive(
        p["a"] ** (1 / p["alpha_D"]),
        p["alpha_N"] / p["alpha_D"],
        p["b"] ** (1 / p["alpha_D"]),
        np.ones_like(p["b"]),
    ),
}


@dataclass(frozen=True, eq=False)
class Frontier:
    """A law at draws of one family's parameters, seen along lines of equal compute.

    Attributes
    ----------
    law : of params and tokens.
    references : reference value of each input.
    parameters : draws of each parameter, shape (draws,).
    given : values of inputs other than params, tokens and flops.
    """

    law: Law
    references: Mapping[str, float]
    parameters: Mapping[str, np.ndarray]
    given: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse a law without a trade between size and data."""
        needed = {names.PARAMS, names.TOKENS}
        if not needed <= set(self.law.input_names):
            raise LawError(
                f"law '{self.law.name}' takes {', '.join(self.law.input_names)}; expected one of "
                "params and tokens, for only that has a best size. Fit for example 'chinchilla'."
            )
        lacking = set(self.law.input_names) - needed - {names.FLOPS} - set(self.given)
        if lacking:
            raise LawError(
                f"law '{self.law.name}' also takes {', '.join(sorted(lacking))}; expected a value "
                "for each. Give them, such as given={'" + min(lacking) + "': ...}."
            )

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(next(iter(self.parameters.values())))

    def loss(self, log_params: np.ndarray, log_tokens: np.ndarray) -> np.ndarray:
        """Return the loss, shape (draws, points), at sizes and data that broadcast to it."""
        columns = {
            names.PARAMS: log_params,
            names.TOKENS: log_tokens,
            names.FLOPS: np.log(TRAINING) + log_params + log_tokens,
            **{n: np.full((1, 1), np.log(v)) for n, v in self.given.items()},
        }
        relative = {
            n: np.exp(columns[n] - np.log(self.references[n])) for n in self.law.input_names
        }
        at = {n: v[:, None] for n, v in self.parameters.items()}
        return np.asarray(self.law(relative, at))

    def on_line(self, flops: float, log_params: np.ndarray) -> np.ndarray:
        """Return the loss at sizes that spend a budget, shape (draws, points)."""
        return self.loss(log_params, np.log(flops / TRAINING) - log_params)

    @cached_property
    def additive(self) -> Additive | None:
        """The closed form of the optimum, if the law has one: looked up by the names of its
        parameters, and checked against the law.
        """  # noqa: D205
        make = _ADDITIVE.get(frozenset(self.law.parameter_names))
        if make is None or self.given:
            return None
        form = make(self.parameters)
        budget = TRAINING * self.references[names.PARAMS] * self.references[names.TOKENS] * 100
        middle = self._closed(form, budget)[:, None]
        below, at, above = (self.on_line(budget, middle + h) for h in (-_STEP, 0.0, _STEP))
        rise = above + below - 2 * at
        return form if (np.abs(above - below) < 0.1 * rise).all() else None

    def _closed(self, form: Additive, flops: float) -> np.ndarray:
        n, d = (np.log(self.references[i]) for i in (names.PARAMS, names.TOKENS))
        return form.log_size(np.log(flops / TRAINING) - n - d) + n

    def best_size(self, flops: float) -> np.ndarray:
        """Return log N* of a budget at each draw; infinite where no size inside is best."""
        if self.additive is not None:
            return self._closed(self.additive, flops)
        centre = np.full(self.draws, 0.5 * np.log(flops / TRAINING))
        found = lowest(lambda u: self.on_line(flops, u), centre - _REACH, centre + _REACH)
        off = np.abs(found - centre)
        return np.where(off > 0.99 * _REACH, np.copysign(np.inf, found - centre), found)

    def exponent(self, flops: float) -> np.ndarray:
        """Return a of N* ~ C^a at each draw: for an additive law everywhere the same."""
        if self.additive is not None:
            return self.additive.beta / (self.additive.alpha + self.additive.beta)
        grow = np.exp(10 * _STEP)
        with np.errstate(invalid="ignore"):
            rise = self.best_size(flops * grow) - self.best_size(flops / grow)
        return rise / (20 * _STEP)

    def best_loss(self, flops: float) -> np.ndarray:
        """Return the loss at N* and D* of a budget at each draw."""
        return self.on_line(flops, self.best_size(flops)[:, None])[:, 0]

    def cheapest_to_serve(
        self, size: np.ndarray, data: np.ndarray, served: float, most_tokens: float = np.inf
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return log N, log D of least training and inference compute.

        Parameters
        ----------
        size, data : log N and log D, at each draw, whose loss is to be reached; the best use of a
            training budget, or as near to it as limits allow. No larger model is looked at.
        served : tokens of inference over the model's life.
        most_tokens : training tokens there are.

        Returns
        -------
        Both at each draw, of the same loss; for an additive law, short of a limit,
        alpha A N^-alpha = beta B D^-beta (1 + served / (3 D)) holds exactly.
        """
        form = self.additive
        if form is None:
            return self._cheapest_numerically(size, data, served, most_tokens)
        n0, d0 = self.references[names.PARAMS], self.references[names.TOKENS]
        own = form.a * np.exp(-form.alpha * (size - np.log(n0)))
        total = own + form.b * np.exp(-form.beta * (data - np.log(d0)))

        def point(logit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            # The share of the sum that size owes; below it rises, so the model shrinks.
            share, rest = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
            log_n = np.log(n0) + (np.log(form.a) - np.log(total * share)) / form.alpha
            return log_n, np.log(d0) + (np.log(form.b) - np.log(total * rest)) / form.beta

        low = np.log(own) - np.log(total - own)
        high = low + 40.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            log_d = point(middle)[1]
            # alpha share - beta rest (1 + T / 3 D), divided by rest, rises with the share.
            odds = middle + np.log(form.alpha) - np.log(form.beta)
            over = (odds > np.log1p(served / 3 * np.exp(-log_d))) | (log_d > np.log(most_tokens))
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        return point((low + high) / 2)

    def _cheapest_numerically(
        self, size: np.ndarray, data: np.ndarray, served: float, most_tokens: float
    ) -> tuple[np.ndarray, np.ndarray]:
        goal = self.loss(size[:, None], data[:, None])

        def needed(u: np.ndarray) -> np.ndarray:
            low, high = np.broadcast_to(data[:, None], u.shape), data[:, None] + 2 * _REACH
            high = np.broadcast_to(high, u.shape)
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                reached = self.loss(u, middle) <= goal
                low, high = np.where(reached, low, middle), np.where(reached, middle, high)
            # A size that no data bring to the goal ends far away, where it costs most.
            return high

        def cost(u: np.ndarray) -> np.ndarray:
            tokens = needed(u)
            total = u + np.logaddexp(np.log(TRAINING) + tokens, np.log(INFERENCE * served))
            return np.where(tokens > np.log(most_tokens) + _NEAR, np.inf, total)

        found = lowest(cost, size - _REACH / 2, size)
        return found, needed(found[:, None])[:, 0]


def lowest(
    function: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return where functions of one argument are lowest, each between its own bounds.

    Parameters
    ----------
    function : from arguments (draws, points) to values of that shape; each row with one minimum.
    low, high : shape (draws,).

    Examples
    --------
    >>> found = lowest(lambda u: (u - 1.0) ** 2, np.zeros(1), np.full(1, 3.0))
    >>> bool(abs(found[0] - 1.0) < 1e-6)
    True
    """
    share = np.linspace(0.0, 1.0, _GRID)
    for _ in range(_ROUNDS):
        at = low[:, None] + (high - low)[:, None] * share
        best = np.nan_to_num(function(at), nan=np.inf, posinf=np.inf).argmin(axis=1)
        rows = np.arange(len(at))
        low, high = at[rows, np.maximum(best - 1, 0)], at[rows, np.minimum(best + 1, _GRID - 1)]
    return (low + high) / 2

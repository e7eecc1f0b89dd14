"""A law as a linear function of its amplitudes, with derivatives from its own declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from bayeslaw.laws import Law
from bayeslaw.model.layout import Layout


@dataclass(frozen=True)
class Linearised:
    """Columns of the amplitudes and the part that is known, at all rows.

    Attributes
    ----------
    columns : what each free amplitude multiplies, in units of the reference curve, shape
        (rows, amplitudes).
    target : what amplitudes and discrepancy should sum to, shape (rows,).
    columns_by, target_by : their derivatives in the log of each known parameter, shapes
        (known, rows, amplitudes) and (known, rows).
    """

    columns: np.ndarray
    target: np.ndarray
    columns_by: np.ndarray
    target_by: np.ndarray


@dataclass(frozen=True)
class Parts:
    """Which parameters are known when the amplitudes are integrated out.

    Attributes
    ----------
    known : exponents, and whatever is shared between families.
    free : amplitudes of each family.
    """

    law: Law
    known: tuple[str, ...]
    free: tuple[str, ...]

    def at(self, layout: Layout, log_known: np.ndarray) -> Linearised:
        """Linearise at known parameters.

        Parameters
        ----------
        log_known : their logarithms in their units, shape (families, known).
        """
        rows = layout.family_of_row
        scale = np.stack([layout.priors[n].scale for n in self.known], axis=1)
        known = (np.exp(log_known) * scale)[rows]
        inputs = [np.exp(layout.points[:, i]) for i in range(layout.points.shape[1])]
        parts = _traced(self.law, self.known, self.free)(*inputs, *known.T)
        whole = [np.broadcast_to(np.asarray(p, float), (len(rows),)) for p in parts]
        n_known, n_free = len(self.known), len(self.free)
        value, by = whole[0], whole[1 : 1 + n_known]
        if not self.free:
            # Nothing is left to integrate out: the law is known, and its log is taken off.
            by_log = np.stack([-b / value for b in by]) if by else np.zeros((0, len(rows)))
            off = layout.log_loss - np.log(value)
            return Linearised(
                np.zeros((len(rows), 0)), off, np.zeros((n_known, len(rows), 0)), by_log
            )
        # Around a fixed smooth curve: dividing by the observed loss instead would open a
        # degenerate corner where everything shrinks to zero.
        curve = np.exp(layout.log_curve)
        shape = (1 + n_known, n_free, len(rows))
        rest = np.array(whole[1 + n_known :]).reshape(shape).transpose(0, 2, 1)
        units = np.array([layout.priors[n].scale[rows] / curve for n in self.free])
        whole_columns = rest * units.reshape(n_free, len(rows)).T
        columns, columns_by = np.ascontiguousarray(whole_columns[0]), whole_columns[1:]
        target = 1.0 + layout.log_loss - layout.log_curve - value / curve
        return Linearised(columns, target, columns_by, -np.stack(by) / curve)


def parts_of(law: Law, layout: Layout) -> Parts:
    """Part a law's parameters for one layout."""
    known = (*law.nonlinear, *(n for n in law.linear if n in layout.shared))
    return Parts(law, known, tuple(n for n in law.linear if n not in layout.shared))


@cache
def _traced(law: Law, known: tuple[str, ...], free: tuple[str, ...]) -> Callable[..., Any]:
    """Compile the known part of a law, its columns and all derivatives in log parameters.

    Returns a function of inputs and known parameters that gives the known part, its derivatives,
    the columns, and the columns' derivatives one known parameter after the other.
    """
    import sympy

    space = SimpleNamespace(
        exp=sympy.exp, log=sympy.log, sqrt=sympy.sqrt, tanh=sympy.tanh,
        minimum=sympy.Min, maximum=sympy.Max,
    )  # fmt: skip
    inputs = {n: sympy.Symbol(n, positive=True) for n in law.input_names}
    symbols = {n: sympy.Symbol(n, positive=True) for n in known}
    zeros = dict.fromkeys(free, sympy.Integer(0))
    value = sympy.sympify(law(inputs, symbols | zeros, xp=space))
    columns = [
        sympy.sympify(law(inputs, symbols | zeros | {n: sympy.Integer(1)}, xp=space)) - value
        for n in free
    ]
    out = [value, *(symbols[n] * sympy.diff(value, symbols[n]) for n in known), *columns]
    for n in known:
        out += [symbols[n] * sympy.diff(c, symbols[n]) for c in columns]
    arguments = [*inputs.values(), *symbols.values()]
    return sympy.lambdify(arguments, out, modules="numpy", cse=True)

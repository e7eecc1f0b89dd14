"""An operation: standard coordinates to draws of each family's conditional Gaussian."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from bayeslaw.model.tensor import pt


def conditional_gaussian(
    design: Any, aim: Any, starts: np.ndarray, precision: Any, moment: Any, raw: Any
) -> tuple[Any, Any]:
    """Map standard coordinates to coefficients distributed as their Gaussian posterior.

    The coefficients w of family f have prior precision ``precision[f]`` (diagonal) and prior
    moment ``moment[f]`` (precision times mean), and its rows say aim = design @ w + N(0, 1).

    Parameters
    ----------
    design, aim : rows of all families one after the other, shapes (rows, k) and (rows,).
    starts : first row of each family and the number of rows, shape (families + 1,).
    precision, moment, raw : shapes (families, k).

    Returns
    -------
    The coefficients, shape (families, k), and the sum of log diagonals of the Cholesky factors
    of the posterior precisions: minus the log Jacobian determinant of the map.
    """
    as_float = [pt.as_tensor(x, dtype="float64") for x in (design, aim, precision, moment, raw)]
    out: Any = _Forward()(pt.as_tensor(starts), *as_float)
    return out[0], out[1]


class _Forward(Op):
    """Draw and log scale."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        raw = inputs[5]
        return Apply(self, list(inputs), [raw.type(), pt.dscalar()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0], outputs[1][0] = (np.asarray(x) for x in _forward.py_func(*inputs))

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        draw_bar, scale_bar = (
            pt.zeros_like(out) if _disconnected(bar) else bar
            for out, bar in zip(outputs, cotangents, strict=True)
        )
        bars: Any = _Backward()(*inputs, draw_bar, scale_bar)
        return [disconnected_type(), *bars]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        return [[False, False], *[[True, True]] * 5]


class _Backward(Op):
    """Cotangents of design, aim, precision, moment and raw."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        return Apply(self, list(inputs), [i.type() for i in inputs[1:6]])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        for store, value in zip(outputs, _backward.py_func(*inputs), strict=True):
            store[0] = np.asarray(value)


def _disconnected(variable: Any) -> bool:
    return isinstance(variable.type, DisconnectedType)


@numba.njit
def _solve_lower(root, b):
    x = b.copy()
    for i in range(x.size):
        for j in range(i):
            x[i] -= root[i, j] * x[j]
        x[i] /= root[i, i]
    return x


@numba.njit
def _solve_upper(root, b):
    x = b.copy()
    for i in range(x.size - 1, -1, -1):
        for j in range(i + 1, x.size):
            x[i] -= root[j, i] * x[j]
        x[i] /= root[i, i]
    return x


@numba.njit
def _factor(design, aim, precision, moment):
    """Return the Cholesky factor of the posterior precision, and the posterior moment."""
    n, k = design.shape
    root = np.zeros((k, k))
    total = moment.copy()
    for r in range(n):
        for i in range(k):
            total[i] += design[r, i] * aim[r]
            for j in range(i + 1):
                root[i, j] += design[r, i] * design[r, j]
    for i in range(k):
        root[i, i] += precision[i]
    for i in range(k):
        for j in range(i + 1):
            s = root[i, j]
            for m in range(j):
                s -= root[i, m] * root[j, m]
            if i == j:
                # A failed factorisation is not a number, which the sampler rejects.
                root[i, i] = np.sqrt(s) if s > 0.0 else np.nan
            else:
                root[i, j] = s / root[j, j]
    return root, total


@numba.njit
def _forward(starts, design, aim, precision, moment, raw):
    draw = np.empty_like(raw)
    log_scale = 0.0
    for f in range(raw.shape[0]):
        rows = slice(starts[f], starts[f + 1])
        root, total = _factor(design[rows], aim[rows], precision[f], moment[f])
        draw[f] = _solve_upper(root, _solve_lower(root, total) + raw[f])
        for i in range(raw.shape[1]):
            log_scale += np.log(root[i, i])
    return draw, np.asarray(log_scale)


@numba.njit
def _backward(starts, design, aim, precision, moment, raw, draw_bar, scale_bar):
    design_bar, aim_bar = np.zeros_like(design), np.zeros_like(aim)
    precision_bar, moment_bar = np.empty_like(precision), np.empty_like(moment)
    raw_bar = np.empty_like(raw)
    k = raw.shape[1]
    for f in range(raw.shape[0]):
        rows = slice(starts[f], starts[f + 1])
        root, total = _factor(design[rows], aim[rows], precision[f], moment[f])
        half = _solve_lower(root, total)
        draw = _solve_upper(root, half + raw[f])
        raw_bar[f] = _solve_lower(root, draw_bar[f])
        moment_bar[f] = _solve_upper(root, raw_bar[f])
        root_bar = np.zeros((k, k))
        for i in range(k):
            for j in range(i + 1):
                root_bar[i, j] = -draw[i] * raw_bar[f, j] - moment_bar[f, i] * half[j]
            root_bar[i, i] += scale_bar.item() / root[i, i]
        # Reverse of the Cholesky factorisation (arXiv:1602.07527, equation 10).
        inner = np.zeros((k, k))
        for i in range(k):
            for j in range(i + 1):
                s = 0.0
                for m in range(i, k):
                    s += root[m, i] * root_bar[m, j]
                inner[i, j] = s
                inner[j, i] = s
        total_bar = np.empty((k, k))
        for j in range(k):
            total_bar[:, j] = _solve_upper(root, inner[:, j].copy())
        for i in range(k):
            total_bar[i] = 0.5 * _solve_upper(root, total_bar[i].copy())
        for i in range(k):
            precision_bar[f, i] = total_bar[i, i]
        for r in range(starts[f], starts[f + 1]):
            for i in range(k):
                s = 0.0
                for j in range(k):
                    s += (total_bar[i, j] + total_bar[j, i]) * design[r, j]
                design_bar[r, i] = s + moment_bar[f, i] * aim[r]
                aim_bar[r] += design[r, i] * moment_bar[f, i]
    return design_bar, aim_bar, precision_bar, moment_bar, raw_bar


@register_funcify_default_op_cache_key(_Forward)
def _compile_forward(op, node, **kwargs):
    return _forward, 1


@register_funcify_default_op_cache_key(_Backward)
def _compile_backward(op, node, **kwargs):
    return _backward, 1

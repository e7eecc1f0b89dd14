"""A law's formula as a tape of elementary operations, with derivatives by running it backwards.

The formula of the declaration is called once with symbols that write down what is done to them.
No source text is generated, so nothing is compiled per law and nothing is ever evaluated as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from bayeslaw.laws import Law

_INPUT, _PARAMETER, _CONSTANT, _ADD, _SUB, _MUL, _DIV, _EXP, _LOG, _SQRT, _TANH, _MIN, _MAX = range(
    13
)
_MOST_FACTORS = 4


@dataclass
class _Recorder:
    """Operations in order, equal ones once: code, two operands, whether it varies over rows."""

    steps: list[tuple[int, int, int, int]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    known: dict[tuple[int, int, int, float], int] = field(default_factory=dict)

    def add(self, code: int, a: int = 0, b: int = 0, constant: float = 0.0) -> _Symbol:
        key = (code, a, b, constant)
        if key not in self.known:
            wide = code == _INPUT
            if code >= _ADD:
                wide = bool(self.steps[a][3] or (self.steps[b][3] and code not in _SINGLE))
            self.known[key] = len(self.steps)
            self.steps.append((code, a, b, int(wide)))
            self.constants.append(constant)
        return _Symbol(self, self.known[key])


_SINGLE = (_EXP, _LOG, _SQRT, _TANH)


@dataclass(frozen=True)
class _Symbol:
    """A quantity in a formula; arithmetic on it is recorded."""

    recorder: _Recorder
    at: int

    def __add__(self, other: Any) -> _Symbol:
        return self._with(_ADD, self, other)

    def __radd__(self, other: Any) -> _Symbol:
        return self._with(_ADD, other, self)

    def __sub__(self, other: Any) -> _Symbol:
        return self._with(_SUB, self, other)

    def __rsub__(self, other: Any) -> _Symbol:
        return self._with(_SUB, other, self)

    def __mul__(self, other: Any) -> _Symbol:
        return self._with(_MUL, self, other)

    def __rmul__(self, other: Any) -> _Symbol:
        return self._with(_MUL, other, self)

    def __truediv__(self, other: Any) -> _Symbol:
        return self._with(_DIV, self, other)

    def __rtruediv__(self, other: Any) -> _Symbol:
        return self._with(_DIV, other, self)

    def __neg__(self) -> _Symbol:
        return 0.0 - self

    def __pow__(self, power: Any) -> _Symbol:
        if isinstance(power, int) and 1 <= power <= _MOST_FACTORS:
            out = self
            for _ in range(power - 1):
                out = out * self
            return out
        return (power * self.log()).exp()

    def __rpow__(self, base: Any) -> _Symbol:
        return (self * float(np.log(base))).exp()

    def exp(self) -> _Symbol:
        """Return the exponential; that of a logarithm is what it was of."""
        return self._single(_EXP, undoes=_LOG)

    def log(self) -> _Symbol:
        """Return the logarithm; powers of inputs and parameters thereby start from their logs."""
        return self._single(_LOG, undoes=_EXP)

    def single(self, code: int) -> _Symbol:
        """Return a function of this alone."""
        return self.recorder.add(code, self.at)

    def _single(self, code: int, undoes: int) -> _Symbol:
        found, a, *_ = self.recorder.steps[self.at]
        return _Symbol(self.recorder, a) if found == undoes else self.single(code)

    def _with(self, code: int, a: Any, b: Any) -> _Symbol:
        places = [
            (v if isinstance(v, _Symbol) else self.recorder.add(_CONSTANT, constant=float(v))).at
            for v in (a, b)
        ]
        return self.recorder.add(code, *places)


def _either(code: int) -> Any:
    def chosen(a: Any, b: Any) -> Any:
        symbol = a if isinstance(a, _Symbol) else b
        return symbol._with(code, a, b)

    return chosen


_RECORDED = SimpleNamespace(
    exp=_Symbol.exp, log=_Symbol.log, sqrt=lambda a: a.single(_SQRT),
    tanh=lambda a: a.single(_TANH), minimum=_either(_MIN), maximum=_either(_MAX),
)  # fmt: skip


@cache
def tape(law: Law) -> tuple[np.ndarray, np.ndarray]:
    """Return the tape of a law's log loss in log inputs and log parameters.

    Returns
    -------
    Steps of shape (operations, 4): code, two operands, whether the value varies over rows; and
    a constant for each. The last step is the log loss.
    """
    recorder = _Recorder()
    inputs = {n: recorder.add(_INPUT, i).exp() for i, n in enumerate(law.input_names)}
    values = {n: recorder.add(_PARAMETER, i).exp() for i, n in enumerate(law.parameter_names)}
    last = law(inputs, values, xp=_RECORDED).log()
    return _needed(recorder, last.at)


def _needed(recorder: _Recorder, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps that the last one needs, and their constants."""
    steps, wanted = recorder.steps, {last}
    for s in range(last, -1, -1):
        if s in wanted and steps[s][0] >= _ADD:
            wanted |= {steps[s][1]} | ({steps[s][2]} if steps[s][0] not in _SINGLE else set())
    kept = sorted(wanted)
    place = {old: new for new, old in enumerate(kept)}
    out = [
        (code, place[a], place.get(b, 0), wide) if code >= _ADD else (code, a, b, wide)
        for code, a, b, wide in (steps[s] for s in kept)
    ]
    return np.array(out), np.array([recorder.constants[s] for s in kept])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def play(steps, constants, points, log_parameters, values):
    """Write the value of every step at the rows of one family.

    Parameters
    ----------
    points : log inputs, shape (inputs, rows).
    values : written, shape (operations, rows); what does not vary stands in the first column.
    """
    rows = points.shape[1]
    for s in range(steps.shape[0]):
        code, a, b, wide = steps[s]
        n = rows if wide else 1
        out, x, y = values[s], values[a], values[b]
        if code == _INPUT:
            for i in range(n):
                out[i] = points[a, i]
            continue
        if code == _PARAMETER:
            out[0] = log_parameters[a]
            continue
        if code == _CONSTANT:
            out[0] = constants[s]
            continue
        p, q = steps[a, 3], steps[b, 3]
        if code == _ADD:
            for i in range(n):
                out[i] = x[p * i] + y[q * i]
        elif code == _SUB:
            for i in range(n):
                out[i] = x[p * i] - y[q * i]
        elif code == _MUL:
            for i in range(n):
                out[i] = x[p * i] * y[q * i]
        elif code == _DIV:
            for i in range(n):
                out[i] = x[p * i] / y[q * i]
        elif code == _EXP:
            for i in range(n):
                out[i] = np.exp(x[p * i])
        elif code == _LOG:
            for i in range(n):
                out[i] = np.log(x[p * i])
        elif code == _SQRT:
            for i in range(n):
                out[i] = np.sqrt(x[p * i])
        elif code == _TANH:
            for i in range(n):
                out[i] = np.tanh(x[p * i])
        elif code == _MIN:
            for i in range(n):
                out[i] = min(x[p * i], y[q * i])
        else:
            for i in range(n):
                out[i] = max(x[p * i], y[q * i])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def rewind(steps, values, bars, parameters_bar):
    """Pass the gradient in the last step back to the log parameters.

    Parameters
    ----------
    values : from :func:`play`, shape (operations, rows).
    bars : the last row holds the gradient in the log loss of each row; the others are overwritten.
    parameters_bar : the gradient in the log parameters is added to it.
    """
    last, rows = steps.shape[0] - 1, values.shape[1]
    for s in range(last):
        for i in range(rows if steps[s, 3] else 1):
            bars[s, i] = 0.0
    if not steps[last, 3]:
        # One loss for all rows.
        for i in range(1, rows):
            bars[last, 0] += bars[last, i]
    for s in range(last, -1, -1):
        code, a, b, wide = steps[s]
        if code in (_INPUT, _CONSTANT):
            continue
        out, bar, x, y, x_bar, y_bar = values[s], bars[s], values[a], values[b], bars[a], bars[b]
        if code == _PARAMETER:
            parameters_bar[a] += bar[0]
            continue
        n = rows if wide else 1
        p, q = steps[a, 3], steps[b, 3]
        if code in (_ADD, _SUB):
            sign = 1.0 if code == _ADD else -1.0
            for i in range(n):
                x_bar[p * i] += bar[i]
                y_bar[q * i] += sign * bar[i]
        elif code == _MUL:
            for i in range(n):
                x_bar[p * i] += bar[i] * y[q * i]
                y_bar[q * i] += bar[i] * x[p * i]
        elif code == _DIV:
            for i in range(n):
                x_bar[p * i] += bar[i] / y[q * i]
                y_bar[q * i] -= bar[i] * out[i] / y[q * i]
        elif code == _EXP:
            for i in range(n):
                x_bar[p * i] += bar[i] * out[i]
        elif code == _LOG:
            for i in range(n):
                x_bar[p * i] += bar[i] / x[p * i]
        elif code == _SQRT:
            for i in range(n):
                x_bar[p * i] += 0.5 * bar[i] / out[i]
        elif code == _TANH:
            for i in range(n):
                x_bar[p * i] += bar[i] * (1.0 - out[i] ** 2)
        else:
            for i in range(n):
                first = (x[p * i] <= y[q * i]) == (code == _MIN)
                if first:
                    x_bar[p * i] += bar[i]
                else:
                    y_bar[q * i] += bar[i]

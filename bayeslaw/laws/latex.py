"""LaTeX and plain text of a law, traced from its formula with sympy."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from bayeslaw.laws.law import Law


def _trace(law: Law, *, symbols: bool) -> tuple[Any, dict[Any, str]]:
    import sympy

    space = SimpleNamespace(
        exp=sympy.exp, log=sympy.log, sqrt=sympy.sqrt, tanh=sympy.tanh,
        minimum=sympy.Min, maximum=sympy.Max,
    )  # fmt: skip
    printed: dict[Any, str] = {}

    def symbol(name: str, latex: str) -> Any:
        out = sympy.Symbol(name, positive=True)
        printed[out] = latex
        return out

    # Inputs arrive divided by their reference values, so that is what is printed.
    inputs = {
        i.name: symbol(i.symbol, rf"\left({i.symbol}/{i.symbol.split('_')[0]}_0\right)")
        for i in law.inputs
    }
    parameters = {p.name: symbol(p.name, p.symbol) for p in law.parameters}
    return law(inputs, parameters, xp=space), printed if symbols else {}


def latex(law: Law) -> str:
    r"""Return the law as LaTeX, inputs relative to their reference values.

    Examples
    --------
    >>> from bayeslaw.laws import get_law
    >>> print(latex(get_law("power_params")))
    L = E + a \left(N/N_0\right)^{- \alpha}
    """
    import sympy

    if law.equation is not None:
        return law.equation
    expression, printed = _trace(law, symbols=True)
    return "L = " + sympy.latex(expression, symbol_names=printed, order="none")


def formula_text(law: Law) -> str:
    """Return the law as one line of plain text, inputs relative to their reference values."""
    if law.equation is not None:
        return _plain(law.equation)
    expression, _ = _trace(law, symbols=False)
    return _plain("L = " + str(expression).replace("**", "^"))


def _plain(equation: str) -> str:
    """Turn LaTeX of the kind laws are declared in into plain text."""
    text = re.sub(r"\\(left|right|,|;|quad)(?![a-z])", " ", equation)
    text = re.sub(r"\\(?:mathrm|hat)\{([^{}]*)\}", r"\1", text)
    for _ in range(4):  # fractions and exponents nest
        text = re.sub(r"_\{([^{}]*)\}", r"_\1", text)
        text = re.sub(r"\^\{([^{}]*)\}", r"^(\1)", text)
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", text)
    return re.sub(r"\s+", " ", text.replace("\\infty", "inf").replace("\\", "")).strip()

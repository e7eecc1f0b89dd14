"""The declaration machinery: one block per law, from which everything else is derived."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.errors import LawError
from bayeslaw.laws import xp as namespaces


@dataclass(frozen=True)
class Input:
    """A measured quantity that a law takes, one column of the runs table.

    Attributes
    ----------
    name : column in the runs table.
    symbol : symbol in print.
    unit : unit of the raw column; laws see it divided by a reference value.
    reference : the reference value: None for the geometric mean of the rows, a number, or the
        name of another input whose reference serves this one too, where a law compares the two.
    span : from where to where, relative to the reference, the law is meant to hold.
    improves : the loss never rises with this input.
    """

    name: str
    symbol: str
    unit: str
    reference: float | str | None = None
    span: tuple[float, float] = (1e-3, 1e3)
    improves: bool = True


@dataclass(frozen=True)
class Parameter:
    """A positive parameter of a law, with its prior stated as an interval.

    Attributes
    ----------
    name : name in Python and in the posterior dataset.
    meaning : one line of prose.
    low, high : the parameter lies between them with prior probability .9. For a parameter in
        units of loss they are fractions of the family's anchor loss (the fitted loss of its
        largest run), because losses of different tokenizers are not comparable.
    symbol : LaTeX symbol.
    unit : ``"nat/token"`` marks a parameter in units of loss; exponents have none.
    linear : the law is linear in this parameter when the others are fixed.
    between : typical s.d. of the log parameter between families of one lab.
    effective : interval to use together with a discrepancy term. Fits on short ranges overstate
        curvature, so the exponents that extrapolate well lie below the fitted ones.
    """

    name: str
    meaning: str
    low: float
    high: float
    symbol: str
    unit: str = ""
    linear: bool = False
    between: float = 0.1
    effective: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise LawError(
                f"parameter '{self.name}' has the prior interval ({self.low:g}, {self.high:g}); "
                "expected 0 < low < high. Give the 5 % and 95 % points of a positive quantity."
            )

    @property
    def in_loss_units(self) -> bool:
        """Whether the parameter is a loss and scales with the family's losses."""
        return self.unit == "nat/token"


@dataclass(frozen=True)
class Law:
    """A scaling law: a formula and the facts about it.

    Build one with the decorator :func:`law`; look one up with :func:`bayeslaw.get_law`.
    ``equation`` is its LaTeX where that is not to be traced from the formula.
    """

    name: str
    title: str
    formula: Callable[..., Any]
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    reference: str
    to_published: Callable[..., dict[str, Any]]
    from_published: Callable[..., dict[str, Any]]
    equation: str | None = None

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the columns the law reads."""
        return tuple(i.name for i in self.inputs)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the formula."""
        return tuple(p.name for p in self.parameters)

    @property
    def linear(self) -> tuple[str, ...]:
        """Parameters that enter linearly when the others are fixed."""
        return tuple(p.name for p in self.parameters if p.linear)

    @property
    def nonlinear(self) -> tuple[str, ...]:
        """The other parameters: exponents and the like."""
        return tuple(p.name for p in self.parameters if not p.linear)

    def parameter(self, name: str) -> Parameter:
        """Return the declaration of one parameter.

        Raises
        ------
        LawError
            If the law has no such parameter.
        """
        for p in self.parameters:
            if p.name == name:
                return p
        raise LawError(
            f"law '{self.name}' has no parameter '{name}'; "
            f"it has {', '.join(self.parameter_names)}. Use one of these."
        )

    def read(self, table: Any) -> dict[str, np.ndarray]:
        """Read the law's inputs from a table of runs.

        Parameters
        ----------
        table : a data frame, or another mapping from column to values.

        Returns
        -------
        dict
            From input to raw values, shape (rows,).

        Raises
        ------
        LawError
            If a column is missing or holds anything but positive numbers.

        Examples
        --------
        >>> from bayeslaw.laws import get_law
        >>> get_law("power_params").read({"params": [1e9, 2e9]})["params"].tolist()
        [1000000000.0, 2000000000.0]
        """
        out = {}
        for i in self.inputs:
            if i.name not in table:
                raise LawError(
                    f"law '{self.name}' needs a column '{i.name}' ({i.unit}) and the table has "
                    f"{', '.join(map(str, table))}. Add it, or choose a law that does without."
                )
            try:
                values = np.asarray(table[i.name], float)
            except (TypeError, ValueError):
                values = np.array([np.nan])
            bad = ~(np.isfinite(values) & (values > 0))
            if bad.any():
                row = int(np.argmax(bad)) + 1
                raise LawError(
                    f"law '{self.name}' needs positive numbers in column '{i.name}'; row {row} "
                    "(the first row is 1) has none. Fill it in or drop the row."
                )
            out[i.name] = values
        return out

    def references(self, raw: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return the reference value of each input for raw values of shape (rows,)."""
        own = {
            i.name: float(np.exp(np.log(raw[i.name]).mean())) if i.reference is None else None
            for i in self.inputs
        }
        out = {}
        for i in self.inputs:
            source = own[i.reference] if isinstance(i.reference, str) else i.reference
            value = own[i.name] if source is None else source
            assert value is not None
            out[i.name] = float(value)
        return out

    def __call__(self, inputs: Mapping[str, Any], parameters: Mapping[str, Any], *, xp: Any = None):
        """Evaluate the law.

        Parameters
        ----------
        inputs : each input divided by its reference value; arrays that broadcast.
        parameters : each parameter at the reference point; arrays that broadcast.
        xp : namespace of array functions; numpy (which also serves xarray) unless given.

        Returns
        -------
        Loss in nats per token, with the broadcast shape (or the union of dims for xarray).

        Examples
        --------
        >>> from bayeslaw.laws import get_law
        >>> law = get_law("chinchilla")
        >>> at = {"params": 10.0, "tokens": 10.0}
        >>> round(law(at, {"E": 1.7, "a": 0.3, "b": 0.3, "alpha": 0.3, "beta": 0.3}), 4)
        2.0007
        """
        chosen = namespaces.NUMPY if xp is None else xp
        x = [inputs[n] for n in self.input_names]
        return self.formula(chosen, *x, *(parameters[n] for n in self.parameter_names))

    def basis(self, inputs: Mapping[str, Any], parameters: Mapping[str, Any], *, xp: Any = None):
        """Return what each linear parameter multiplies, keyed by its name.

        Because the law is linear in these parameters jointly, the column of one is the law with
        that parameter at one and the other linear parameters at zero.
        """
        zeros = dict.fromkeys(self.linear, 0.0)
        rest = {n: parameters[n] for n in self.nonlinear}
        return {n: self(inputs, {**rest, **zeros, n: 1.0}, xp=xp) for n in self.linear}

    def __repr__(self) -> str:
        return f"<Law {self.name}: {self.title} [{self.reference}]>"


def law(
    *,
    inputs: tuple[Input, ...],
    parameters: tuple[Parameter, ...],
    reference: str,
    to_published: Callable[..., dict[str, Any]],
    from_published: Callable[..., dict[str, Any]],
    name: str | None = None,
    equation: str | None = None,
) -> Callable[[Callable[..., Any]], Law]:
    """Declare a law: the decorated function is its formula.

    Parameters
    ----------
    inputs, parameters : what the formula takes after ``xp``, in this order.
    reference : where the law is from, ``arXiv:...`` or ``doi:...``.
    to_published : from ``references`` and the parameters to the published symbols and units.
    from_published : the inverse, at given ``references``.
    name : name in the catalogue; the function's own unless given.
    equation : LaTeX of the law, for one whose formula solves an equation or is long when traced.

    Raises
    ------
    LawError
        If the formula's arguments are not ``xp``, the inputs and the parameters, in order.
    """

    def declare(formula: Callable[..., Any]) -> Law:
        found = tuple(inspect.signature(formula).parameters)
        expected = ("xp", *(i.name for i in inputs), *(p.name for p in parameters))
        label = name or formula.__name__
        if found != expected:
            raise LawError(
                f"law '{label}' takes ({', '.join(found)}) but declares "
                f"({', '.join(expected)}). Make the two lists agree."
            )
        title = (inspect.getdoc(formula) or "").split("\n")[0].rstrip(".")
        if not title:
            raise LawError(f"law '{label}' has no docstring; say in one line what it claims.")
        return Law(
            label, title, formula, inputs, parameters, reference, to_published, from_published,
            equation,
        )  # fmt: skip

    return declare


#: The 95 % point of the standard normal.
Z95 = 1.6448536269514722


def prior_location(low: float, high: float) -> tuple[float, float]:
    """Turn a 90 % interval of a positive quantity into mean and s.d. of its logarithm."""
    middle = (np.log(low) + np.log(high)) / 2
    return float(middle), float((np.log(high) - np.log(low)) / (2 * Z95))

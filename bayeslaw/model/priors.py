"""Priors learned from past ladders: a small file with its provenance."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayeslaw.errors import RunsError, SpecError
from bayeslaw.files import write_whole
from bayeslaw.runs.fetch import embedded_folder
from bayeslaw.runs.limits import read_document
from bayeslaw.runs.quantities import shown

FORMAT = 1
GENERIC = "generic"

Interval = tuple[float, float]

_RELEARN = "Learn it again with bayeslaw priors learn."


@dataclass(frozen=True, kw_only=True)
class Priors:
    """What past ladders say of a new one: 90 % intervals, and the labs they came from.

    Attributes
    ----------
    law : name of the law the parameters belong to.
    intervals : of each parameter's median over the families of a new lab, for use with a
        discrepancy; amplitudes are at the reference point, and those in units of loss are
        fractions of a family's anchor loss.
    trusting : the same for a model that trusts the law.
    between : typical s.d. of each log parameter between families of one lab, around which a
        model learns it; of a parameter that is missing the law declares it.
    run, checkpoint : of the two noise levels, as in :class:`~bayeslaw.Noise`; None if no ladder
        told.
    scale, length : of the discrepancy, as in :class:`~bayeslaw.Discrepancy`.
    kappa : as in :class:`~bayeslaw.Inflated`; None if it was not learned.
    labs, left_out : labs that were learned from, and labs that were there and not looked at.
    families, runs : how many.
    sources : SHA-256 of each table, by its name.
    method : how it was learned, in words.
    version : of the package.
    """

    law: str
    intervals: Mapping[str, Interval]
    trusting: Mapping[str, Interval]
    scale: Interval
    length: float
    between: Mapping[str, float] = field(default_factory=dict)
    run: Interval | None = None
    checkpoint: Interval | None = None
    kappa: Interval | None = None
    labs: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    families: int = 0
    runs: int = 0
    sources: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        for name in ("intervals", "trusting", "between", "sources"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        stated: dict[str, Any] = {f"{n}, with discrepancy": v for n, v in self.intervals.items()}
        stated |= {f"{n}, without discrepancy": v for n, v in self.trusting.items()}
        stated |= {"scale": self.scale}
        others = {"run": self.run, "checkpoint": self.checkpoint, "kappa": self.kappa}
        stated |= {n: v for n, v in others.items() if v is not None}
        for what, interval in stated.items():
            check_interval(f"the learned prior of {what}", interval)
        if set(self.intervals) != set(self.trusting):
            raise SpecError(
                f"learned priors are of {', '.join(self.intervals)} with discrepancy and of "
                f"{', '.join(self.trusting)} without; expected the same parameters. {_RELEARN}"
            )
        for name, value in self.between.items():
            if not 0 < value < float("inf"):
                raise SpecError(
                    f"the learned s.d. of {name} between families is {value:g}; expected a "
                    f"positive number. {_RELEARN}"
                )
        if not 0 < self.length < float("inf"):
            raise SpecError(
                f"the learned discrepancy has length {self.length:g}; expected a positive number "
                f"of e-folds. {_RELEARN}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the priors as the plain JSON values of their file."""
        return {
            "format": FORMAT,
            "law": self.law,
            "parameters": {
                name: {
                    "interval": list(interval),
                    "trusting": list(self.trusting[name]),
                    "between": self.between.get(name),
                }
                for name, interval in self.intervals.items()
            },
            "noise": {
                "run": None if self.run is None else list(self.run),
                "checkpoint": None if self.checkpoint is None else list(self.checkpoint),
            },
            "discrepancy": {
                "scale": list(self.scale),
                "length": self.length,
                "kappa": None if self.kappa is None else list(self.kappa),
            },
            "provenance": {
                "labs": list(self.labs),
                "left_out": list(self.left_out),
                "families": self.families,
                "runs": self.runs,
                "sources": dict(self.sources),
                "method": self.method,
                "version": self.version,
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Priors:
        """Rebuild priors from :meth:`to_dict`.

        Raises
        ------
        SpecError
            If something is missing, or is not what it should be.
        """
        found = values.get("format") if isinstance(values, Mapping) else None
        if found != FORMAT:
            raise SpecError(
                f"learned priors have format {found!r}; this version reads {FORMAT}. {_RELEARN}"
            )
        try:
            parameters, origin = values["parameters"], values["provenance"]
            return cls(
                law=str(values["law"]),
                intervals={n: _pair(p["interval"]) for n, p in parameters.items()},
                trusting={n: _pair(p["trusting"]) for n, p in parameters.items()},
                between={
                    n: _number(p["between"])
                    for n, p in parameters.items()
                    if p["between"] is not None
                },
                run=_pair(values["noise"]["run"]),
                checkpoint=_pair(values["noise"]["checkpoint"]),
                scale=_pair(values["discrepancy"]["scale"]),
                length=_number(values["discrepancy"]["length"]),
                kappa=_pair(values["discrepancy"].get("kappa")),
                labs=tuple(map(str, origin["labs"])),
                left_out=tuple(map(str, origin["left_out"])),
                families=int(origin["families"]),
                runs=int(origin["runs"]),
                sources={str(k): str(v) for k, v in origin["sources"].items()},
                method=str(origin["method"]),
                version=str(origin["version"]),
            )
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            if isinstance(error, SpecError):
                raise
            raise SpecError(
                f"learned priors are incomplete ({type(error).__name__}: {error}); expected what "
                f"Priors.to_dict writes. {_RELEARN}"
            ) from error

    def save(self, path: str | Path) -> Path:
        """Write the priors as JSON.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        write_whole(Path(path), self.text())
        return Path(path)

    def text(self) -> str:
        """Return the JSON text of their file."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def __repr__(self) -> str:
        without = f", without {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"<Priors of {self.law}: {len(self.labs)} labs, {self.families} families, "
            f"{self.runs} runs{without}>"
        )


def load_priors(source: str | Path = GENERIC) -> Priors:
    """Read learned priors: those that are shipped, by name, or your own.

    Parameters
    ----------
    source : ``"generic"``, learned from every public ladder; ``"without-LAB"``, learned without
        that lab, to be judged on its runs; or the path of a JSON file that
        ``bayeslaw priors learn`` wrote.

    Returns
    -------
    Priors

    Raises
    ------
    SpecError
        If there is no such file, or it does not hold learned priors.

    Examples
    --------
    >>> load_priors("generic").law
    'chinchilla'
    """
    shipped = shipped_priors()
    path = shipped.get(str(source), Path(source))
    try:
        values = json.loads(read_document(path))
    except RunsError as error:
        raise SpecError(str(error)) from error
    except OSError as error:
        raise SpecError(
            f"there are no priors '{source}' ({error.strerror}); expected a JSON file or one of "
            f"{', '.join(shipped)}. Correct the name, or write the file with bayeslaw priors learn."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"'{source}' is not JSON ({error}); expected learned priors. {_RELEARN}"
        ) from error
    try:
        return Priors.from_dict(values)
    except SpecError as error:
        raise SpecError(f"'{source}': {error}") from error


def shipped_priors() -> dict[str, Path]:
    """Return the files that are shipped, by the name :func:`load_priors` takes.

    Examples
    --------
    >>> next(iter(shipped_priors()))
    'generic'
    """
    return {path.stem: path for path in sorted((embedded_folder() / "priors").glob("*.json"))}


def slug(lab: str) -> str:
    """Return a lab's name as part of a file name.

    Examples
    --------
    >>> slug("Mamba authors")
    'mamba-authors'
    """
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in lab.lower())
    return "-".join(part for part in kept.split("-") if part)


def check_interval(what: str, interval: Any) -> None:
    """Refuse what is not the 5 % and 95 % point of a positive quantity.

    Raises
    ------
    SpecError
        If it is not.
    """
    try:
        low, high = map(_number, interval)
    except (TypeError, ValueError, OverflowError):
        low, high = float("nan"), float("nan")
    if not 0 < low < high < float("inf"):
        raise SpecError(
            f"{what} is {shown(interval)}; expected (low, high) with 0 < low < high, "
            "the 5 % and 95 % points."
        )


def _pair(value: Any) -> Any:
    return None if value is None else tuple(value)


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _number(value: Any) -> float:
    """Return a number; a text or truth value that looks like one is none."""
    if isinstance(value, str | bytes | bool):
        raise TypeError(f"{shown(value)} is no number")
    return float(value)

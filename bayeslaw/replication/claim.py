"""A published claim beside ours: what is compared, and the rule that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bayeslaw.estimators.number import Number

AGREES, DIFFERS, NO_DATA = "agrees", "differs", "data not here"


@dataclass(frozen=True)
class Claim:
    """One number of a paper and ours.

    Attributes
    ----------
    what : the quantity, with its unit.
    paper : the printed number, with its interval where one was printed.
    estimator : what the paper's own estimator gives here, None if it was not run.
    ours : the posterior's number with its interval.
    agrees : whether the two agree by the rule stated in ``rule``.
    rule : when they count as agreeing.
    note : the reason where they differ, or what to beware of.
    """

    what: str
    paper: Number | None
    ours: Number | None
    agrees: bool
    rule: str
    estimator: Number | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What replicating one system found.

    Attributes
    ----------
    system, title, source : name, what it claims, and where.
    data : what our numbers were computed from.
    claims : number by number.
    verdict : ``"agrees"``, ``"differs"`` or ``"data not here"``.
    reason : why, where the verdict is not plain agreement.
    """

    system: str
    title: str
    source: str
    data: str
    claims: tuple[Claim, ...]
    verdict: str
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""

        def plain(number: Number | None) -> dict[str, Any] | None:
            if number is None:
                return None
            ends = None if number.low is None else [number.low, number.high]
            return {"value": number.value, "interval": ends, "level": number.level}

        return {
            "system": self.system, "title": self.title, "source": self.source, "data": self.data,
            "verdict": self.verdict, "reason": self.reason,
            "claims": [
                {"what": c.what, "paper": plain(c.paper), "estimator": plain(c.estimator),
                 "ours": plain(c.ours), "agrees": c.agrees, "rule": c.rule, "note": c.note}
                for c in self.claims
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class System:
    """A published system: what it claims, and how to compute the same here.

    Attributes
    ----------
    name, title, source : name on the command line, the claim in a line, and where it is printed.
    data : the registered data set it needs, or None for a simulation from printed parameters.
    described : what that data is, for the table.
    replicate : from a seed to the claims.
    """

    name: str
    title: str
    source: str
    data: str | None
    described: str
    replicate: Callable[[int], list[Claim]]


def close(what: str, paper: float | Number, ours: Number, **more: Any) -> Claim:
    """Compare by our interval: agreement if it holds the printed number."""
    printed = _number(paper)
    level = f"{ours.level * 100:.0f} %"
    return Claim(
        what, printed, ours, ours.holds(printed.value), f"our {level} interval holds it", **more
    )


def within(what: str, paper: Number, ours: Number, **more: Any) -> Claim:
    """Compare by the printed interval: agreement if it holds our number."""
    return Claim(what, paper, ours, paper.holds(ours.value), "inside the printed interval", **more)


def near(what: str, paper: float, ours: Number, tolerance: float, **more: Any) -> Claim:
    """Compare by a stated distance."""
    return Claim(
        what, Number(paper), ours, abs(ours.value - paper) <= tolerance,
        f"within {tolerance:g}", **more,
    )  # fmt: skip


def below(what: str, paper: float, ours: Number, **more: Any) -> Claim:
    """Compare an error: agreement if ours is no larger than the printed one."""
    return Claim(what, Number(paper), ours, ours.value <= paper, "no larger", **more)


def holds(what: str, ours: Number, is_so: bool, rule: str, **more: Any) -> Claim:
    """State a claim that was printed in words."""
    return Claim(what, None, ours, is_so, rule, **more)


def _number(value: float | Number) -> Number:
    return value if isinstance(value, Number) else Number(value)

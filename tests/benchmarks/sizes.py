"""How much work the benchmark does: in full, quickly, or as a toy that only shows it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """Lengths of chains, sizes of simulated tables and limits of time.

    Attributes
    ----------
    fit : settings of fits that are timed; empty for the defaults of the package.
    plain : draws and warm-up steps of each of two chains of the plain graph.
    plain_limit : seconds after which the plain graph is stopped where it is.
    single : draws per chain (of four) of the one-family fit.
    long : settings of the long reference fit of one family.
    least_squares, huber : draws of the two bootstraps.
    families, family_rows : numbers of families that are timed, and rows in each.
    rows : rows of one family that are timed, as runs of one row and of five.
    limit : seconds after which a timed fit is given up.
    paths : settings of the fits whose agreement is judged.
    """

    fit: Mapping[str, Any] = field(default_factory=dict)
    plain: tuple[int, int] = (200, 200)
    plain_limit: float = 900.0
    single: int = 1000
    long: Mapping[str, Any] = field(
        default_factory=lambda: {"draws": 4000, "tune": 1500, "chains": 4, "retry": False}
    )
    least_squares: int = 1000
    huber: int = 4000
    families: tuple[int, ...] = (10, 30, 100, 300, 1000)
    family_rows: int = 24
    rows: tuple[int, ...] = (50, 100, 200, 400, 1000)
    limit: float = 900.0
    paths: Mapping[str, Any] = field(
        default_factory=lambda: {"draws": 2000, "tune": 1000, "chains": 4, "retry": False}
    )


FULL = Sizes()

_SHORT = {"draws": 200, "tune": 200, "chains": 2, "retry": False}
QUICK = Sizes(
    fit=_SHORT,
    plain=(40, 60),
    plain_limit=60.0,
    long={**_SHORT, "draws": 500},
    least_squares=100,
    huber=50,
    families=(10, 30, 100),
    rows=(10, 30, 100),
    limit=180.0,
    paths=_SHORT,
)

_LEAST = {"draws": 60, "tune": 80, "chains": 2, "retry": False}
TOY = Sizes(
    fit=_LEAST,
    plain=(10, 10),
    plain_limit=20.0,
    single=60,
    long=_LEAST,
    least_squares=20,
    huber=5,
    families=(2, 4),
    family_rows=6,
    rows=(10, 20),
    limit=120.0,
    paths=_LEAST,
)

"""How much work the benchmark of trust does: in full or quickly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """Lengths of chains and sizes of tables.

    Attributes
    ----------
    paths : settings of the fits whose agreement with the references is judged.
    worlds : simulated tables on which forecasters are compared.
    draws : of each forecaster.
    plain : settings of the plain PyMC model.
    families, runs, checkpoints, chain : what the cost of a fit is measured against.
    limit : seconds after which a fit is given up.
    table_rows : rows of the table that is streamed or refused.
    """

    paths: Mapping[str, Any] = field(
        default_factory=lambda: {"draws": 2000, "tune": 1000, "chains": 4, "retry": False}
    )
    worlds: int = 20
    draws: int = 1000
    plain: Mapping[str, Any] = field(
        default_factory=lambda: {"draws": 500, "tune": 1000, "chains": 2, "target_accept": 0.95}
    )
    families: tuple[int, ...] = (1, 10, 100)
    runs: tuple[int, ...] = (12, 48)
    checkpoints: tuple[int, ...] = (1, 5)
    chain: tuple[int, ...] = (250, 1000)
    limit: float = 600.0
    table_rows: int = 10_000_000


_SHORT = {"draws": 200, "tune": 200, "chains": 2, "retry": False}
FULL = Sizes()
QUICK = Sizes(
    paths=_SHORT,
    worlds=3,
    draws=200,
    plain={"draws": 200, "tune": 300, "chains": 2, "target_accept": 0.95},
    families=(1, 10),
    runs=(12,),
    chain=(250,),
    limit=120.0,
    table_rows=1_000_000,
)

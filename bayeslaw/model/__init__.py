"""The statistical model: what is pooled, which noise, which discrepancy, and the PyMC graph."""

from typing import TYPE_CHECKING, Any

from bayeslaw.model.layout import Layout, lay_out
from bayeslaw.model.priors import Priors, load_priors
from bayeslaw.model.spec import Checkpoints, Discrepancy, Inflated, Noise, Spec

if TYPE_CHECKING:
    from bayeslaw.model.build import build_model

__all__ = [
    "Checkpoints",
    "Discrepancy",
    "Inflated",
    "Layout",
    "Noise",
    "Priors",
    "Spec",
    "build_model",
    "lay_out",
    "load_priors",
]


def __getattr__(name: str) -> Any:
    # The graph takes PyMC along, seconds that a stored fit need not spend.
    if name == "build_model":
        from bayeslaw.model.build import build_model

        return build_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

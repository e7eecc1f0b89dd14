"""The statistical model: what is pooled, which noise, which discrepancy, and the PyMC graph."""

from bayeslaw.model.build import build_model
from bayeslaw.model.layout import Layout, lay_out
from bayeslaw.model.spec import Checkpoints, Discrepancy, Noise, Spec

__all__ = ["Checkpoints", "Discrepancy", "Layout", "Noise", "Spec", "build_model", "lay_out"]

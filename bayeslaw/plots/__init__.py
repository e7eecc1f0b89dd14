"""Pictures of fits, forecasts, score cards and decisions, in one line each and on any backend."""

from bayeslaw.plots.calibration import calibration, pit
from bayeslaw.plots.curves import curves
from bayeslaw.plots.decisions import allocation, break_even, plans
from bayeslaw.plots.figures import to_svg
from bayeslaw.plots.frontier import isoflop, surface
from bayeslaw.plots.parameters import exponents, prior_posterior
from bayeslaw.plots.pooling import pooling
from bayeslaw.plots.residuals import residuals
from bayeslaw.plots.tasks import emergence, loss_to_task

__all__ = [
    "allocation",
    "break_even",
    "calibration",
    "curves",
    "emergence",
    "exponents",
    "isoflop",
    "loss_to_task",
    "pit",
    "plans",
    "pooling",
    "prior_posterior",
    "residuals",
    "surface",
    "to_svg",
]

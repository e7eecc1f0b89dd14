"""Pictures: fans of loss against compute, and nominal against realised coverage."""

from bayeslaw.plots.calibration import calibration
from bayeslaw.plots.curves import curves
from bayeslaw.plots.figures import to_svg

__all__ = ["calibration", "curves", "to_svg"]

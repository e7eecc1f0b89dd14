"""Reports: one self-contained page from a fit, forecasts, a score card and a decision."""

from bayeslaw.reporting.report import report, require_packages

__all__ = ["report", "require_packages"]

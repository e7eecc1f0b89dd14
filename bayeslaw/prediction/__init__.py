"""Forecasts: a law on the posterior at targets, with noise, discrepancy and new families."""

from bayeslaw.prediction.forecast import Forecast, forecast
from bayeslaw.prediction.targets import Target, targets_from

__all__ = ["Forecast", "Target", "forecast", "targets_from"]

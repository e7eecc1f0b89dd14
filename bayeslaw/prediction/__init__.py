"""Forecasts: a law on the posterior at targets, with noise, discrepancy and new families."""

from bayeslaw.prediction.average import Average
from bayeslaw.prediction.forecast import Forecast, forecast
from bayeslaw.prediction.targets import Target, targets_from

__all__ = ["Average", "Forecast", "Target", "forecast", "targets_from"]

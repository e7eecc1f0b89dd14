"""Scores: proper rules, baselines and back-tests that say how far to trust a forecast."""

from bayeslaw.scoring.backtest import backtest, score
from bayeslaw.scoring.calibration import Calibration
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.forecast_card import CalibrationCard, calibration_card
from bayeslaw.scoring.holdout import hide
from bayeslaw.scoring.identifiability import identifiability
from bayeslaw.scoring.outliers import Outliers, outliers
from bayeslaw.scoring.posterior_sbc import posterior_sbc
from bayeslaw.scoring.priors import learn_priors
from bayeslaw.scoring.rules import (
    crps,
    energy_score,
    interval_score,
    log_score,
    pit,
    z_score,
)
from bayeslaw.scoring.sbc import sbc
from bayeslaw.scoring.sensitivity import Sensitivity, sensitivity
from bayeslaw.scoring.stacking import average, stacked

__all__ = [
    "Calibration",
    "CalibrationCard",
    "Outliers",
    "Scorecard",
    "Sensitivity",
    "average",
    "backtest",
    "calibration_card",
    "crps",
    "energy_score",
    "hide",
    "identifiability",
    "interval_score",
    "learn_priors",
    "log_score",
    "outliers",
    "pit",
    "posterior_sbc",
    "sbc",
    "score",
    "sensitivity",
    "stacked",
    "z_score",
]

"""Scores: proper rules, baselines and back-tests that say how far to trust a forecast."""

from bayeslaw.scoring.backtest import backtest, score
from bayeslaw.scoring.calibration import Calibration
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.holdout import hide
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
from bayeslaw.scoring.stacking import average, stacked

__all__ = [
    "Calibration",
    "Scorecard",
    "average",
    "backtest",
    "crps",
    "energy_score",
    "hide",
    "interval_score",
    "learn_priors",
    "log_score",
    "pit",
    "sbc",
    "score",
    "stacked",
    "z_score",
]

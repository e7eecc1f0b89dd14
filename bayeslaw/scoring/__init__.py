"""Scores: proper rules, baselines and back-tests that say how far to trust a forecast."""

from bayeslaw.scoring.backtest import backtest, score
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.holdout import hide
from bayeslaw.scoring.rules import (
    crps,
    energy_score,
    interval_score,
    log_score,
    pit,
    z_score,
)

__all__ = [
    "Scorecard",
    "backtest",
    "crps",
    "energy_score",
    "hide",
    "interval_score",
    "log_score",
    "pit",
    "score",
    "z_score",
]

"""Scores: proper rules, baselines and back-tests that say how far to trust a forecast."""

from bayeslaw.scoring.backtest import backtest, score
from bayeslaw.scoring.card import Scorecard
from bayeslaw.scoring.rules import crps, interval_score, log_score, pit

__all__ = ["Scorecard", "backtest", "crps", "interval_score", "log_score", "pit", "score"]

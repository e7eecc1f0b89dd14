"""The papers' own estimators, beside the posterior: numpy and scipy on tables of runs."""

from bayeslaw.estimators.envelope import Envelope, fit_envelope
from bayeslaw.estimators.flops import Shape, flops_per_token
from bayeslaw.estimators.huber import Additive, bootstrap_huber, fit_huber
from bayeslaw.estimators.interpolation import Interpolated, SeedNoise, interpolate_optima
from bayeslaw.estimators.isoflop import Optima, fit_parabolas, parabola_bias
from bayeslaw.estimators.line import PowerLaw, fit_power_law
from bayeslaw.estimators.number import Number
from bayeslaw.estimators.practice import Practice, errors_by_models
from bayeslaw.estimators.raw_loss import fit_raw_loss

__all__ = [
    "Additive",
    "Envelope",
    "Interpolated",
    "Number",
    "Optima",
    "PowerLaw",
    "Practice",
    "SeedNoise",
    "Shape",
    "bootstrap_huber",
    "errors_by_models",
    "fit_envelope",
    "fit_huber",
    "fit_parabolas",
    "fit_power_law",
    "fit_raw_loss",
    "flops_per_token",
    "interpolate_optima",
    "parabola_bias",
]

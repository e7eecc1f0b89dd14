"""Item 7: extrapolation of learning curves, beside persistence, M1 to M4 and BNSL."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import norm, t

from bayeslaw import inference, names
from bayeslaw.errors import BayeslawWarning
from bayeslaw.model import Spec
from bayeslaw.prediction import Target, forecast
from bayeslaw.runs import Runs, load_runs
from bayeslaw.scoring import rules
from tests.benchmarks.curve_law import SPEC
from tests.benchmarks.curve_tables import Curve, benchmark, peers
from tests.benchmarks.effort import Effort
from tests.benchmarks.ladders import watched
from tests.benchmarks.report import Row, Section, at_least, below, shown

TITLE = "Learning curves of Alabdulmohsin et al. and NSL-PFN"
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SECONDS = 2.0
GROUPS = {"image classification": ("IC",), "NLP + nano": ("NMT", "LM", "BB", "Nano")}
RECORDS = {"image classification": (0.0280, 3.330), "NLP + nano": (0.0194, 2.773)}
PEERS = ("last", "M1", "M2", "M3", "M4", "BNSL1")
_SIZE = 1e9  # of every curve's model; the law does not look at it
_DRAWS = 500  # a chain: hundreds of targets make more of them costly
_FEW = 5  # targets below which a curve's own coverage says nothing


def run(effort: Effort, cores: int) -> Section:
    """Forecast the rest of each curve from its beginning, and score it."""
    chosen = benchmark(effort.every)
    scored = watched((score(c, SPEC, effort, cores) for c in chosen), len(chosen), "curves")
    table = pd.DataFrame(list(scored))
    notes = (
        "law, noise and discrepancy were chosen on simulated curves alone; each point is a run of "
        "its own, and an error rate is treated as a loss",
        "RMSLE: of medians; LL: mean log density per point, in units of error (Nano: over the "
        "largest seen); MSCE: mean squared gap between coverage and level over seven levels; all "
        "are means over curves",
        "MSCE per curve is bounded below for curves of one target; 'pooled' counts all targets of "
        "a domain together",
        "M1 to M4 and BNSL with one break: as stored with the data, made by the official code",
    )
    return Section(7, TITLE, tuple(summary(table)), notes)


def score(curve: Curve, spec: Spec, effort: Effort, cores: int) -> dict[str, object]:
    """Return the scores of one curve."""
    begun = time.process_time()
    draws, density, healthy = predicted(curve, spec, effort, cores)
    seconds = time.process_time() - begun
    middle = np.median(draws, axis=1)
    ends = [np.quantile(draws, [0.5 - v / 2, 0.5 + v / 2], axis=1) for v in LEVELS]
    covered = np.array([(lo <= curve.y_new) & (curve.y_new <= hi) for lo, hi in ends])
    return {
        "Domain": curve.domain,
        "Task": curve.task,
        "Model": curve.model,
        "rmsle": rmsle(middle, curve.y_new),
        "ll": float(density.mean() + np.log(curve.scale)),
        "msce": float(((covered.mean(1) - LEVELS) ** 2).mean()),
        "crps": float(rules.crps(draws, curve.y_new).mean()),
        "last crps": float(np.abs(curve.y[-1] / curve.y_new - 1).mean()),
        "covered": covered.mean(1),
        "targets": len(curve.y_new),
        "healthy": healthy,
        "seconds": seconds,
    }


def predicted(
    curve: Curve, spec: Spec, effort: Effort, cores: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return draws of new points (points, draws), the log density of each, and the health.

    The density is exact for the draws: a mixture of the noise around the curve of each draw.
    """
    asked = [Target(_SIZE, x, "curve", kind="mean") for x in curve.x_new]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslawWarning)
        settings = {"draws": _DRAWS, **effort.fit}
        fitted = inference.fit(as_runs(curve), spec, cores=cores, **settings)
        under = forecast(fitted, asked).draws.values.reshape(-1, len(asked)).T
    sd, nu = fitted.posterior["run_sd"].values.ravel(), spec.noise.tails
    rng = np.random.default_rng(fitted.seed)
    unit = rng.standard_normal(under.shape) if nu is None else rng.standard_t(nu, under.shape)
    density = log_density(under, sd, nu, curve.y_new)
    return under * np.exp(sd * unit), density, fitted.health.ok


def log_density(
    under: np.ndarray, sd: np.ndarray, tails: float | None, observed: np.ndarray
) -> np.ndarray:
    """Return the log density of new points, given draws of the curve under them and of noise.

    Parameters
    ----------
    under : losses without noise, shape (points, draws).
    sd : scale of the noise on log loss, shape (draws,).
    tails : degrees of freedom of the noise; None for Gaussian.
    observed : losses, shape (points,).
    """
    off = (np.log(observed)[:, None] - np.log(under)) / sd
    kernel = norm.logpdf(off) if tails is None else t.logpdf(off, tails)
    mixed = logsumexp(kernel - np.log(sd), axis=1) - np.log(len(sd))
    return mixed - np.log(observed)


def as_runs(curve: Curve) -> Runs:
    """Return the points seen as runs of one family."""
    table = {names.PARAMS: _SIZE, names.TOKENS: curve.x, names.LOSS: curve.y}
    labels = {names.FAMILY: "curve", names.RUN: [f"{i:03d}" for i in range(len(curve.x))]}
    return load_runs(pd.DataFrame({**labels, **table}))


def rmsle(forecasts: np.ndarray, observed: np.ndarray) -> float:
    """Return the root mean squared error of the logarithm."""
    return float(np.sqrt((np.log(forecasts / observed) ** 2).mean()))


def summary(table: pd.DataFrame) -> Iterable[Row]:
    """Yield the rows of both groups and of each domain."""
    stored = peers().loc[:, list(PEERS)]
    table = table.join(stored, on=["Domain", "Task", "Model"])
    for group, domains in GROUPS.items():
        part = table[table["Domain"].isin(domains)]
        if len(part):
            error, density = RECORDS[group]
            yield below(f"{group} ({len(part)}): RMSLE", float(part["rmsle"].mean()), error)
            yield at_least(f"{group} ({len(part)}): LL", float(part["ll"].mean()), density)
            yield shown(f"{group}: RMSLE, 90 % over resampled tasks", resampled(part, "rmsle"))
            yield shown(f"{group}: LL, 90 % over resampled tasks", resampled(part, "ll"))
            yield from figures(part, group)
    for domain, part in table.groupby("Domain", sort=False):
        if len(part) < len(table) and domain != "IC":
            yield shown(f"{domain} ({len(part)}): RMSLE", float(part["rmsle"].mean()))
            yield shown(f"{domain} ({len(part)}): LL", float(part["ll"].mean()))
            yield from figures(part, str(domain))
    yield below("CPU seconds a curve, mean", float(table["seconds"].mean()), SECONDS, "s")
    yield shown("CPU seconds a curve, longest", float(table["seconds"].max()), "s")
    yield shown("healthy fits", float(table["healthy"].mean()))


def figures(part: pd.DataFrame, label: str) -> Iterable[Row]:
    """Yield calibration, CRPS and the error of the peers of one set of curves."""
    weights = part["targets"].to_numpy(float)
    pooled = np.average(np.stack(part["covered"].to_list()), axis=0, weights=weights)
    many = part[part["targets"] >= _FEW]
    yield shown(f"{label}: RMSLE of {', '.join(PEERS)}", _listed(part[list(PEERS)].mean()))
    yield shown(f"{label}: MSCE", float(part["msce"].mean()))
    if 0 < len(many) < len(part):
        yield shown(f"{label}: MSCE, curves of many targets", float(many["msce"].mean()))
    yield shown(f"{label}: MSCE, pooled", float(((pooled - LEVELS) ** 2).mean()))
    equal = np.stack(part["covered"].to_list()).mean(0)
    pairs = zip(LEVELS, equal, strict=True)
    said = ", ".join(f"{100 * v:g} %: {c:.2f}" for v, c in pairs if v in (0.5, 0.8, 0.9, 0.95))
    yield shown(f"{label}: coverage, mean over curves", said)
    yield shown(f"{label}: CRPS", 100 * float(part["crps"].mean()), "% of error")
    yield shown(f"{label}: CRPS of persistence", 100 * float(part["last crps"].mean()), "%")


def resampled(part: pd.DataFrame, column: str, times: int = 2000) -> str:
    """Return a 90 % bootstrap interval of a mean; curves of one task are drawn together."""
    tasks = part.groupby(["Domain", "Task"])[column].agg(["sum", "size"]).to_numpy(float)
    pick = np.random.default_rng(0).integers(len(tasks), size=(times, len(tasks)))
    total = tasks[pick].sum(axis=1)
    low, high = np.quantile(total[:, 0] / total[:, 1], [0.05, 0.95])
    return f"{low:.4f} to {high:.4f}"


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{v:.4f}" for v in values)

"""Posterior predictive losses at targets, and how far they reach beyond the runs."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayeslaw import names
from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit
from bayeslaw.inference.result import summary
from bayeslaw.model.discrepancy import matern32
from bayeslaw.prediction.average import Average, mixed
from bayeslaw.prediction.family import FamilyDraws, known_family, new_family
from bayeslaw.prediction.targets import Target, targets_from
from bayeslaw.runs import Runs

FAR, UNSUPPORTED = 10.0, 300.0
_COLLINEAR = 0.95
_SAME_RATIO = 2.0


@dataclass(frozen=True, eq=False)
class Forecast:
    """Draws of the loss at targets.

    Attributes
    ----------
    draws : losses in nats per token, dims (chain, draw, target). Targets share draws, so
        differences between them are meaningful.
    targets : what was asked, in order.
    known : whether each target's family has rows in the fit.
    extrapolation : compute of each target over the largest compute of its family's runs (of
        all runs for a new family).
    notes : warnings about each target.
    """

    draws: xr.DataArray
    targets: tuple[Target, ...]
    known: tuple[bool, ...]
    extrapolation: tuple[float, ...]
    notes: tuple[tuple[str, ...], ...]

    def interval(self, level: float = 0.9) -> np.ndarray:
        """Return the central interval: shape (2,) for one target, (targets, 2) for several."""
        if not 0 < level < 1:
            raise TargetError(
                f"interval level is {level:g}; expected between 0 and 1, such as 0.9."
            )
        values = self.draws.values.reshape(-1, len(self.targets))
        ends = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0).T
        return ends[0] if len(ends) == 1 else ends

    def records(self) -> list[dict[str, Any]]:
        """Return one record per target in the contract's JSON form."""
        out = []
        for i, target in enumerate(self.targets):
            values = summary(self.draws.isel(target=i))
            out.append(
                {
                    "family": target.family,
                    "known_family": self.known[i],
                    "params": target.params,
                    "tokens": target.tokens,
                    "kind": target.kind,
                    **values,
                    "extrapolation_factor": self.extrapolation[i],
                    "warnings": list(self.notes[i]),
                }
            )
        return out

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per target: median, s.d., 50 and 90 % intervals, extrapolation factor."""
        rows = []
        for record in self.records():
            intervals = record.pop("intervals")
            record.pop("warnings")
            for level in ("50", "90"):
                record[f"low{level}"], record[f"high{level}"] = intervals[level]
            rows.append(record)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        lines = [f"<Forecast of {len(self.targets)} target(s), nats per token>"]
        lines += [
            f"  {r.family:.24} N={r.params:.3g} D={r.tokens:.3g}: {r.median:.3f} "
            f"(90 %: {r.low90:.3f} to {r.high90:.3f}), {r.extrapolation_factor:.3g}x compute"
            for r in self.table.head(8).itertuples()
        ]
        return "\n".join(lines)


def forecast(
    fit: Fit | Average,
    targets: Target | Runs | pd.DataFrame | Iterable[Target] | None = None,
    *,
    params: float | str | None = None,
    tokens: float | str | None = None,
    family: str | None = None,
    kind: str = "run",
    seed: int | None = None,
) -> Forecast:
    """Forecast the loss at targets from a fit.

    Parameters
    ----------
    fit : the posterior; of an average over laws the draws are mixed with its weights.
    targets : what to forecast; or give one target by ``params`` and ``tokens``.
    params, tokens : size and data of the one target; numbers or text such as ``"70B"``.
    family : its family; one without rows is drawn from the population. Without it, the
        forecast is for every family of the fit.
    kind : ``"run"`` for one new training run, ``"mean"`` for the curve under it.
    seed : seed of the random numbers; that of the fit unless given.

    Returns
    -------
    Forecast

    Raises
    ------
    TargetError
        If neither or both forms of target are given, or one is not valid.

    Warns
    -----
    ExtrapolationWarning
        If a target is more than ten times beyond the largest compute seen.
    """
    if isinstance(fit, Average):
        return _averaged(fit, targets, params, tokens, family, kind, seed)
    if (targets is None) == (params is None or tokens is None):
        raise TargetError("give either targets, or params and tokens (both), and not both forms.")
    if targets is None:
        assert params is not None and tokens is not None
        targets = Target(params, tokens, family, kind=kind)  # type: ignore[arg-type]
    wanted = tuple(_named(fit, targets_from(targets, kind)))
    rng = np.random.default_rng([fit.seed if seed is None else seed, 2])

    columns: list[np.ndarray | None] = [None] * len(wanted)
    for name in dict.fromkeys(t.family for t in wanted):
        places = [i for i, t in enumerate(wanted) if t.family == name]
        own = known_family(fit, name, rng) if name in fit.families else new_family(fit, rng)
        losses = _losses(fit, own, [wanted[i] for i in places], rng)
        for j, i in enumerate(places):
            columns[i] = losses[..., j]
    draws = xr.DataArray(
        np.stack([c for c in columns if c is not None], axis=-1),
        dims=("chain", "draw", "target"),
        coords={
            "chain": fit.posterior["chain"].values,
            "draw": fit.posterior["draw"].values,
            "target": np.arange(len(wanted)),
            "family": ("target", [str(t.family) for t in wanted]),
        },
        name=names.LOSS,
        attrs={"unit": "nat/token"},
    )
    known = tuple(t.family in fit.families for t in wanted)
    reach, notes = judged(fit, wanted)
    far = [group[len(_strangers(fit, t)) :] for t, group in zip(wanted, notes, strict=True)]
    for text in dict.fromkeys(n for group in far for n in group):
        warnings.warn(text, ExtrapolationWarning, stacklevel=2)
    return Forecast(draws, wanted, known, reach, notes)


def _averaged(average: Average, targets: Any, *rest: Any) -> Forecast:
    params, tokens, family, kind, seed = rest
    given = None if targets is None else list(targets_from(targets, kind))
    made = [
        forecast(f, given, params=params, tokens=tokens, family=family, kind=kind, seed=seed)
        for f in average.fits
    ]
    draws = mixed([m.draws for m in made], average.weights, average.seed if seed is None else seed)
    return replace(made[0], draws=draws)


def judged(
    fit: Fit, targets: Sequence[Target]
) -> tuple[tuple[float, ...], tuple[tuple[str, ...], ...]]:
    """Return how far beyond the runs each target lies, and what to beware of there."""
    reach = tuple(_reach(fit, t) for t in targets)
    return reach, tuple(
        (*_strangers(fit, t), *_notes(fit, t, r)) for t, r in zip(targets, reach, strict=True)
    )


def _named(fit: Fit, targets: list[Target]) -> list[Target]:
    """Give every target a family: the one asked for, or each family of the fit in turn."""
    return [
        replace(t, family=name)
        for t in targets
        for name in ([t.family] if t.family is not None else fit.families)
    ]


def given_draws(
    fit: Fit, own: FamilyDraws, targets: Sequence[Target]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what each draw says of the curve at targets of one family.

    Parameters
    ----------
    own : the family, from :func:`~bayeslaw.prediction.family.known_family` or ``new_family``.
    targets : where.

    Returns
    -------
    Log loss of the law and the known part of the discrepancy, both of shape (chain, draw,
    targets), and the covariance (targets, targets) of the rest of the discrepancy in units of its
    variance.
    """
    law, layout = fit.law, fit.layout
    columns = {n: np.array([t.value(n) for t in targets]) for n in law.input_names}
    relative = {n: columns[n] / layout.references[n] for n in law.input_names}
    log_loss = np.log(law(relative, {n: v[..., None] for n, v in own.parameters.items()}))
    beyond = np.array([max(np.log(_reach(fit, t)), 0.0) for t in targets])
    drift = own.drift[..., None] * beyond
    if fit.spec.process is None:
        return log_loss, drift, np.zeros((len(targets), len(targets)))
    points = np.stack([np.log(relative[n]) for n in law.input_names], axis=1)
    if own.features is None:
        return log_loss, drift, matern32(points, points, fit.spec.process.length)
    known = own.discrepancy[..., None] * (own.components @ own.features.at(points).T)
    return log_loss, drift + known, own.features.remainder(points)


def _losses(
    fit: Fit, own: FamilyDraws, targets: list[Target], rng: np.random.Generator
) -> np.ndarray:
    """Return losses of one family's targets, shape (chain, draw, targets)."""
    log_loss, known, rest = given_draws(fit, own, targets)
    log_loss, shape = log_loss + known, log_loss.shape
    if fit.spec.process is not None:
        values, vectors = np.linalg.eigh((rest + rest.T) / 2)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        log_loss = log_loss + own.discrepancy[..., None] * (rng.standard_normal(shape) @ root.T)
    # Drawn for every target, so that asking for a mean does not change the draws of the others.
    tails = fit.spec.noise.tails
    unit = rng.standard_normal(shape) if tails is None else rng.standard_t(tails, shape)
    is_run = np.array([t.kind == "run" for t in targets])
    return np.exp(log_loss + own.noise[..., None] * unit * is_run)


def _reach(fit: Fit, target: Target) -> float:
    largest = fit.layout.largest
    if target.family in fit.families:
        seen = largest[fit.families.index(target.family)]
    else:
        seen = largest.max()
    return float(target.flops / seen)


def _strangers(fit: Fit, target: Target) -> list[str]:
    """Say that a family has no rows, in case its name was mistyped."""
    if target.family in fit.families:
        return []
    near = difflib.get_close_matches(str(target.family), fit.families, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return [f"family '{target.family}' has no rows: it is drawn from the population{hint}"]


def _notes(fit: Fit, target: Target, reach: float) -> list[str]:
    notes = []
    label = f"{target.params:.3g} params, {target.tokens:.3g} tokens ({target.family})"
    if reach > UNSUPPORTED:
        notes.append(
            f"{label}: {reach:.0f} times the largest compute seen; beyond {UNSUPPORTED:.0f} no "
            "back-test supports an interval. Train a larger run first."
        )
    elif reach > FAR:
        notes.append(
            f"{label}: {reach:.0f} times the largest compute seen; the law's form decides, not "
            "the data. Read the wide interval as meant."
        )
    if target.family in fit.families:
        rows = fit.runs.table[fit.runs.table[names.FAMILY] == target.family]
        size, data = np.log(rows[names.PARAMS]), np.log(rows[names.TOKENS])
        ratio = np.log(target.tokens / target.params)
        outside = max((data - size).min() - ratio, ratio - (data - size).max(), 0.0)
        if min(size.std(), data.std()) > 0 and outside > np.log(_SAME_RATIO):
            correlation = float(np.corrcoef(size, data)[0, 1])
            if abs(correlation) > _COLLINEAR:
                notes.append(
                    f"{label}: size and data rose together in the runs (correlation "
                    f"{correlation:.2f}) and the target's tokens per parameter lie outside them; "
                    "the split between the two rests on the prior. Add runs off that line."
                )
    return notes

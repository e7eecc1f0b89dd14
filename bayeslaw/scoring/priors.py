"""Priors learned from past ladders, each lab counting once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import FitError
from bayeslaw.files import write_whole
from bayeslaw.laws import Law
from bayeslaw.laws.law import prior_location
from bayeslaw.model.priors import Interval, Priors
from bayeslaw.model.spec import Checkpoints, Noise, Spec
from bayeslaw.pool import Pool
from bayeslaw.runs import Runs
from bayeslaw.scoring import priors_choice, priors_drift
from bayeslaw.scoring.priors_choice import Setting
from bayeslaw.scoring.priors_drift import best_drift
from bayeslaw.scoring.priors_ladders import ladders_of
from bayeslaw.scoring.priors_messages import (
    CHECKPOINT,
    RUN,
    Message,
    Told,
    hear,
    labs_apart,
    predictive,
)

LEAST_LABS = 3
_AT_MOST_CHOOSING, _AT_MOST_FITTING = 40, 60
_METHOD = (
    "Exponent centre, discrepancy scale and length: mean over {settings} settings, weighted by "
    "the Student-t log score of each lab's largest runs, hidden and forecast from runs of at most "
    "1/4, 1/10, 1/30 and 1/100 of their family's largest compute; each lab counts as one "
    "observation. Drift: the same over {drifts} sizes, trusting the law. "
    "Other intervals: each lab fitted by itself, its prior divided out, random "
    "effects between labs; the interval is of a new lab."
)


def learn_priors(
    runs: Runs,
    *,
    law: Law | str = "chinchilla",
    leave_out: tuple[str, ...] = (),
    seed: int = 0,
    scores: pd.DataFrame | None = None,
    sources: Mapping[str, str] | None = None,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> Priors:
    """Learn population priors from past ladders.

    Parameters
    ----------
    runs : the runs of at least three labs; a family without a lab counts as one.
    law : the law whose parameters are learned.
    leave_out : labs that must not be seen, for the priors will be judged on them.
    seed : the same seed gives the same priors.
    scores : of :func:`scores_of` on the same runs, if they are there already: most of the time
        goes there.
    sources : SHA-256 of each table, by its name, to be kept as provenance.
    pool : where fits are made, and a folder that keeps each as soon as it is done.
    told : hears what is done.

    Returns
    -------
    Priors

    Raises
    ------
    RunsError
        If a lab to be left out is not there.
    FitError
        If there are too few labs.
    """
    return learn_each(
        runs, [leave_out], law=law, seed=seed, scores=scores, sources=sources, pool=pool, told=told
    )[0]


def learn_each(
    runs: Runs,
    leave_outs: list[tuple[str, ...]],
    *,
    law: Law | str = "chinchilla",
    seed: int = 0,
    scores: pd.DataFrame | None = None,
    sources: Mapping[str, str] | None = None,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> list[Priors]:
    """Learn priors several times, each without other labs, fitting no lab twice.

    Parameters
    ----------
    leave_outs : labs to leave out, for each of the priors.
    runs, law, seed, scores, sources, pool, told : as for :func:`learn_priors`.
    """
    spec = _spec(law)
    unseen = set.intersection(*(set(out) for out in leave_outs))
    for out in leave_outs:
        labs = ladders_of(runs, _AT_MOST_FITTING, leave_out=out)
        if len(labs) < LEAST_LABS:
            raise FitError(
                f"there are {len(labs)} labs with ladders to learn from; expected "
                f"{LEAST_LABS} or more. Add public data sets: bayeslaw datasets lists them."
            )
    always = tuple(sorted(unseen))
    if scores is None:
        scores = scores_of(runs, law=law, leave_out=always, seed=seed, pool=pool, told=told)
    labs = ladders_of(runs, _AT_MOST_FITTING, leave_out=always)
    heard: dict[Setting, list[Told]] = {}
    learned = []
    for out in leave_outs:
        chosen = priors_choice.best(scores, without=out)
        close = priors_choice.nearest(chosen)  # so that few labs are fitted twice
        if close not in heard:
            heard[close] = hear(labs, close.applied(spec), seed=seed, pool=pool, told=told)
        kept = [told_by for told_by in heard[close] if told_by.lab not in out]
        known = sources or {runs.source: runs.digest}
        learned.append(_priors(spec, chosen, kept, out, known, best_drift(scores, out)))
    return learned


def scores_of(
    runs: Runs,
    *,
    law: Law | str = "chinchilla",
    leave_out: tuple[str, ...] = (),
    seed: int = 0,
    path: Path | None = None,
    pool: Pool | None = None,
    told: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Score every setting of exponents and discrepancy, and every drift, on the largest runs.

    Parameters
    ----------
    path : a CSV file that keeps the scores; those of the same runs that it holds are not made
        again, so that a learning that was stopped goes on where it was.
    runs, law, leave_out, seed, pool, told : as for :func:`learn_priors`.

    Returns
    -------
    pandas.DataFrame
        As :func:`bayeslaw.scoring.priors_choice.scored`, and the rows of
        :func:`bayeslaw.scoring.priors_drift.drift_scored`.
    """
    spec, keys = _spec(law), list(priors_choice.KEYS)
    labs = ladders_of(runs, _AT_MOST_CHOOSING, leave_out=leave_out)
    digest = runs.digest[:16]
    found = pd.DataFrame(columns=["digest", *keys])
    if path is not None and path.exists():
        found = pd.read_csv(path)
        if not {"digest", *keys, names.LAB, "cut", "log_score"} <= set(found):
            raise FitError(
                f"'{path}' does not hold scores of settings; expected a file that priors learn "
                "wrote. Name another file."
            )
    found = found[found["digest"] == digest]
    done = {Setting(*row) for row in found[keys].itertuples(index=False)}
    parts = [found] if len(found) else []
    for setting in priors_choice.SETTINGS:
        if setting in done:
            continue
        new = priors_choice.scored(labs, spec, settings=[setting], seed=seed, pool=pool, told=told)
        parts.append(new.assign(digest=digest))
        if path is not None:
            write_whole(path, pd.concat(parts).to_csv(index=False, float_format="%.6g"))
    if "kappa" not in found or not (found["kappa"] > 0).any():
        new = priors_drift.drift_scored(labs, spec, seed=seed, pool=pool, told=told)
        parts.append(new.assign(digest=digest))
        if path is not None:
            write_whole(path, pd.concat(parts).to_csv(index=False, float_format="%.6g"))
    return pd.concat(parts, ignore_index=True)


def _spec(law: Law | str) -> Spec:
    """Keep checkpoints, whatever the default: their noise is learned too."""
    return Spec(law=law, checkpoints=Checkpoints(after=0.5, at_most=5))


def _priors(
    spec: Spec,
    chosen: Setting,
    heard: list[Told],
    left_out: tuple[str, ...],
    sources: Mapping[str, str],
    kappa: Interval | None,
) -> Priors:
    law: Law = spec.law  # type: ignore[assignment]
    gp = chosen.discrepancy()
    intervals = _intervals(law, [h.parameters for h in heard])
    intervals |= chosen.exponents(law)
    between = {}
    for p in law.parameters:
        found = [h.between[p.name] for h in heard if p.name in h.between]
        if found:
            low, high = predictive(found, float(np.log(p.between)), 0.5, 0.5)
            between[p.name] = float(f"{np.sqrt(low * high):.3g}")
    return Priors(
        law=law.name,
        intervals=intervals,
        trusting=_intervals(law, [h.trusting for h in heard]),
        between=between,
        run=_level(spec.noise, RUN, heard),
        checkpoint=_level(spec.noise, CHECKPOINT, heard),
        scale=gp.scale,
        length=gp.length,
        kappa=kappa,
        labs=tuple(h.lab for h in heard),
        left_out=left_out,
        families=sum(h.families for h in heard),
        runs=sum(h.runs for h in heard),
        sources=sources,
        method=_METHOD.format(
            settings=len(priors_choice.SETTINGS), drifts=len(priors_drift.KAPPAS)
        ),
        version=version("bayeslaw"),
    )


def _intervals(law: Law, heard: list[dict[str, Message]]) -> dict[str, Interval]:
    return {
        p.name: predictive(
            [h[p.name] for h in heard if p.name in h],
            *prior_location(p.low, p.high),
            labs_apart(p.between),
        )
        for p in law.parameters
    }


def _level(noise: Noise, name: str, heard: list[Told]) -> Interval | None:
    found = [h.noise[name] for h in heard if name in h.noise]
    if not found:
        return None
    middle, spread = prior_location(*getattr(noise, name))
    return predictive(found, middle, spread, noise.between)

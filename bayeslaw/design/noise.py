"""The noise of runs that were not trained yet, and what is known of the effect of one that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.laws.law import prior_location
from bayeslaw.prediction import Target
from bayeslaw.prediction.family import FamilyDraws


@dataclass(frozen=True)
class RunNoise:
    """Expected variances of log loss around a family's curve.

    Attributes
    ----------
    seed : of a run's effect, which all its checkpoints share.
    checkpoint : of a checkpoint around its run.
    between : of a checkpoint around its run where several of one run are told apart. If the fit
        saw one row per run, ``seed`` holds both, and the prior's median is taken (half the whole
        at most).
    length : e-folds of tokens over which the checkpoints of a run forget each other.
    """

    seed: float
    checkpoint: float
    between: float
    length: float

    @property
    def total(self) -> float:
        """Variance of the last checkpoint of a run."""
        return self.seed + self.checkpoint

    def covariance(
        self, tokens: np.ndarray, runs: Sequence[str | None], seeds: np.ndarray
    ) -> np.ndarray:
        """Return the noise of rows: replicates average, checkpoints of one run share its effect.

        Parameters
        ----------
        tokens : training tokens of each row.
        runs : label of each row's run; rows of one label are its checkpoints, None is a run of
            its own.
        seeds : replicates of each row.

        Returns
        -------
        numpy.ndarray
            Shape (rows, rows).
        """
        out = np.diag(np.full(len(tokens), self.total))
        for label in dict.fromkeys(r for r in runs if r is not None):
            rows = [i for i, r in enumerate(runs) if r == label]
            if len(rows) > 1:
                logs = np.log(tokens[rows])
                near = np.exp(-np.abs(logs[:, None] - logs) / self.length)
                out[np.ix_(rows, rows)] = self.total - self.between + self.between * near
        return out / np.sqrt(np.outer(seeds, seeds))


def run_noise(fit: Fit, own: FamilyDraws, family: str | None) -> RunNoise:
    """Return the expected variances of a family's runs.

    Parameters
    ----------
    own : draws of the family.
    family : its name; one without rows takes the shares of the others.
    """
    noise = fit.spec.noise
    heavy = _inflation(noise.tails)
    total = float((own.noise**2).mean()) * heavy
    post = fit.posterior
    if "checkpoint_sd" not in post:
        usual = float(np.exp(2 * prior_location(*noise.checkpoint)[0])) * heavy
        return RunNoise(total, 0.0, min(usual, total / 2), noise.length)
    known = {"family": family} if family in fit.families else {}
    runs, checkpoints = (
        float((post[n].sel(known) ** 2).mean()) for n in ("run_sd", "checkpoint_sd")
    )
    share = checkpoints / (runs + checkpoints)
    return RunNoise(total * (1 - share), total * share, total * share, noise.length)


@dataclass(frozen=True)
class OwnEffect:
    """What the rows of a run say of where its later checkpoints lie around the curve.

    Attributes
    ----------
    mean : at each draw, shape (draws, points).
    scale : covariance at each draw, shape (draws, points, points), of a Student-t with
        ``freedom`` degrees of freedom, or of a Gaussian if that is None.
    freedom : degrees of freedom, None for a Gaussian.
    """

    mean: np.ndarray
    scale: np.ndarray
    freedom: float | None

    @property
    def covariance(self) -> np.ndarray:
        """Its covariance averaged over draws, shape (points, points)."""
        return self.scale.mean(axis=0) * _inflation(self.freedom)


def own_effect(fit: Fit, run: str, points: Sequence[Target]) -> OwnEffect:
    """Return the effect of a run that has rows, at its later checkpoints.

    Parameters
    ----------
    run : label of a run of the fit.
    points : its later checkpoints, with its params.

    Raises
    ------
    TargetError
        If the fit has no such run.
    """
    law, layout, post = fit.law, fit.layout, fit.posterior
    if run not in layout.runs:
        raise TargetError(
            f"run '{run}' has no rows in this fit; expected the label of one that has, such as "
            f"{', '.join(layout.runs[:4])}."
        )
    rows = np.flatnonzero(layout.run_of_row == layout.runs.index(run))
    f = int(layout.family_of_row[rows[0]])

    def draws(name: str) -> np.ndarray:
        return post[name].values[..., f].ravel()

    curve = law(
        {n: v[rows] for n, v in layout.inputs(law).items()},
        {n: draws(n)[:, None] for n in law.parameter_names},
    )
    off = layout.log_loss[rows] - np.log(curve)
    run_sd = draws("run_sd")
    if "checkpoint_sd" in post:
        own = draws("checkpoint_sd") ** 2
    else:  # one row per run: its scale holds the noise of both
        usual = np.exp(2 * prior_location(*fit.spec.noise.checkpoint)[0])
        own = np.minimum(usual, run_sd**2 / 2)
        run_sd = np.sqrt(run_sd**2 - own)
    common = run_sd[:, None] ** 2 + layout.loss_sd[rows] ** 2
    if fit.spec.process is not None:
        scale = draws("discrepancy_sd")[:, None]
        wander = post["wander"].values[..., f, :].reshape(len(scale), -1)
        off = off - scale * (wander @ layout.phi[rows].T)
        common = common + scale**2 * layout.remainder[rows]
    common = np.sqrt(common)

    place = _log_tokens(fit, rows)
    later = np.log([p.tokens for p in points])
    at = np.concatenate([place, later])
    near = np.exp(-np.abs(at[:, None] - at) / fit.spec.noise.length)
    loading = np.concatenate(
        [common, np.broadcast_to(run_sd[:, None], (len(run_sd), len(points)))], axis=1
    )
    whole = loading[:, :, None] * loading[:, None, :] + own[:, None, None] * near
    m = len(rows)
    seen, cross, ahead = whole[:, :m, :m], whole[:, m:, :m], whole[:, m:, m:]
    # The smallest checkpoint noise keeps rows of one loading apart.
    seen = seen + 1e-10 * np.eye(m)
    solved = np.linalg.solve(seen, np.swapaxes(cross, 1, 2))
    mean = np.einsum("smp,sm->sp", solved, off)
    left = ahead - cross @ solved
    tails = fit.spec.noise.tails
    if tails is None:
        return OwnEffect(mean, left, None)
    far = np.einsum("sm,sm->s", off, np.linalg.solve(seen, off[:, :, None])[:, :, 0])
    return OwnEffect(mean, left * ((tails + far) / (tails + m))[:, None, None], tails + m)


def _log_tokens(fit: Fit, rows: np.ndarray) -> np.ndarray:
    """Return log tokens of rows of the layout, whether or not the law reads tokens."""
    kept = fit.runs.thin(
        after=fit.spec.checkpoints.after, at_most=fit.spec.checkpoints.at_most
    ).table.sort_values(["family", "run", "tokens"], kind="stable")
    return np.log(kept["tokens"].to_numpy(float)[rows])


def _inflation(freedom: float | None) -> float:
    """Return the variance of a Student-t over its squared scale."""
    return 1.0 if freedom is None else freedom / (freedom - 2.0)

"""The value of plans: linear-Gaussian conditioning on joint posterior draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayeslaw.design.beliefs import Beliefs, beliefs, family_draws, with_family
from bayeslaw.design.budgets import flops_per_log_loss
from bayeslaw.design.checks import cross_check
from bayeslaw.design.choice import Worth, worth
from bayeslaw.design.conditioning import require_draws, signal
from bayeslaw.design.decision import Decision, PlanValue, Variance
from bayeslaw.design.noise import RunNoise, own_effect, run_noise
from bayeslaw.design.plan import Plan
from bayeslaw.design.rows import Row
from bayeslaw.errors import TargetError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Target
from bayeslaw.prediction.forecast import judged

_BLOCKS = 10
_TINY = np.finfo(float).tiny
_CHOICE = "a choice needs two or more targets that differ"


def decide(
    fit: Fit,
    plans: Iterable[Plan],
    *,
    target: Target | Sequence[Target],
    seed: int = 0,
    price: float | None = None,
    budget: float | None = None,
) -> Decision:
    """Rank plans by how narrow they are expected to make the forecast of a target.

    Runs belong to the target's family unless a plan names another. The outcomes of a plan and the
    target share posterior draws, discrepancy included; the noise of a run is its seed's and its
    last checkpoint's, divided by the number of seeds. For a target of kind ``"run"`` the noise of
    that run stays in the forecast whatever is bought. What else the law takes, such as unique
    tokens, the runs have in common with the target.

    With several targets, such as one for each family, the question is which to choose: plans are
    ranked by what they are worth to the choice of the lowest loss, and rows that name no family
    are trained once in each.

    Parameters
    ----------
    fit : the posterior of the runs so far.
    plans : what could be bought.
    target : the run to forecast, or the candidates to choose from.
    seed : seed of the random numbers.
    price : cost of one FLOP in money; adds prices to the table.
    budget : compute in FLOP; plans that cost more are ranked too, but not recommended.

    Returns
    -------
    Decision
        Plans ranked by expected s.d., or by expected regret for a choice.

    Raises
    ------
    TargetError
        If there is no plan, two have one name, or a target's family is not clear.
    """
    plans = list(plans)
    labels = [p.name for p in plans]
    if not plans or len(set(labels)) < len(labels):
        raise TargetError(
            f"{len(plans)} plans were given, named {', '.join(labels) or 'nothing'}; expected at "
            "least one, each with a name of its own. Rename with Plan(name, plan.runs)."
        )
    targets = _candidates(fit, target)
    families = list(dict.fromkeys(str(t.family) for t in targets))
    choosing = len(targets) > 1
    bought = [plan.each(families) for plan in plans] if choosing else plans
    problem = pose(fit, targets, bought, seed)
    worth_of_loss = flops_per_log_loss(fit, targets, seed) if choosing else None
    values = [_checked(problem, plan, worth_of_loss, seed) for plan in bought]
    ranked = sorted(values, key=lambda v: (v.regret if choosing else v.sd, v.sd))
    if not choosing:
        best = ranked[0].sd
        ranked = [replace(v, regret=v.sd - best) for v in ranked]
    reach, notes = judged(fit, targets)
    whole = problem.perfect(seed) if choosing else None
    return Decision(
        targets=targets,
        values=tuple(ranked),
        now_sd=problem.sd_now,
        loss=float(np.exp(problem.mean.min())),
        variance=problem.variance,
        evpi=float(problem.now[0, 0]) if whole is None else whole.evsi,
        pcs_now=None if whole is None else problem.nothing(seed).pcs,
        regret_now=None if whole is None else whole.evsi,
        seed=seed,
        price=price,
        budget=budget,
        extrapolation_factor=max(reach),
        notes=tuple(dict.fromkeys(n for group in notes for n in group)),
        healthy=fit.health.ok,
    )


def _checked(problem: Problem, plan: Plan, worth_of_loss: float | None, seed: int) -> PlanValue:
    """Return a plan's value, what it is worth in compute, and what other estimators say."""
    value = problem.value(plan, seed)
    net = None if worth_of_loss is None else value.evsi * worth_of_loss - plan.cost
    return replace(value, net=net, check=cross_check(problem, plan, value.sd, seed))


def _candidates(fit: Fit, target: Target | Sequence[Target]) -> tuple[Target, ...]:
    if isinstance(target, Target):
        return (with_family(fit, target),)
    targets = tuple(with_family(fit, t) for t in target)
    if len(targets) < 2 or len(set(targets)) < len(targets):
        found = ", ".join(f"{t.family} at {t.params:.3g}, {t.tokens:.3g}" for t in targets)
        raise TargetError(
            f"{_CHOICE}; found {found or 'no target'}. Give one target for each candidate, or a "
            "single target to forecast."
        )
    return targets


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked, what is believed, and the covariances that every plan is judged by.

    Columns of ``joint`` are the law at the targets, the discrepancy there, and the outcomes.

    Attributes
    ----------
    targets : what is asked.
    beliefs : of targets and outcomes.
    joint, blocks : covariance of all columns, of all draws and without each tenth of them.
    place : column of each outcome.
    noise : of each family's runs.
    effects : covariance of the later rows of each run that goes on, and their columns.
    """

    targets: tuple[Target, ...]
    beliefs: Beliefs
    joint: np.ndarray
    blocks: tuple[np.ndarray, ...]
    place: dict[tuple, int]
    noise: dict[str, RunNoise]
    effects: dict[str, tuple[list[int], np.ndarray]]

    @property
    def k(self) -> int:
        """Number of targets."""
        return len(self.targets)

    @property
    def mean(self) -> np.ndarray:
        """Mean log loss at the targets."""
        return self.beliefs.mean[: self.k]

    @property
    def kept(self) -> np.ndarray:
        """Noise of the targets that nothing removes, shape (k,)."""
        return np.array(
            [self.noise[str(t.family)].total if t.kind == "run" else 0.0 for t in self.targets]
        )

    @property
    def now(self) -> np.ndarray:
        """Covariance of the curve at the targets before any plan."""
        return _added(self.joint[: 2 * self.k, : 2 * self.k])

    @property
    def sd_now(self) -> float:
        """S.d. of the target, or of the gap between the two candidates that are ahead."""
        return self._sd(self.now)

    @property
    def variance(self) -> Variance:
        """Where the variance of the target, or of the gap, comes from; the noise is a run's."""
        return self._variance(self.joint[: 2 * self.k, : 2 * self.k])

    @property
    def _ahead(self) -> list[int]:
        return [int(i) for i in np.argsort(self.mean, kind="stable")[:2]] if self.k > 1 else [0]

    @property
    def contrast(self) -> np.ndarray:
        """Weights of the targets: of the one, or of the gap between the two that are ahead."""
        out = np.zeros(self.k)
        out[self._ahead] = [-1.0, 1.0] if self.k > 1 else [1.0]
        return out

    def _sd(self, covariance: np.ndarray) -> float:
        w = self.contrast
        return float(np.sqrt(max(w @ covariance @ w, 0.0) + w**2 @ self.kept))

    def _variance(self, parts: np.ndarray) -> Variance:
        k, w = self.k, self.contrast
        noise = [self.noise[str(self.targets[i].family)] for i in self._ahead]
        law, wander, both = (
            float(w @ m @ w) for m in (parts[:k, :k], parts[k:, k:], parts[:k, k:])
        )
        return Variance(
            discrepancy=max(wander, 0.0),
            seed=sum(n.seed for n in noise),
            checkpoint=sum(n.checkpoint for n in noise),
            parameters=max(law, 0.0),
            shared=2 * both,
        )

    def columns(self, plan: Plan) -> list[int]:
        """Return the columns of a plan's rows."""
        return [self.place[self.setting(row)] for row in plan.rows]

    def setting(self, row: Row) -> tuple:
        """Return what tells a row from others: rows that name no family are the target's."""
        return (row.family or str(self.targets[0].family), *row.setting[1:])

    def sd_after(self, plan: Plan, noise: dict[str, RunNoise]) -> float:
        """Return the expected s.d. were the noise of runs another."""
        columns = self.columns(plan)
        told = self.heard(self.joint, columns, self.outcome_noise(plan, noise))
        return self._sd(_added(self.joint[: 2 * self.k, : 2 * self.k] - told))

    def outcome_noise(self, plan: Plan, noise: dict[str, RunNoise] | None = None) -> np.ndarray:
        """Return the covariance of a plan's rows around the curve."""
        levels = noise or self.noise
        columns = self.columns(plan)
        families = [self.setting(row)[0] for row in plan.rows]
        out = np.zeros((len(columns), len(columns)))
        for family in dict.fromkeys(families):
            at = [i for i, f in enumerate(families) if f == family]
            rows = [plan.rows[i] for i in at]
            out[np.ix_(at, at)] = levels[family].covariance(
                np.array([r.tokens for r in rows]),
                [r.run or None for r in rows],
                np.array([float(r.seeds) for r in rows]),
            )
        for known, covariance in self.effects.values():
            at = [i for i, c in enumerate(columns) if c in known]
            own = [known.index(columns[i]) for i in at]
            out[np.ix_(at, at)] = covariance[np.ix_(own, own)]
        return out

    def heard(self, joint: np.ndarray, columns: list[int], noise: np.ndarray) -> np.ndarray:
        """Return what a plan tells of the law and of the discrepancy at the targets."""
        both = 2 * self.k
        told = joint[np.ix_(columns, columns)] + noise
        return signal(joint[:both][:, columns], told)

    def value(self, plan: Plan, seed: int) -> PlanValue:
        """Return what a plan is expected to buy."""
        columns, noise = self.columns(plan), self.outcome_noise(plan)
        require_draws(self.beliefs.draws, len(columns))
        both = 2 * self.k
        told = self.heard(self.joint, columns, noise)
        left = self.joint[:both, :both] - told
        sd = self._sd(_added(left))
        others = [
            self._sd(_added(j[:both, :both] - self.heard(j, columns, noise))) for j in self.blocks
        ]
        error = float(np.sqrt((_BLOCKS - 1) * np.var(others)))
        w = self.contrast
        now, after = (
            max(float(w @ _added(m) @ w), _TINY) for m in (self.joint[:both, :both], left)
        )
        information = 0.5 * float(np.log(now / after))
        made = PlanValue(plan, sd, error, information, now - after, left=self._variance(left))
        if self.k == 1:
            return made
        found = worth(self.mean, self._open(self.now), _added(told), seed=seed)
        return replace(made, evsi=found.evsi, regret=found.regret, pcs=found.pcs)

    def perfect(self, seed: int) -> Worth:
        """Return what it would be worth to know the candidates' losses."""
        covariance = self._open(self.now)
        return worth(self.mean, covariance, covariance, seed=seed)

    def nothing(self, seed: int) -> Worth:
        """Return how good the choice is without another run."""
        covariance = self._open(self.now)
        return worth(self.mean, covariance, np.zeros_like(covariance), seed=seed)

    def _open(self, covariance: np.ndarray) -> np.ndarray:
        return covariance + np.diag(self.kept)


def pose(fit: Fit, targets: Sequence[Target], plans: Sequence[Plan], seed: int) -> Problem:
    """Return the problem of judging plans, every setting worked out once."""
    only = str(targets[0].family)
    rows: dict[tuple, Row] = {}
    for plan in plans:
        for row in plan.rows:
            rows.setdefault((row.family or only, *row.setting[1:]), row)
    points = [replace(t, kind="mean") for t in targets]
    k = len(points)
    points += [
        Target(r.params, r.tokens, setting[0], r.flops, "mean", targets[0].inputs)
        for setting, r in rows.items()
    ]
    own = {
        family: family_draws(fit, family, seed)
        for family in dict.fromkeys(str(p.family) for p in points)
    }
    believed = beliefs(fit, points, own)
    place = {setting: 2 * k + i for i, setting in enumerate(rows)}
    effects = {}
    for label in dict.fromkeys(r.run for r in rows.values()):
        if label not in fit.layout.runs:
            continue
        known = [place[setting] for setting, r in rows.items() if r.run == label]
        effect = own_effect(fit, label, [points[c - k] for c in known])
        believed.known[:, [c - k for c in known]] += effect.mean
        effects[label] = (known, effect.covariance)
    joint, blocks = _covariances(believed, k)
    return Problem(
        targets=tuple(targets),
        beliefs=believed,
        joint=joint,
        blocks=blocks,
        place=place,
        noise={family: run_noise(fit, draws, family) for family, draws in own.items()},
        effects=effects,
    )


def _covariances(believed: Beliefs, k: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return the joint covariance of all draws, and of those without each tenth."""
    drawn = np.column_stack(
        [believed.law[:, :k], believed.known[:, :k], believed.law[:, k:] + believed.known[:, k:]]
    )
    drawn = drawn - drawn.mean(axis=0)
    n = drawn.shape[1]
    rest = np.zeros((n, n))
    rest[k:, k:] = believed.rest
    parts = np.array_split(drawn, _BLOCKS)
    squares = [p.T @ p for p in parts]
    whole = sum(squares)
    blocks = []
    for part, square in zip(parts, squares, strict=True):
        size = len(drawn) - len(part)
        shift = part.sum(axis=0)  # the others sum to minus this
        blocks.append((whole - square - np.outer(shift, shift) / size) / (size - 1) + rest)
    return whole / (len(drawn) - 1) + rest, tuple(blocks)


def _added(parts: np.ndarray) -> np.ndarray:
    """Return the covariance of law plus discrepancy from that of the two."""
    k = len(parts) // 2
    return parts[:k, :k] + parts[:k, k:] + parts[k:, :k] + parts[k:, k:]

"""Mid-run reading: what the checkpoints of a running job say of its end, and whether to stop it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayeslaw import names
from bayeslaw.design.beliefs import beliefs, family_draws
from bayeslaw.design.decision import TIE
from bayeslaw.design.noise import own_effect, run_noise
from bayeslaw.design.plan import Plan
from bayeslaw.design.rows import positive
from bayeslaw.design.value import decide
from bayeslaw.errors import ExtrapolationWarning, TargetError
from bayeslaw.inference import Fit
from bayeslaw.inference.result import summary
from bayeslaw.prediction import Target, forecast

# A goal that is reached with less than this probability is given up.
_HOPELESS = 0.05


@dataclass(frozen=True, eq=False)
class Reading:
    """A running job, read half-way.

    Attributes
    ----------
    run, family : whose checkpoints.
    params, tokens, final_tokens : its size, tokens seen, and tokens at its end.
    loss : draws of its own final loss, nats per token.
    effect_sd : s.d. of its final loss around the curve, given its checkpoints; a new run's is
        ``new_run_sd``.
    new_run_sd : the same for a run without checkpoints.
    goal, chance : a loss it should reach, and the probability that it does; or None.
    target : what is to be forecast with its help; or None.
    target_loss : draws of its loss, of nats per token, the job's checkpoints counted; or None.
    now_sd, finish_sd, other_sd : s.d. of the target now, once the job is finished, and once
        what is left to pay was spent on one new run instead; or None.
    stop : the advice.
    reason : why.
    notes : what to beware of.
    healthy : whether the fit passed its gate.
    """

    run: str
    family: str
    params: float
    tokens: float
    final_tokens: float
    loss: np.ndarray
    effect_sd: float
    new_run_sd: float
    goal: float | None
    chance: float | None
    target: Target | None
    target_loss: np.ndarray | None
    now_sd: float | None
    finish_sd: float | None
    other_sd: float | None
    stop: bool
    reason: str
    notes: tuple[str, ...]
    healthy: bool = True

    @property
    def remaining(self) -> float:
        """Compute left to pay, in FLOP."""
        return 6.0 * self.params * (self.final_tokens - self.tokens)

    @property
    def text(self) -> str:
        """The reading in a few lines."""
        low, middle, high = np.quantile(self.loss, [0.05, 0.5, 0.95])
        lines = [
            f"{self.run} ({self.family}): {self.tokens:.3g} of {self.final_tokens:.3g} tokens "
            f"seen, {self.remaining:.3g} FLOP to go.",
            f"Its final loss: {middle:.4f} (90 %: {low:.4f} to {high:.4f}); around the curve it "
            f"is known to {self.effect_sd:.2%}, a new run to {self.new_run_sd:.2%}.",
        ]
        if self.chance is not None:
            lines.append(f"It ends at {self.goal:.4g} or below with probability {self.chance:.1%}.")
        if self.target is not None and self.target_loss is not None:
            low, middle, high = np.quantile(self.target_loss, [0.05, 0.5, 0.95])
            lines.append(
                f"The target ({self.target.family}, {self.target.params:.3g} params, "
                f"{self.target.tokens:.3g} tokens): {middle:.4f} (90 %: {low:.4f} to {high:.4f})."
            )
        if self.now_sd is not None:
            lines.append(
                f"Its s.d. is {self.now_sd:.2%} now, {self.finish_sd:.2%} once it is "
                f"finished, {self.other_sd:.2%} after one new run for the same money."
            )
        lines.append(f"{'Stop' if self.stop else 'Go on'}: {self.reason}.")
        if not self.healthy:
            lines.append("The fit failed its health gate: do not rely on this.")
        return "\n".join([*lines, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain JSON values."""
        t = self.target
        return {
            "run": self.run,
            "family": self.family,
            "params": self.params,
            "tokens": self.tokens,
            "final_tokens": self.final_tokens,
            "remaining_flops": self.remaining,
            "final_loss": summary(self.loss),
            "effect_sd": self.effect_sd,
            "new_run_sd": self.new_run_sd,
            "goal": self.goal,
            "chance": self.chance,
            "target": t and {"family": t.family, "params": t.params, "tokens": t.tokens},
            "target_loss": None if self.target_loss is None else summary(self.target_loss),
            "sd": {"now": self.now_sd, "finished": self.finish_sd, "other": self.other_sd},
            "stop": self.stop,
            "reason": self.reason,
            "warnings": list(self.notes),
        }

    def __repr__(self) -> str:
        return f"<Reading>\n{self.text}"


def read_run(
    fit: Fit,
    run: str,
    tokens: float | str,
    *,
    goal: float | str | None = None,
    target: Target | None = None,
    seed: int = 0,
) -> Reading:
    """Forecast the final loss of a running job from its checkpoints, and say whether to stop it.

    Given each posterior draw, what the job's checkpoints lie above or below the curve is its own
    effect, in part; its end shares it. The fit must hold the checkpoints: add them by
    :meth:`Fit.update`.

    Parameters
    ----------
    fit : the posterior of all runs so far, the job's checkpoints among them.
    run : label of the job.
    tokens : training tokens at its end.
    goal : loss it should reach; below 5 % probability the advice is to stop.
    target : a larger run it is meant to inform; its forecast comes with the reading. Without a
        goal the advice is to stop if one new run for the compute that is left narrows it more.
    seed : seed of the random numbers.

    Returns
    -------
    Reading

    Raises
    ------
    TargetError
        If the fit has no such run, or it has seen these tokens already.
    """
    final = positive(tokens, "running job", "tokens at its end")
    table = fit.runs.table
    rows = table[table[names.RUN] == run].sort_values(names.TOKENS)
    if rows.empty:
        own_effect(fit, run, [])  # says so
    last = rows.iloc[-1]
    family, params, seen = str(last[names.FAMILY]), float(last[names.PARAMS]), last[names.TOKENS]
    if final <= seen:
        raise TargetError(
            f"run '{run}' has seen {seen:.3g} tokens, and its end was given as {final:.3g}; "
            "expected more. Give the tokens it will have seen when it ends."
        )
    more = {n: float(last[n]) for n in names.LAW_INPUTS if n in fit.law.input_names}
    point = Target(params, final, family, kind="mean", inputs=more)
    own = family_draws(fit, family, seed)
    believed = beliefs(fit, [point], {family: own})
    effect = own_effect(fit, run, [point])
    rng = np.random.default_rng([seed, 5])
    count = believed.draws
    middle = believed.law[:, 0] + believed.known[:, 0] + effect.mean[:, 0]
    unit = rng.standard_normal(count)
    if effect.freedom is not None:
        unit = rng.standard_t(effect.freedom, count)
    wander = np.sqrt(max(believed.rest[0, 0], 0.0)) * rng.standard_normal(count)
    loss = np.exp(middle + wander + np.sqrt(effect.scale[:, 0, 0]) * unit)
    goal = None if goal is None else positive(goal, "running job", "goal")
    chance = None if goal is None else float((loss <= goal).mean())

    sds: tuple[float | None, ...] = (None, None, None)
    far, notes = None, []
    if target is not None:
        target = replace(target, family=target.family or family)
        left = 6.0 * params * (final - seen)
        finish = Plan.longer(left, run, params, seen, family)
        other = Plan.one_large(left, target.tokens / target.params)
        choice = decide(fit, [finish, other], target=target, seed=seed)
        by_name = {v.plan.name: v.sd for v in choice.values}
        with warnings.catch_warnings():
            # The reading carries the notes of its forecast.
            warnings.simplefilter("ignore", ExtrapolationWarning)
            made = forecast(fit, target, seed=seed)
        far, notes = made.draws.values.ravel(), list(made.notes[0])
        sds = (choice.now_sd, by_name[finish.name], by_name[other.name])
    stop, reason = _advice(chance, goal, sds)
    kept = (fit.layout.run_of_row == fit.layout.runs.index(run)).sum()
    if kept < 2:
        notes.append("one checkpoint tells little of the run's own effect")
    notes.append(
        "checkpoints before the learning rate has come down lie above the curve of finished runs; "
        "if the other runs are finished ones, read the forecast as too high"
    )
    return Reading(
        run=run,
        family=family,
        params=params,
        tokens=float(seen),
        final_tokens=final,
        loss=loss,
        effect_sd=float(np.sqrt(effect.covariance[0, 0])),
        new_run_sd=run_noise(fit, own, family).total ** 0.5,
        goal=goal,
        chance=chance,
        target=target,
        target_loss=far,
        now_sd=sds[0],
        finish_sd=sds[1],
        other_sd=sds[2],
        stop=stop,
        reason=reason,
        notes=tuple(notes),
        healthy=fit.health.ok,
    )


def _advice(
    chance: float | None, goal: float | None, sds: tuple[float | None, ...]
) -> tuple[bool, str]:
    if chance is not None and chance < _HOPELESS:
        return True, f"it reaches {goal:.4g} with a probability of {chance:.1%} only"
    if chance is not None:  # a job with a goal of its own is not given up for another's sake
        return False, f"it reaches {goal:.4g} with a probability of {chance:.1%}"
    now, finish, other = sds
    if now is None or finish is None or other is None:
        return False, "nothing speaks against it"
    if other < finish * (1 - TIE):
        return True, (
            f"one new run for the compute that is left leaves the target's s.d. at {other:.2%}, "
            f"finishing leaves {finish:.2%}"
        )
    if finish > now * (1 - TIE):
        return False, (
            f"finishing narrows the target little ({now:.2%} to {finish:.2%}), and no new run for "
            "the same compute does better; go on if its own result is wanted"
        )
    return False, f"finishing leaves the target's s.d. at {finish:.2%}, a new run {other:.2%}"

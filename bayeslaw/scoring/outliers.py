"""Runs that look broken: which, on what evidence, and what leaving them out would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import SpecError
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast, Target
from bayeslaw.scoring.faults import copies, fault_of, share_offset
from bayeslaw.scoring.left_out import WORST_SHAPE, Others, refitted, seen_of, weights_by_run

#: Chance that a clean table has a run flagged.
LEVEL = 0.05
_ROUNDS = 3
# Weights fail for at most so many runs per round that are refitted one by one.
_MOST_REFITS, _WORST_REFITS = 6, 3
# Poor weights flatter a run, for the draws have seen it; below this it gets a refit.
_WORTH_A_REFIT = 0.2
# E-folds between the inputs of a run and of all others.
_FAR = 2.5
_BEYOND = 10.0
_RISE = 0.02


@dataclass(frozen=True, eq=False)
class Outliers:
    """Runs that look broken; none has been removed.

    Attributes
    ----------
    table : one row per such run: family, run, params, tokens, loss, expected (given the other
        runs), off (relative), predictive_sd, z, p_value (of so far a loss, under the Student-t),
        p_adjusted (for the number of runs), elpd and pareto_k (of leaving the run out by
        weights), fault, evidence, rows (in the runs table, from 0), and what leaving it out does
        to the forecast: shift of its median and width_ratio of its 90 % interval, by ``how``:
        weights, or refit where the Pareto shape is above .7.
    judged : expected, z and p_value of every run, given the others.
    target : the forecast that shifts are of, by family.
    together : shift and width_ratio by family if all are left out.
    level : chance that a clean table has a run flagged.
    """

    table: pd.DataFrame
    judged: pd.DataFrame
    target: dict[str, Target]
    together: dict[str, tuple[float, float]]
    level: float = LEVEL

    @property
    def rows(self) -> list[int]:
        """Positions of all rows of these runs, from 0."""
        return sorted(row for rows in self.table["rows"] for row in rows)

    @property
    def remedy(self) -> str:
        """The line of Python that leaves them out."""
        return f"runs = runs.drop({self.rows})" if self.rows else ""

    @property
    def text(self) -> str:
        """What was found, a few lines per run."""
        n = len(self.judged)
        if self.table.empty:
            return (
                f"No run of {n} looks broken (a clean table would have one flagged "
                f"{self.level:.0%} of the time)."
            )
        lines = [f"{len(self.table)} of {n} runs look broken; none was removed."]
        for r in self.table.to_dict("records"):
            lines.append(f"  {r['run']} ({r['family']}): {r['fault']}. {r['evidence']}.")
            if np.isfinite(r["p_value"]):
                lines.append(
                    f"    loss {r['loss']:.4g}, expected {r['expected']:.4g} given the others: z "
                    f"{r['z']:+.1f}, p = {r['p_value']:.1e} under the model, Pareto k "
                    f"{r['pareto_k']:.2f}"
                )
            lines.append(
                f"    without it the forecast moves {r['shift']:+.2%}, its 90 % width times "
                f"{r['width_ratio']:.2f} ({r['how']})"
            )
        for family, (shift, ratio) in self.together.items():
            t = self.target[family]
            lines.append(
                f"Without all of them, {family} at {t.params:.3g} params and {t.tokens:.3g} "
                f"tokens: {shift:+.2%}, width times {ratio:.2f}."
            )
        return "\n".join([*lines, f"To leave them out: {self.remedy}"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what is missing is None."""
        records = [
            {str(k): _plain(v) for k, v in row.items()} for row in self.table.to_dict("records")
        ]
        return {
            "runs": len(self.judged),
            "level": self.level,
            "outliers": records,
            "drop": self.rows,
            "remedy": self.remedy,
            "without_all": {
                family: {"shift": shift, "width_ratio": ratio}
                for family, (shift, ratio) in self.together.items()
            },
        }

    def __repr__(self) -> str:
        return f"<Outliers: {len(self.table)} of {len(self.judged)} runs look broken>"


def outliers(fit: Fit, forecast: Forecast | None = None, *, level: float = LEVEL) -> Outliers:
    """Look for runs that look broken, given the others.

    Each run is judged by the posterior of the others: Pareto-smoothed importance weights that
    leave out whole runs (arXiv:1507.02646), a refit where these fail, and the tail probability of
    its last loss under the model's own Student-t, adjusted for the number of runs (Bonferroni).
    Those that fail are left out together and judged once more, so that one cannot hide or
    incriminate another. Copies are found by their digits. Nothing is removed.

    Parameters
    ----------
    fit : of the runs in question.
    forecast : what leaving a run out is measured on; ten times beyond each family's largest run
        unless given.
    level : chance that a clean table has a run flagged.

    Returns
    -------
    Outliers

    Raises
    ------
    SpecError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> import bayeslaw as bl
    >>> truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    >>> sizes = np.geomspace(5e7, 1e9, 6)
    >>> runs = bl.simulate("chinchilla", truth, params=sizes, tokens=20 * sizes)
    >>> table = runs.table.copy()
    >>> table.loc[2, "loss"] /= np.log(2)
    >>> fit = bl.fit(bl.load_runs(table), engine="quadrature", draws=200)
    >>> found = bl.outliers(fit)
    >>> found.table["fault"].tolist(), found.remedy
    (['unit'], 'runs = runs.drop([2])')
    """
    if not 0 < level < 1:
        raise SpecError(f"level is {level:g}; expected between 0 and 1, such as {LEVEL}.")
    by_run = weights_by_run(fit)
    last = fit.runs.last().table.set_index(names.RUN, drop=False)
    last = last.loc[list(fit.layout.runs)]
    suspects, judged, rest = _suspects(fit, by_run, last, level)
    noise = float(np.median(fit.posterior["run_sd"]))
    twins = copies(fit.runs.last().table, noise)
    target, far = _targets(fit, forecast), _apart(last)

    found = []
    for run in [*suspects, *(run for run in twins if run not in suspects)]:
        row, (weighted, shape, elpd) = last.loc[run].to_dict(), by_run[run]
        others = rest if run in suspects and rest is not None else weighted
        trusted = shape <= WORST_SHAPE and run not in far
        alone = weighted if trusted else rest
        if alone is None or (not trusted and [run] != suspects):
            alone = Others(refitted(fit, [run]))
        own: Any = judged.loc[run]
        if run in twins:
            fault, words = "copy", twins[run]
        else:
            fault, words = fault_of(others, seen_of(row), own["z"], own["off"], _rises(fit, run))
        shift, ratio = _effect(Others(fit), alone, target[row[names.FAMILY]])
        found.append(
            {
                **{n: row[n] for n in (names.FAMILY, names.RUN, names.PARAMS, names.TOKENS,
                                       names.LOSS)},
                **own[["expected", "off", "predictive_sd", "z", "p_value", "p_adjusted"]].to_dict(),
                "elpd": elpd,
                "pareto_k": shape,
                "fault": fault,
                "evidence": words,
                "rows": tuple(int(i) for i in _rows(fit, run)),
                "shift": shift,
                "width_ratio": ratio,
                "how": "weights" if trusted else "refit",
            }
        )  # fmt: skip
    table = pd.DataFrame(found, columns=_COLUMNS)
    together = {}
    if len(table):
        offset = share_offset(table)
        table.loc[offset, "fault"] = "offset"
        table.loc[offset, "evidence"] += "; the flagged runs of this family are off by one factor"
        without = Others(refitted(fit, table[names.RUN]))
        together = {
            family: _effect(Others(fit), without, target[family])
            for family in dict.fromkeys(table[names.FAMILY])
            if family in without.fit.families
        }
    return Outliers(table, judged.reset_index(names=names.RUN), target, together, level)


_COLUMNS = [
    names.FAMILY, names.RUN, names.PARAMS, names.TOKENS, names.LOSS, "expected", "off",
    "predictive_sd", "z", "p_value", "p_adjusted", "elpd", "pareto_k", "fault", "evidence",
    "rows", "shift", "width_ratio", "how",
]  # fmt: skip


def _suspects(
    fit: Fit, by_run: dict[str, tuple[Others, float, float]], last: pd.DataFrame, level: float
) -> tuple[list[str], pd.DataFrame, Others | None]:
    """Return runs that the others do not expect, the judgement of all, and what judged those."""
    enough = last.groupby(names.FAMILY)[names.RUN].transform("size") > 1
    limit, far = level / len(last), _apart(last)
    judged = pd.DataFrame(np.nan, last.index, ["expected", "predictive_sd", "z", "p_value"])
    suspects: list[str] = []
    rest: Others | None = None
    for _ in range(_ROUNDS):
        open_runs = [run for run in by_run if enough[run] and run not in suspects]
        for run in open_runs:
            judged.loc[run] = by_run[run][0].judge([seen_of(last.loc[run].to_dict())]).iloc[0]
        base = next(iter(by_run.values()))[0].fit
        for run in _doubtful(judged.loc[open_runs, "p_value"], by_run, far):
            alone = Others(refitted(base, [run]))
            if last.loc[run, names.FAMILY] in alone.fit.families:
                judged.loc[run] = alone.judge([seen_of(last.loc[run].to_dict())]).iloc[0]
        p_value: Any = judged["p_value"]
        new = [run for run in open_runs if p_value[run] < limit]
        if not new:
            break
        rest = _without(fit, [*suspects, *new], last)
        if rest is None:  # nothing would be left to judge by
            break
        suspects += new
        by_run = {r: w for r, w in weights_by_run(rest.fit).items() if r not in suspects}
        own = rest.judge(seen_of(last.loc[run].to_dict()) for run in suspects)
        judged.loc[suspects] = own.set_axis(suspects)
        p_value = judged["p_value"]
        suspects = [run for run in suspects if p_value[run] < limit]
    judged["off"] = last[names.LOSS] / judged["expected"] - 1
    judged["p_adjusted"] = np.minimum(judged["p_value"] * len(last), 1.0)
    return suspects, judged, rest


def _doubtful(
    p_value: pd.Series, by_run: dict[str, tuple[Others, float, float]], far: set[str]
) -> list[str]:
    """Return the runs whose weights fail, or cannot be believed, that are worth a refit.

    A run that the law was bent to may look like no surprise, so those with the worst weights
    count whatever their probability. So do runs whose inputs lie far from all others: the draws
    may not hold the law without them at all, which no weight can tell.
    """
    poor = sorted(
        (run for run in p_value.index if by_run[run][1] > WORST_SHAPE),
        key=lambda run: -by_run[run][1],
    )
    rest = sorted(poor[_WORST_REFITS:], key=lambda run: p_value[run])
    rest = [run for run in rest if p_value[run] < _WORTH_A_REFIT]
    chosen = [*poor[:_WORST_REFITS], *rest[: _MOST_REFITS - _WORST_REFITS]]
    alone = [run for run in p_value.index if run in far]
    return list(dict.fromkeys([*alone[:_MOST_REFITS], *chosen]))


def _apart(last: pd.DataFrame) -> set[str]:
    """Return runs with an input far from that of every other run of their family."""
    found: set[str] = set()
    for column in (names.PARAMS, names.TOKENS):
        for _, own in last.groupby(names.FAMILY)[column]:
            ordered = own.astype(float).map(np.log).sort_values()
            gaps = np.diff(ordered, prepend=-np.inf, append=np.inf)
            nearest = np.minimum(gaps[:-1], gaps[1:])
            found |= set(ordered.index[nearest > _FAR])
    return found


def _without(fit: Fit, runs: list[str], last: pd.DataFrame) -> Others | None:
    left = last[~last.index.isin(runs)][names.FAMILY]
    if not set(last.loc[runs, names.FAMILY]) <= set(left):
        return None
    return Others(refitted(fit, runs))


def _rows(fit: Fit, run: str) -> pd.Index:
    return fit.runs.table.index[fit.runs.table[names.RUN] == run]


def _rises(fit: Fit, run: str) -> bool:
    own = fit.runs.table.loc[_rows(fit, run)].sort_values(names.TOKENS)[names.LOSS]
    return bool(own.iloc[-1] > (1 + _RISE) * own.min())


def _targets(fit: Fit, forecast: Forecast | None) -> dict[str, Target]:
    """Return the forecast of each family that leaving runs out is measured on."""
    asked = {} if forecast is None else {str(t.family): t for t in forecast.targets[::-1]}
    out = {}
    for family, rows in fit.runs.table.groupby(names.FAMILY, sort=False):
        top = rows.iloc[int(rows[names.FLOPS].to_numpy().argmax())]
        grown = Target(
            float(top[names.PARAMS]) * _BEYOND**0.5,
            float(top[names.TOKENS]) * _BEYOND**0.5,
            str(family),
            float(top[names.FLOPS]) * _BEYOND,
        )
        out[str(family)] = asked.get(str(family), grown)
    return out


def _effect(whole: Others, without: Others, target: Target) -> tuple[float, float]:
    """Return how leaving runs out moves the median of a forecast, and the ratio of its widths."""
    at = (0.05, 0.5, 0.95)
    low, middle, high = whole.quantiles(target, at)
    low_after, middle_after, high_after = without.quantiles(target, at)
    return float(middle_after / middle - 1), float((high_after - low_after) / (high - low))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value

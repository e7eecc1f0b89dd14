"""What a table can and cannot tell: findings, each with its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bayeslaw.errors import RunsError
from bayeslaw.names import FAMILY, FLOPS, LAB, LOSS, LOSS_SD, PARAMS, RUN, SEED, TOKENS
from bayeslaw.runs.columns import LAW_INPUTS
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown
from bayeslaw.runs.table import Runs
from bayeslaw.runs.trend import log_residuals, robust_sd

MIN_SIZES = 3  #: distinct params, or tokens, that pin down an exponent
MIN_ROWS = 6
COLLINEAR = 0.95  #: |correlation| of log params and log tokens
OUTLIER_SDS = 6.0
OUTLIER_LEAST = 0.05  #: relative; smaller departures are no outliers however small the scatter
SPIKE = 0.3  #: relative rise above an earlier checkpoint
LEVEL_SPREAD = 1.5  #: ratio of family levels that suggests different evaluation sets

_FORMULA = ("=", "+", "-", "@")  #: with these a spreadsheet begins a formula
_EVALUATIONS = ("eval_set", "loss_kind", "metric", "split")


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing about a table; the message ends with the remedy."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    rows: tuple[int, ...] = ()  # counted from 1

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.severity}: {self.message} [{self.code}]"


def check_runs(runs: Runs) -> list[Finding]:
    """Say what was read and what the table cannot settle.

    Parameters
    ----------
    runs
        A loaded table.

    Returns
    -------
    list of Finding
        Errors first (a fit would refuse), then warnings, then notes.

    Examples
    --------
    >>> import bayeslaw.runs as br
    >>> frame = pd.DataFrame({"family": "a", "params": 1e9, "tokens": [1e10], "loss": 3.0})
    >>> [f.code for f in br.check_runs(br.load_runs(frame)) if f.severity == "error"]
    ['one-row']
    """
    findings = [*_fittable(runs)]
    if len(runs):
        for rule in (
            _identifiable, _outliers, _spikes, _levels, _evaluations, _odd_ratios,
            _similar_names, _formulas, _replicates,
        ):  # fmt: skip
            findings += rule(runs)
    findings += _read(runs)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: order[finding.severity])


def require_fittable(runs: Runs) -> None:
    """Refuse a table from which no law can be fitted at all.

    Raises
    ------
    RunsError
        For no rows, one row, or no family seen at two sizes or two token counts.

    Examples
    --------
    >>> from bayeslaw.runs import load_runs
    >>> require_fittable(load_runs(pd.DataFrame({"family": "a", "params": [1e9, 2e9],
    ...                                          "tokens": 2e10, "loss": [3.0, 2.8]})))
    """
    errors = [finding.message for finding in _fittable(runs)]
    if errors:
        raise RunsError(f"{runs.source}: {'; '.join(errors)}")


def _fittable(runs: Runs) -> Iterator[Finding]:
    points = runs.table.drop_duplicates([FAMILY, PARAMS, TOKENS]).groupby(FAMILY).size()
    if len(runs) == 0:
        yield Finding("no-rows", "error", "no rows are left; loosen the condition that chose them")
    elif len(runs) == 1:
        yield Finding(
            "one-row",
            "error",
            "only 1 row; a law needs losses at several sizes; add runs of other params and tokens",
            (1,),
        )
    elif points.max() < 2:
        yield Finding(
            "one-size",
            "error",
            "every family has a single size (params, tokens); a law needs at least two in one "
            "family; add runs, or give runs of one recipe the same family",
        )


def _identifiable(runs: Runs) -> Iterator[Finding]:
    for family, rows in runs.table.groupby(FAMILY, sort=False):
        name, numbers = shown(family), _numbers(rows)
        sizes, lengths = rows[PARAMS].nunique(), rows[TOKENS].nunique()
        if len(rows) < MIN_ROWS:
            yield Finding(
                "few-rows",
                "warning",
                f"family {name} has {len(rows)} rows; below {MIN_ROWS} the priors decide; add "
                "runs, or pool it with other families",
                numbers,
            )
        if sizes < MIN_SIZES:
            yield Finding(
                "single-size" if sizes == 1 else "few-sizes",
                "warning",
                f"family {name} has {sizes} distinct params; below {MIN_SIZES} the size exponent "
                "rests on the prior; add a run of another size",
                numbers,
            )
        if lengths == 1:
            yield Finding(
                "equal-tokens",
                "warning",
                f"family {name} has one token count; the data exponent rests on the prior; add "
                "runs, or earlier checkpoints, at other token counts",
                numbers,
            )
        if sizes >= 2 and lengths >= 2:
            # Twice the same point carries no news about the design.
            design = np.log(rows[[PARAMS, TOKENS]].drop_duplicates())
            correlation = float(np.corrcoef(design.T)[0, 1])
            if abs(correlation) > COLLINEAR:
                yield Finding(
                    "collinear",
                    "warning",
                    f"family {name}: log params and log tokens have correlation "
                    f"{correlation:.2f}; their exponents cannot be told apart; add runs with "
                    "other tokens per parameter",
                    numbers,
                )


def _outliers(runs: Runs) -> Iterator[Finding]:
    table = runs.last().table
    where = np.flatnonzero(runs.table.index.isin(runs.table.groupby(RUN)[TOKENS].idxmax()))
    residuals = log_residuals(table)
    for family, part in residuals.groupby(table[FAMILY], sort=False):
        limit = max(OUTLIER_SDS * robust_sd(part.to_numpy()), OUTLIER_LEAST)
        far = part[part.abs() > limit]
        if len(far):
            rows = tuple(int(where[i]) + 1 for i in far.index)
            losses = table.loc[far.index, LOSS]
            found = ", ".join(
                f"{loss:.3g} (row {row}, {np.expm1(residual):+.0%})"
                for row, loss, residual in list(zip(rows, losses, far, strict=True))[:4]
            )
            yield Finding(
                "outlier",
                "warning",
                f"family {shown(family)}: losses far off its trend: {found}; look for failed "
                "runs or another evaluation set, and drop them or keep a heavy-tailed noise",
                rows,
            )


def _spikes(runs: Runs) -> Iterator[Finding]:
    table = runs.table.sort_values([RUN, TOKENS], kind="stable")
    best = table.groupby(RUN, sort=False)[LOSS].cummin()
    spikes = table[table[LOSS] > (1 + SPIKE) * best]
    for run, rows in spikes.groupby(RUN, sort=False):
        yield Finding(
            "spike",
            "warning",
            f"run {shown(run)}: {len(rows)} checkpoints lie more than {SPIKE:.0%} above an "
            f"earlier one, first {rows[LOSS].iloc[0]:.3g} (row {rows.index[0] + 1}); drop "
            "unstable checkpoints, or keep the last row of each run",
            _numbers(rows),
        )


def _levels(runs: Runs) -> Iterator[Finding]:
    table = runs.table
    if table[FAMILY].nunique() < 2:
        return
    # Families are compared on one common line, so that larger models do not look better data.
    pooled = table.assign(**{FAMILY: "all"})
    level = log_residuals(pooled).groupby(table[FAMILY], sort=False).median()
    ratio = float(np.exp(level.max() - level.min()))
    if ratio > LEVEL_SPREAD:
        yield Finding(
            "level-spread",
            "warning",
            f"at equal params and tokens family {shown(level.idxmax())} lies {ratio:.1f} times "
            f"above {shown(level.idxmin())}; they may use other evaluation sets, tokenizers or "
            "units; compare families only on one evaluation set",
        )


def _evaluations(runs: Runs) -> Iterator[Finding]:
    for name in (name for name in _EVALUATIONS if name in runs.table):
        kinds = runs.table.groupby(FAMILY, sort=False)[name].nunique()
        mixed = kinds[kinds > 1].index.tolist()
        if mixed:
            yield Finding(
                "mixed-evaluation",
                "warning",
                f"families {listed(mixed)} hold several values of {shown(name)}; one family needs "
                f"one evaluation: keep one with where({name} == ...), or make it part of family",
            )


def _odd_ratios(runs: Runs) -> Iterator[Finding]:
    table = runs.table
    for code, low, high, ratio, what, remedy in (
        ("tokens-per-parameter", 1e-3, 1e7, table[TOKENS] / table[PARAMS],
         "tokens per parameter", "check that tokens are not written in billions"),
        ("flops-per-6nd", 0.1, 10, table[FLOPS] / (6 * table[PARAMS] * table[TOKENS]),
         "times 6 N D in flops", "check the unit of flops, or leave the column out"),
        ("large-loss-sd", 0, 0.2, table[LOSS_SD] / table[LOSS],
         "of the loss as its loss_sd", "check that loss_sd is in the unit of the loss"),
    ):  # fmt: skip
        odd = table[(ratio < low) | (ratio > high)]
        if len(odd):
            first = ratio[odd.index[0]]
            yield Finding(
                code,
                "warning",
                f"{len(odd)} rows have an odd number of {what}, first {first:.2g} "
                f"(row {odd.index[0] + 1}); {remedy}",
                _numbers(odd),
            )


def _similar_names(runs: Runs) -> Iterator[Finding]:
    names = pd.Series(runs.families)
    plain = names.str.casefold().str.replace(r"[\s_\-.]", "", regex=True)
    for _, same in names.groupby(plain):
        if len(same) > 1:
            yield Finding(
                "similar-families",
                "warning",
                f"families {listed(same.tolist())} differ only in case or punctuation; "
                "spell them alike if they are one family",
            )


def _formulas(runs: Runs) -> Iterator[Finding]:
    labels = pd.unique(runs.table[[FAMILY, LAB, RUN, SEED]].to_numpy().ravel())
    found = [label for label in labels if label.startswith(_FORMULA)]
    if found:
        yield Finding(
            "formula",
            "warning",
            f"labels {listed(found)} start as a formula does; rename them, or a spreadsheet that "
            "opens an exported table may run them",
        )


def _replicates(runs: Runs) -> Iterator[Finding]:
    table = runs.last().table
    cell = [FAMILY, PARAMS, TOKENS, *(name for name in LAW_INPUTS if name in table)]
    size = table.groupby(cell, dropna=False)[RUN].transform("size")
    cells = table[size > 1].drop_duplicates(cell)
    if len(cells):
        message = f"{len(cells)} points are replicated ({int((size > 1).sum())} runs)"
        yield Finding("replicates", "note", f"{message}; seed noise is estimated from them")
    else:
        yield Finding(
            "no-replicates",
            "note",
            "no point is replicated; seed noise rests on the prior; repeat a small run with "
            f"another {SEED} to measure it",
        )


def _read(runs: Runs) -> Iterator[Finding]:
    table = runs.table
    checkpoints = len(runs) - runs.n_runs
    yield Finding(
        "read",
        "note",
        f"read {len(runs)} rows: {runs.n_runs} runs, {checkpoints} earlier checkpoints, "
        f"{len(runs.families)} families; name other columns with --map if this is not all",
    )
    if len(runs):
        spans = ", ".join(
            f"{name} {table[name].min():.3g} to {table[name].max():.3g}"
            for name in (PARAMS, TOKENS, FLOPS, LOSS)
        )
        yield Finding("units", "note", f"{spans} nats; correct --loss-unit if these look wrong")
    for note in runs.notes:
        yield Finding("loading", "note", f"{note}; load with --map or --loss-unit to change this")


def _numbers(rows: pd.DataFrame) -> tuple[int, ...]:
    return tuple(int(row) + 1 for row in rows.index)

"""What may be wrong with a run: units, swapped columns, copies, failed training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.scoring.left_out import Others, Seen

# A fault explains a run if, put right, it lies so many s.d. from where the others expect it.
_EXPLAINED = 3.0
# A loss this much above what the others expect is no matter of tuning.
_DIVERGED = 0.25
# Losses agree by chance more often than this: no evidence of a copy.
_BY_CHANCE = 0.01
_MOST_DECIMALS = 12
# Inputs within this factor of those of other runs do not stand out.
_NEAR = 3.0
# A perplexity is above one; below this its logarithm is no loss of a language model.
_LEAST_LOG = 0.1
_RATIO = "tokens per parameter"


def fault_of(others: Others, seen: Seen, z: float, off: float, rises: bool) -> tuple[str, str]:
    """Return the likeliest fault of a run that the others do not expect, and the evidence.

    Parameters
    ----------
    others : the posterior without the run.
    seen : the run's last row.
    z, off : how far it lies off: in s.d., and relative to the expected loss.
    rises : whether an earlier checkpoint of the run had a clearly lower loss.
    """
    tried = [*_losses(seen), *_inputs(seen, _design(others, seen))]
    away = others.judge(s for _, _, s in tried)["z"].abs().to_numpy()
    # A correction must do better than none by far, or any noisy table would find one.
    best = int(away.argmin())
    if away[best] < min(_EXPLAINED, abs(z) / 2):
        fault, words, _ = tried[best]
        return fault, f"{words}: put right it is {away[best]:.1f} s.d. off"
    if off > _DIVERGED or (rises and off > 0):
        return "diverged", f"{off:.0%} above what the others expect"
    if off > 0:
        words = "under-tuned, stopped early, or on another tokenizer or evaluation set"
        return "too-high", f"{off:.1%} above what the others expect: {words}"
    words = "another tokenizer or evaluation set, or evaluation data seen in training"
    return "too-low", f"{-off:.1%} below what the others expect: {words}"


def _losses(seen: Seen) -> Iterator[tuple[str, str, Seen]]:
    """Yield what the loss may have been in another unit."""
    log_loss = seen.log_loss
    for words, value in (
        ("reads like bits per token", log_loss + np.log(np.log(2))),
        ("reads like a decimal logarithm", log_loss + np.log(np.log(10))),
    ):
        yield "unit", words, replace(seen, log_loss=value)
    if log_loss > _LEAST_LOG:
        yield "unit", "reads like a perplexity", replace(seen, log_loss=float(np.log(log_loss)))


def _inputs(seen: Seen, design: pd.DataFrame) -> Iterator[tuple[str, str, Seen]]:
    """Yield what the inputs may have been, if they stand out and would then be among the others."""
    target = seen.target

    def odd(column: str, value: float) -> bool:
        low, high = design[column].min() / _NEAR, design[column].max() * _NEAR
        return not low <= value <= high

    ratio = target.tokens / target.params
    if odd(_RATIO, ratio) and not odd(_RATIO, 1 / ratio):
        yield "swapped", "params and tokens read as if they were swapped", seen.swapped()
    for column in (names.PARAMS, names.TOKENS):
        value = getattr(target, column)
        for factor, words in ((1e3, "thousands"), (1e6, "millions"), (1e9, "billions")):
            if odd(column, value) and not odd(column, value * factor):
                moved = replace(target, **{column: value * factor, "flops": None})
                yield "unit", f"{column} read as if in {words}", replace(seen, target=moved)


def _design(others: Others, seen: Seen) -> pd.DataFrame:
    """Return the inputs of the family's other runs."""
    table, t = others.fit.runs.table, seen.target
    mine = (table[names.PARAMS] == t.params) & (table[names.TOKENS] == t.tokens)
    rows = table[(table[names.FAMILY] == t.family) & ~mine]
    return rows.assign(**{_RATIO: rows[names.TOKENS] / rows[names.PARAMS]})


def share_offset(table: pd.DataFrame) -> pd.Series:
    """Mark runs of one family that are off by the same factor: another tokenizer or evaluation.

    Parameters
    ----------
    table : flagged runs, with family, fault, off and predictive_sd.
    """
    out = pd.Series(False, index=table.index)
    plain = table[table["fault"].isin(["too-high", "too-low", "diverged"])]
    for _, rows in plain.groupby(names.FAMILY, sort=False):
        off: Any = np.log1p(rows["off"])
        apart = (off - off.median()).abs() <= 2 * rows["predictive_sd"]
        if len(rows) > 1 and apart.all() and off.abs().min() > 2 * rows["predictive_sd"].max():
            out[rows.index] = True
    return out


def copies(last: pd.DataFrame, noise: float) -> dict[str, str]:
    """Return runs whose loss is that of another run to the last digit, with the evidence.

    Parameters
    ----------
    last : the last row of each run.
    noise : typical s.d. of log loss between runs of one setting.

    Returns
    -------
    dict
        From the later run of each pair to the evidence. Losses printed with few digits agree by
        chance; such pairs are not in it.

    Examples
    --------
    >>> rows = {"family": "a", "run": list("rst"), "params": 1e9, "tokens": 2e10}
    >>> copies(pd.DataFrame(rows | {"loss": [2.123456, 2.123456, 2.12]}), 0.003)
    {'s': 'same params, tokens and loss (2.123456) as run r'}
    >>> copies(pd.DataFrame(rows | {"loss": [2.12, 2.12, 2.13]}), 0.003)
    {}
    """
    losses = last[names.LOSS].to_numpy()
    finest = 10.0 ** -max(_decimals(v) for v in losses)
    n = len(last)
    out: dict[str, str] = {}
    for _, rows in last.groupby(names.LOSS, sort=False):
        first = rows.iloc[0]
        for later in rows.iloc[1:].to_dict("records"):
            same = all(later[c] == first[c] for c in (names.PARAMS, names.TOKENS))
            if same:
                pairs = last.groupby([names.PARAMS, names.TOKENS]).size()
                pairs = float((pairs * (pairs - 1) / 2).sum())
                spread = 2 * np.sqrt(np.pi) * noise * later[names.LOSS]
            else:
                pairs, spread = n * (n - 1) / 2, float(np.ptp(losses))
            if pairs * finest < _BY_CHANCE * spread:
                what = "same params, tokens and loss" if same else "other inputs, same loss"
                where = f"run {first[names.RUN]}"
                if first[names.FAMILY] != later[names.FAMILY]:
                    where += f" of {first[names.FAMILY]}"
                out[str(later[names.RUN])] = f"{what} ({later[names.LOSS]:.7g}) as {where}"
    return out


def _decimals(value: float) -> int:
    return len(f"{value:.{_MOST_DECIMALS}f}".rstrip("0").partition(".")[2])

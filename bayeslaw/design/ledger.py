"""The ledger: forecasts written down before a run, scored once it has landed.

One JSON object per line in a file that only grows: a team can keep it under version control.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayeslaw import names
from bayeslaw.errors import DataError, RunsError, TargetError
from bayeslaw.files import locked, whole
from bayeslaw.inference import Fit
from bayeslaw.prediction import Forecast
from bayeslaw.runs import Runs
from bayeslaw.runs.limits import read_document

FORMAT = "bayeslaw-ledger-1"
FORECAST, SCORE = "forecast", "score"
# Evenly spaced quantiles that stand for the draws when a forecast is scored.
_QUANTILES = 199
_SAME = 0.01  # how far params and tokens of the run that landed may differ from those forecast


def _text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _positive(value: object) -> bool:
    return _number(value) and value > 0  # type: ignore[operator]


def _rising(count: int) -> Callable[[object], bool]:
    def holds(value: object) -> bool:
        if not (isinstance(value, list) and len(value) == count and all(map(_positive, value))):
            return False
        return value == sorted(value)

    return holds


# What is read of an entry later. A hash only tells that a line was not changed by accident: who
# writes a line can also write its hash.
_FORECAST: dict[str, Callable[[object], bool]] = {
    "entry": _text, "made": _text, names.FAMILY: _text, names.PARAMS: _positive,
    names.TOKENS: _positive, "median": _positive, "interval90": _rising(2),
    "log_mean": _number, "log_sd": _positive, "quantiles": _rising(_QUANTILES), "data": _text,
}  # fmt: skip
_SCORE: dict[str, Callable[[object], bool]] = {
    "entry": _text, "of": _text, "observed": _positive, "pit": _number, "crps": _number,
    "log_score": _number, "same_data": lambda value: isinstance(value, bool),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ledger:
    """What a ledger file holds.

    Attributes
    ----------
    path : the file.
    forecasts : entries of forecasts, in order.
    scores : the score of each forecast that was scored, by its entry.
    """

    path: Path
    forecasts: tuple[dict[str, Any], ...]
    scores: dict[str, dict[str, Any]]

    @property
    def open(self) -> list[dict[str, Any]]:
        """Forecasts without a score."""
        return [f for f in self.forecasts if f["entry"] not in self.scores]

    @property
    def table(self) -> pd.DataFrame:
        """One row per forecast: when, what, median, 90 % interval, and its score."""
        rows = []
        for f in self.forecasts:
            row = {"entry": f["entry"][:8], "made": f["made"], "family": f[names.FAMILY]}
            row |= {"params": f[names.PARAMS], "tokens": f[names.TOKENS], "median": f["median"]}
            row |= dict(zip(("low90", "high90"), f["interval90"], strict=True))
            score = self.scores.get(f["entry"], {})
            row |= {k: score.get(k) for k in ("observed", "pit", "crps", "log_score")}
            rows.append(row)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return (
            f"<Ledger {self.path.name}: {len(self.forecasts)} forecasts, {len(self.scores)} scored>"
        )


def read_ledger(path: str | Path) -> Ledger:
    """Read a ledger and check that no forecast in it was changed.

    Parameters
    ----------
    path : a file written by :func:`add_forecasts`.

    Returns
    -------
    Ledger

    Raises
    ------
    DataError
        If the file is missing, a line is damaged, or a forecast is not what was written.
    """
    path = Path(path)
    forecasts: list[dict[str, Any]] = []
    scores: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry = json.loads(line)
            kind, own = entry["kind"], entry["entry"]
            if kind not in (FORECAST, SCORE) or entry["format"] != FORMAT:
                raise ValueError
            wanted = _FORECAST if kind == FORECAST else _SCORE
            if not all(holds(entry[name]) for name, holds in wanted.items()):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(
                f"{path.name}, line {number}: no entry of a ledger; expected lines written by "
                "'bayeslaw ledger'. Restore the file from version control."
            ) from None
        if own != _digest(entry):
            raise DataError(
                f"{path.name}, line {number}: the entry is not what was written; expected one that "
                "matches its own hash. Restore the file from version control."
            )
        if kind == FORECAST:
            forecasts.append(entry)
        else:
            scores.setdefault(entry["of"], entry)
    return Ledger(path, tuple(forecasts), scores)


def add_forecasts(
    path: str | Path, fit: Fit, forecast: Forecast, *, note: str = "", now: datetime | None = None
) -> list[dict[str, Any]]:
    """Write forecasts of runs down before the runs are made.

    Parameters
    ----------
    path : the ledger; made if it is not there.
    fit, forecast : what is forecast, and from what.
    note : free text.
    now : time of writing; the clock's unless given.

    Returns
    -------
    list of dict
        The entries: time, data hash, law, version, target, median, intervals and quantiles.

    Raises
    ------
    TargetError
        If a forecast is of a curve, which is never observed.
    DataError
        If the file is there and is no ledger.
    FileError
        If it cannot be written; it is as it was.
    """
    path = Path(path)
    if any(t.kind != "run" for t in forecast.targets):
        raise TargetError(
            "a forecast is of the curve (kind='mean'), which is never observed; expected "
            "kind='run'. Forecast the run itself."
        )
    if path.exists():
        read_ledger(path)
    levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    entries = []
    for i, target in enumerate(forecast.targets):
        draws = forecast.draws.isel(target=i).values.ravel()
        logs = np.log(draws)
        entry = {
            "format": FORMAT,
            "kind": FORECAST,
            "made": _time(now),
            "version": fit.versions.get("bayeslaw", ""),
            "law": fit.law.name,
            "seed": fit.seed,
            "healthy": fit.health.ok,
            "data": fit.runs.digest,
            "rows": len(fit.runs),
            names.FAMILY: target.family,
            names.PARAMS: target.params,
            names.TOKENS: target.tokens,
            names.FLOPS: target.flops,
            "extrapolation_factor": forecast.extrapolation[i],
            "median": float(np.median(draws)),
            "interval90": [float(v) for v in np.quantile(draws, [0.05, 0.95])],
            "log_mean": float(logs.mean()),
            "log_sd": float(logs.std(ddof=1)),
            "quantiles": [float(v) for v in np.quantile(draws, levels)],
            "note": note,
        }
        entries.append(entry | {"entry": _digest(entry)})
    _append(path, entries)
    return entries


def score_forecasts(
    path: str | Path, runs: Runs, *, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Score the open forecasts of a ledger whose runs have landed.

    Parameters
    ----------
    path : the ledger.
    runs : a table that holds the runs: the last row of one of the forecast family whose params and
        tokens are those forecast, to one per cent. The first run that matches is taken; others
        are counted.
    now : time of writing; the clock's unless given.

    Returns
    -------
    list of dict
        The scores that were written: observed loss, PIT, CRPS, log score and z; empty if no
        forecast has landed.

    Raises
    ------
    DataError
        If the file is missing or is no ledger.
    """
    from bayeslaw.scoring import rules  # its dependencies compile when they are imported

    ledger = read_ledger(path)
    last = runs.last().table
    entries = []
    for forecast in ledger.open:
        near = last[names.FAMILY] == forecast[names.FAMILY]
        for name in (names.PARAMS, names.TOKENS):
            near &= np.abs(np.log(last[name] / forecast[name])) < _SAME
        if not near.any():
            continue
        row = last[near].iloc[0]
        observed = np.array([float(row[names.LOSS])])
        draws = np.array([forecast["quantiles"]])
        z = (math.log(observed[0]) - forecast["log_mean"]) / forecast["log_sd"]
        entry = {
            "format": FORMAT,
            "kind": SCORE,
            "of": forecast["entry"],
            "made": _time(now),
            "data": runs.digest,
            "run": str(row[names.RUN]),
            "matches": int(near.sum()),
            # Rows the forecast was made from can hold the answer: the reader should know.
            "same_data": runs.digest == forecast["data"],
            "observed": float(observed[0]),
            "pit": float(rules.pit(draws, observed)[0]),
            "crps": float(rules.crps(draws, observed)[0]),
            "log_score": 0.5 * z**2 + math.log(forecast["log_sd"] * math.sqrt(2 * math.pi)),
            "z": z,
        }
        entries.append(entry | {"entry": _digest(entry)})
    _append(ledger.path, entries)
    return entries


def _digest(entry: dict[str, Any]) -> str:
    kept = {k: v for k, v in entry.items() if k != "entry"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _time(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _lines(path: Path) -> list[str]:
    try:
        text = read_document(path)
    except (OSError, RunsError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path.name} cannot be read ({reason}); expected a ledger. Start one with 'bayeslaw "
            "ledger add'."
        ) from None
    return [line for line in text.split("\n") if line.strip()]


def _append(path: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Add lines: all of them or none, after those that others add meanwhile."""
    text = "".join(json.dumps(e, sort_keys=True, allow_nan=False) + "\n" for e in entries)
    if not text:
        return
    with locked(path.resolve().parent):
        before = path.read_bytes() if path.exists() else b""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        # A long line can be cut short by a kill in the middle of it, so none is added in place.
        with whole(path) as part:
            part.write_bytes(before + text.encode())

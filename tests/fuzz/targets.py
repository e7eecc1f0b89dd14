"""What is fuzzed: each reader with bytes from outside, and what must hold of its answer.

A reader may refuse with an error of ours and with nothing else; what it accepts is checked.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import BayeslawError
from bayeslaw.model import Priors, Spec
from bayeslaw.model.priors import load_priors
from bayeslaw.runs import Runs, load_runs, load_trainer_state, load_wandb
from bayeslaw.runs.columns import MAX_LOSS
from bayeslaw.runs.query import matching
from tests.runs.malformed import GOOD, HEADER, table


class Broken(AssertionError):
    """A reader accepted something that it should have refused."""


@dataclass(frozen=True)
class Reader:
    """A reader under test, and inputs from which mutation starts."""

    read: Callable[[bytes], None]
    seeds: Callable[[], tuple[bytes, ...]]  # some are made by a fit of invented draws

    def __call__(self, data: bytes) -> bool:
        """Read; return whether the input was accepted."""
        try:
            self.read(data)
        except BayeslawError:
            return False
        return True


@cache
def folder() -> Path:
    """Return a folder for the files of this process."""
    made = tempfile.TemporaryDirectory(prefix="bayeslaw-fuzz-")
    _kept.append(made)
    return Path(made.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def written(name: str, data: bytes) -> Path:
    """Write a file and return its path."""
    path = folder() / name
    path.write_bytes(data)
    return path


def require_sound(runs: Runs) -> None:
    """Require that every number of an accepted table is finite, positive and in nats."""
    numbers = runs.table[["params", "tokens", "flops", "loss"]].to_numpy()
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        raise Broken(f"numbers {numbers.tolist()}")
    if runs.table["loss"].max() > MAX_LOSS or not np.isfinite(runs.table["loss_sd"]).all():
        raise Broken("a loss that is no loss in nats")
    for name in ("family", "lab", "run", "seed"):
        if any(not label or "\x1b" in label or "\n" in label for label in runs.table[name]):
            raise Broken(f"labels {runs.table[name].tolist()}")


def _table(name: str) -> Callable[[bytes], None]:
    return lambda data: require_sound(load_runs(written(name, data)))


def _trainer(data: bytes) -> None:
    path = written("trainer_state.json", data)
    require_sound(load_trainer_state(path, params=1e8, family="a", tokens_per_step=1e5))


def _wandb(data: bytes) -> None:
    path = written("wandb.csv", data)
    require_sound(load_wandb(path, params=1e8, family="a", tokens_per_step=1e5))


def _spec(data: bytes) -> None:
    spec = Spec.from_dict(_json(data))
    if Spec.from_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False))) != spec:
        raise Broken("a specification that its own JSON does not give back")


def _priors(data: bytes) -> None:
    priors = load_priors(written("priors.json", data))
    again = Priors.from_dict(json.loads(priors.text()))
    if again.to_dict() != priors.to_dict():
        raise Broken("priors that their own JSON does not give back")


def _target(data: bytes) -> None:
    import typer

    from bayeslaw.cli.targets import _from_flag

    try:
        target = _from_flag(data.decode("utf-8", "replace"), "run")
    except typer.BadParameter:
        return
    for value in (target.params, target.tokens, target.flops):
        if not (value is not None and 0 < value < math.inf):
            raise Broken(f"target {target}")


def _query(data: bytes) -> None:
    found = matching(_good().table, data.decode("utf-8", "replace"))
    if found.dtype != bool or len(found) != len(_good()):
        raise Broken("a condition that is no mask")


def _targets(data: bytes) -> None:
    from bayeslaw.cli.targets import _from_table

    for target in _from_table(written("targets.csv", data), "run"):
        if not 0 < target.params * target.tokens < math.inf:
            raise Broken(f"target {target}")


def _ledger(data: bytes) -> None:
    """Replace one value of a good line, hash it anew as a forger would, and use the ledger."""
    from bayeslaw.design.ledger import _digest, read_ledger, score_forecasts

    lines = []
    for line in data.split(b"\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            lines.append(line)
            continue
        if isinstance(entry, dict):
            entry["entry"] = _digest(entry)
        lines.append(json.dumps(entry).encode())
    path = written("ledger.jsonl", b"\n".join(lines))
    ledger = read_ledger(path)
    repr(ledger), ledger.open, ledger.table
    for score in score_forecasts(path, _good()):
        if not all(math.isfinite(score[k]) for k in ("pit", "crps", "log_score", "z")):
            raise Broken(f"score {score}")


def _header(data: bytes) -> None:
    """Put other facts at the head of a good fit file, as a hostile file would."""
    from bayeslaw.inference.store import from_datatree

    tree = _fit_tree().copy()
    tree.attrs = {"bayeslaw": data.decode("utf-8", "replace")}
    fit = from_datatree(tree, "fit.nc")
    if not (np.isfinite(fit.layout.log_loss).all() and fit.families):
        raise Broken("a fit without data")


def _netcdf(data: bytes) -> None:
    """Overwrite bytes of a good fit file: three say where, the next what."""
    from bayeslaw.inference import load_fit

    content = bytearray(_fit_file())
    for i in range(0, len(data) - 3, 4):
        content[int.from_bytes(data[i : i + 3], "big") % len(content)] = data[i + 3]
    load_fit(written("fit.nc", bytes(content)))


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


@cache
def _good() -> Runs:
    return load_runs(written("good.csv", table(good=4)))


@cache
def _fit() -> Any:
    from tests.scoring.synthetic import synthetic_fit

    return synthetic_fit(_good(), Spec())


@cache
def _fit_tree() -> Any:
    from bayeslaw.inference.store import to_datatree

    return to_datatree(_fit())


@cache
def _fit_file() -> bytes:
    path = folder() / "whole.nc"
    _fit().save(path)
    return path.read_bytes()


def _ledger_lines() -> bytes:
    from datetime import UTC, datetime

    from bayeslaw.design.ledger import add_forecasts
    from bayeslaw.prediction import Target, forecast

    path = folder() / "made.jsonl"
    path.unlink(missing_ok=True)
    made = forecast(_fit(), [Target(4e8, 8e9, "a")])
    add_forecasts(path, _fit(), made, now=datetime(2026, 1, 1, tzinfo=UTC))
    return path.read_bytes()


_STATE = {"log_history": [{"step": 10, "eval_loss": 3.2}, {"step": 20, "eval_loss": 3.0}]}
_JSONL = b"".join(
    json.dumps(dict(zip(HEADER.split(","), row.split(","), strict=True))).encode() + b"\n"
    for row in GOOD
)


@cache
def _parquet() -> bytes:
    path = folder() / "seed.parquet"
    _good().table.to_parquet(path)
    return path.read_bytes()


def _facts() -> bytes:
    return _fit_tree().attrs["bayeslaw"].encode()


def _spec_text() -> bytes:
    spec = Spec(pool={"E": "none"}, priors={"alpha": (0.2, 0.4)})
    return json.dumps(spec.to_dict()).encode()


_TEXT = (table(good=4), b"family;N;D;val_loss;seed\na;70M;1.4B;3.9;0\na;1B;20B;2.6;1\n")
_WANDB = b"Step,r - val/loss,r - val/loss__MIN\n10,3.2,3.1\n20,3.0,3\n"
_TARGETS = b"params,tokens,family\n70B,1.4T,a\n1e9,2e10,b\n"
_CONDITION = b"params > 70B and not (family in ('a', \"b\"))"

READERS: dict[str, Reader] = {
    "csv": Reader(_table("runs.csv"), lambda: _TEXT),
    "json lines": Reader(_table("runs.jsonl"), lambda: (_JSONL,)),
    "parquet": Reader(_table("runs.parquet"), lambda: (_parquet(),)),
    "trainer state": Reader(_trainer, lambda: (json.dumps(_STATE).encode(),)),
    "wandb": Reader(_wandb, lambda: (_WANDB,)),
    "specification": Reader(_spec, lambda: (_spec_text(),)),
    "priors": Reader(_priors, lambda: (load_priors().text().encode(),)),
    "target": Reader(_target, lambda: (b"params=70B, tokens=1.4T,flops=1e20",)),
    "targets": Reader(_targets, lambda: (_TARGETS,)),
    "condition": Reader(_query, lambda: (_CONDITION,)),
    "ledger": Reader(_ledger, lambda: (_ledger_lines(),)),
    "fit header": Reader(_header, lambda: (_facts(),)),
    "fit file": Reader(_netcdf, lambda: (b"\x00\x01\x02\x03" * 4, b"\x00\x10\x00\xff")),
}

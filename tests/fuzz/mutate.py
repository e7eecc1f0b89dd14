"""Mutation without a fuzzer's help: bytes cut, doubled and replaced, and values of JSON swapped."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

TOKENS = (
    b"", b"0", b"-1", b"1e999", b"nan", b"Infinity", b"1" * 400, b"true", b"null", b"[]", b"{}",
    b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"=1+1", b"=cmd|'x'!A0",
    b"../../x", b"\x1b[31m", b"70B", b"1.4T", b"params", b"tokens", b"loss", b"family", b"run",
    b"seed", b"\xe2\x80\xae", b"__class__", b"loss_unit", b"ppl", b"=", b"(", b"and", b" ",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2.5, 1e308, -0.0, float("nan"), float("inf"), 10**400, "", "x",
    "1", "=1+1", "\x1b[31m", "x" * 300, [], [1], [2, 1], ["1", "2"], [[1, 2]], [True, 2], {},
    {"a": 1},    {"interval": [1, 2]}, "generic", "chinchilla", "kaplan",
)  # fmt: skip


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the input after one to four changes."""
    for _ in range(int(rng.integers(1, 5))):
        data = _swapped(data, rng) if rng.random() < 0.5 else _cut(data, rng)
    return data


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    at, end = sorted(int(i) for i in rng.integers(0, len(data) + 1, 2))
    end = min(end, at + int(rng.integers(0, 16)))
    what = int(rng.integers(4))
    if what == 0:
        return data[:at] + data[end:]
    if what == 1:
        return data[:end] + data[at:end] * 3 + data[end:]
    if what == 2:
        return data[:at] + bytes(rng.integers(0, 256, 3, dtype=np.uint8)) + data[end:]
    return data[:at] + TOKENS[rng.integers(len(TOKENS))] + data[end:]


def _swapped(data: bytes, rng: np.random.Generator) -> bytes:
    """Replace, drop or add a value somewhere in a JSON document; others are cut instead."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return _cut(data, rng)
    node, key = tree, None
    while isinstance(node, dict | list) and node:
        parent, keys = node, list(node) if isinstance(node, dict) else range(len(node))
        key = keys[rng.integers(len(keys))]
        node = parent[key]
        if rng.random() < 0.3:
            break
    if key is None:
        return _cut(data, rng)
    if rng.random() < 0.15:
        del parent[key]
    else:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(tree).encode()

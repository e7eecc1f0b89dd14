"""The licences of what is installed with the package: a table, and those that do not fit ours.

    uv run python -m tests.supply.licences [--all]

Apache-2.0 software may depend on permissive licences and, unchanged, on MPL-2.0. Licences are
what the packages' own metadata says; one that says nothing does not fit.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "bayeslaw"
EXTRAS = ("plots", "report")
FITTING = (
    "MIT", "MIT-CMU", "HPND", "BSD", "Apache", "ISC", "PSF", "Python Software Foundation",
    "MPL-2.0", "Mozilla", "Unlicense", "0BSD", "CC0", "Zlib", "BSL-1.0",
    "LLVM-exception", "Public Domain",
)  # fmt: skip


def locked(*extras: str) -> list[str]:
    """Return the names of every package that an installation needs, ours left out."""
    seen: set[tuple[str, str]] = set()
    names: set[str] = set()
    todo = [(OURS, extra) for extra in ("", *extras)]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for need in _needs(name, extra):
            wanted = canonicalize_name(need.name)
            names.add(wanted)
            todo += [(wanted, more) for more in ("", *need.extras)]
    return sorted(names - {OURS})


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    for text in distribution(name).requires or ():
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            try:
                distribution(need.name)
            except PackageNotFoundError:
                continue  # of another platform
            yield need


def licence(name: str) -> str:
    """Return what a package says of its licence, on one line; empty if it says nothing."""
    found: Distribution = distribution(name)
    meta = found.metadata
    if expression := meta.get("License-Expression"):
        return expression
    classified = [
        value.rpartition("::")[2].strip()
        for value in meta.get_all("Classifier") or ()
        if value.startswith("License ::")
    ]
    named = [value for value in classified if value != "OSI Approved"]
    if named:
        return " OR ".join(named)
    return " ".join((meta.get("License") or "").split())[:60]


def unfit(text: str) -> bool:
    """Whether a licence is unknown, or no part of a choice that it leaves is permissive.

    Examples
    --------
    >>> unfit("BSD-3-Clause AND MIT"), unfit("GPL-3.0-only"), unfit(""), unfit("MIT OR GPL-2.0")
    (False, True, True, False)
    """
    choices = [re.split(r"\bAND\b", choice) for choice in re.split(r"\bOR\b", text)]
    return not any(all(any(ok in part for ok in FITTING) for part in parts) for parts in choices)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the licences; exit with 1 if one does not fit."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.supply.licences",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="the extras for plots and reports too")
    chosen = parser.parse_args(arguments)
    rows = {name: licence(name) for name in locked(*(EXTRAS if chosen.all else ()))}
    for name, text in rows.items():
        print(f"{name:24} {distribution(name).version:14} {text}")
    bad = [name for name, text in rows.items() if unfit(text)]
    print(f"{len(rows)} packages, {len(bad)} of an unknown or unfit licence: {', '.join(bad)}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

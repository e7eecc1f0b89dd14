"""The list of systems, and replicating one."""

from __future__ import annotations

import difflib
from importlib import import_module

from bayeslaw.errors import DataError, SpecError
from bayeslaw.replication.claim import AGREES, DIFFERS, NO_DATA, Finding, System

#: One module each, with a ``SYSTEM`` in it. To add a system, write its module and name it here.
NAMES = (
    "kaplan2020", "gpt3", "hoffmann2022", "besiroglu2024", "tay2022", "palm2", "muennighoff2023",
    "gadre2024", "clark2022", "porian2024", "choshen2024", "alabdulmohsin2022", "bnsl2022",
    "ruan2024", "sloth2024", "wei2022", "schaeffer2023", "hu2023", "du2024",
)  # fmt: skip


def get_system(name: str) -> System:
    """Look up a system by name.

    Raises
    ------
    SpecError
        If none has this name; the message suggests the nearest.

    Examples
    --------
    >>> get_system("gpt3").source
    'arXiv:2005.14165'
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise SpecError(f"unknown system '{name}'; {hint}Known: {', '.join(NAMES)}.")
    return import_module(f"bayeslaw.replication.{name}").SYSTEM


def replicate(name: str, seed: int = 0) -> Finding:
    """Compute one system's numbers here and compare them with the printed ones.

    Parameters
    ----------
    name : one of :data:`NAMES`.
    seed : seed of everything random.

    Returns
    -------
    Finding
        With the verdict ``"data not here"``, and how to get it, if the system's public table is
        neither shipped nor found; never an error for that.

    Raises
    ------
    SpecError
        If the system is unknown.
    """
    system = get_system(name)
    head = (system.name, system.title, system.source)
    try:
        claims = tuple(system.replicate(seed))
    except DataError as error:
        return Finding(*head, system.described, (), NO_DATA, str(error))
    differing = [c for c in claims if not c.agrees]
    reason = "; ".join(f"{c.what}: {c.note or 'not ' + c.rule}" for c in differing)
    return Finding(*head, system.described, claims, DIFFERS if differing else AGREES, reason)

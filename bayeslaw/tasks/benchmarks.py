"""What is known of common benchmarks: how many items they have, and what guessing scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.runs.problems import listed
from bayeslaw.runs.quantities import shown


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: its number of items, and the share that guessing passes."""

    name: str
    items: float
    floor: float


#: Items of the test sets as the evaluation harnesses count them.
KNOWN = {
    b.name: b
    for b in (
        Benchmark("MMLU", 14_042, 0.25),
        Benchmark("ARC", 1_172, 0.2),
        Benchmark("ARC-C", 1_172, 0.2),
        Benchmark("HellaSwag", 10_042, 0.25),
        Benchmark("Winogrande", 1_267, 0.5),
        Benchmark("Winograd", 1_267, 0.5),
        Benchmark("TruthfulQA", 817, 0.0),
        Benchmark("GSM8K", 1_319, 0.0),
        Benchmark("XWinograd", 2_325, 0.5),
        Benchmark("HumanEval", 164, 0.0),
        Benchmark("IFEval", 541, 0.0),
        Benchmark("BBH", 5_761, 0.25),
        Benchmark("MATH Lvl 5", 1_324, 0.0),
        Benchmark("GPQA", 1_192, 0.23),
        Benchmark("MUSR", 756, 0.33),
        Benchmark("MMLU-PRO", 12_032, 0.1),
    )
}


def describe(
    names: Iterable[str], items: Mapping[str, float] | None, floors: Mapping[str, float] | None
) -> tuple[Benchmark, ...]:
    """Return the benchmarks by name, with what was given before what is known.

    Raises
    ------
    RunsError
        If the number of items of one is neither known nor given, a number is out of range, or
        one was given for a benchmark that is not there.

    Examples
    --------
    >>> describe(["MMLU", "ours"], {"ours": 500}, {"ours": 0.25})[1]
    Benchmark(name='ours', items=500.0, floor=0.25)
    """
    names = list(names)
    items, floors = dict(items or {}), dict(floors or {})
    strange = [name for name in (*items, *floors) if name not in names]
    if strange:
        raise RunsError(
            f"items or floors were given for {listed(strange)}, which the table lacks; expected "
            f"some of {listed(names)}"
        )
    missing = [name for name in names if name not in items and name not in KNOWN]
    if missing:
        raise RunsError(
            f"the number of items of {listed(missing)} is unknown; a score of 20 questions is not "
            f"to be trusted like one of 10,000; give it, such as --items {missing[0]}=1000"
        )
    out = []
    for name in names:
        known = KNOWN.get(name, Benchmark(name, np.nan, 0.0))
        n, floor = float(items.get(name, known.items)), float(floors.get(name, known.floor))
        if not (np.isfinite(n) and n >= 1):
            raise RunsError(f"{shown(name)} has {n:g} items; expected a whole number from 1")
        if not 0 <= floor < 1:
            raise RunsError(f"the floor of {shown(name)} is {floor:g}; expected 0 to below 1")
        out.append(Benchmark(name, n, floor))
    return tuple(out)

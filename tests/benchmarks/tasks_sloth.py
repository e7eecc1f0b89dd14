"""Item 2: larger models of a new family from its smallest one or two (arXiv:2412.06540).

All other families, and the one or two smallest models of the tested one, train; its larger models
are forecast. The lists of tested families are not in the public files: they were recovered from the
printed errors of the deterministic baseline (PCA and FLOP), which they reproduce to three digits
in five settings; the sixth follows the same rule.
"""

from __future__ import annotations

import numpy as np

from bayeslaw.replication.sloth2024 import SETTINGS, baseline, forecast_of, read
from bayeslaw.tasks.skills import SKILLS
from tests.benchmarks.report import Section, at_least, at_most, shown

TITLE = "larger models of a new family (sloth)"


def run(quick: bool, cores: int) -> Section:
    """Measure every setting."""
    rows, notes, met = [], [], 0
    for name, (benchmarks, seen, families, record) in SETTINGS.items():
        table, rank = read(benchmarks, seen)
        errors, plain, models = [], [], 0
        inside: dict[int, list[np.ndarray]] = {50: [], 80: [], 90: [], 95: []}
        widths = []
        for tested in families[:3] if quick else families:
            test = np.isin(table.family.astype(str), tested) & (rank >= seen)
            made, order, truth = forecast_of(table, test, 4 if quick else 8)
            errors.append(float(np.abs(made.median[order] - truth).mean()))
            plain.append(float(baseline(table, test, seen).mean()))
            for level, found in inside.items():
                low, high = made.interval(level / 100)[order].T
                found.append((truth >= low) & (truth <= high))
            widths.append(np.ptp(made.interval(0.9)[order], axis=1))
            models += int(test.sum())
        error = 100 * float(np.mean(errors))
        met += error <= record
        rows.append(at_most(f"{name}: MAE ({len(errors)} families, {models} models)", error, record,
                            "points"))  # fmt: skip
        held = ", ".join(
            f"{level}: {np.concatenate(found).mean():.2f}" for level, found in inside.items()
        )
        notes.append(f"{name}: coverage {held}; mean 90 % width "
                     f"{100 * np.concatenate(widths).mean():.1f} points; PCA(2) + FLOP "
                     f"{100 * np.mean(plain):.2f} on the same families")  # fmt: skip
    rows.insert(0, at_least("settings at or below the best published", float(met), 4))
    rows.append(shown("skills, fixed beforehand", SKILLS))
    return Section(2, TITLE, tuple(rows), tuple(notes))

"""Reference posteriors made and stored: a long run of NUTS on the PyMC graph for each case.

    uv run python -m tests.posteriors.make [CASE ...]

Ten chains, thinned to 1,000 draws each. A run whose diagnostics fail is not stored.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bayeslaw.inference import fit
from tests.posteriors.cases import CASES
from tests.posteriors.database import CHAINS, DRAWS, Reference, write
from tests.posteriors.diagnostics import diagnose, faults
from tests.posteriors.quantities import quantities

THIN, TUNE, ACCEPT, SEED = 5, 2000, 0.98, 2026


def reference(name: str, thin: int = THIN) -> Reference:
    """Sample one case for long and keep every so many draws."""
    case = CASES[name]
    settings: dict[str, Any] = {
        "engine": "pymc", "chains": CHAINS, "draws": DRAWS * thin, "tune": TUNE,
        "target_accept": ACCEPT, "seed": SEED, "retry": False,
    }  # fmt: skip
    fitted = fit(case.runs, case.spec, **settings)
    draws = {label: v[:, ::thin] for label, v in quantities(fitted).items()}
    divergences = int(np.asarray(fitted.sample_stats["diverging"]).sum())
    return Reference(name, draws, diagnose(draws, divergences), settings, fitted.versions)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the chosen cases; say what was wrong with those that were not stored."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.posteriors.make",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], metavar="CASE")
    parser.add_argument("--thin", type=int, default=THIN, help=f"keep every so many draws ({THIN})")
    chosen = parser.parse_args(arguments)
    refused = False
    for name in chosen.cases or CASES:
        start = time.perf_counter()
        made = reference(name, chosen.thin)
        wrong = faults(made.diagnostics)
        if not wrong:
            write(made)
        refused |= bool(wrong)
        verdict = "; ".join(wrong) or "stored"
        print(f"{name}: {time.perf_counter() - start:.0f} s, {verdict}", flush=True)
    if refused:
        sys.exit(1)


if __name__ == "__main__":
    main()

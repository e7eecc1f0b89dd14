"""The benchmark of decisions: plans, choices and allocations, missed targets included.

    uv run python -m tests.benchmarks.decisions [--only 1,2] [--quick] [--json PATH]

Public ladders are read from the folder in BAYESLAW_DATA_DIR. No setting was tuned on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.by_item import run_items
from tests.benchmarks.decisions_sizes import FULL, QUICK

ITEMS = {
    1: "exact",
    2: "nested",
    3: "speed",
    4: "grid",
    5: "choices",
    6: "pools",
    7: "published",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    run_items("decisions", __doc__, ITEMS, arguments, (FULL, QUICK))


if __name__ == "__main__":
    main()

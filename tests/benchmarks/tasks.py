"""The benchmark of tasks: skills, rare successes, mirages and two steps, missed targets included.

    uv run python -m tests.benchmarks.tasks [--only 1,2] [--quick] [--json PATH]

Public tables are read from the folder in BAYESLAW_DATA_DIR. No setting was tuned on test sets.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.by_item import run_items

ITEMS = {1: "ruan", 2: "sloth", 3: "passes", 4: "mirage", 5: "pythia"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    run_items("tasks", __doc__, ITEMS, arguments, (False, True))


if __name__ == "__main__":
    main()

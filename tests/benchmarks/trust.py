"""The benchmark of trust: peers, reference posteriors, cost and memory, misses included.

    uv run --group peers python -m tests.benchmarks.trust [--only 1,2] [--quick] [--json PATH]

The peers are packages of others, installed by the group of that name.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.by_item import run_items
from tests.benchmarks.trust_sizes import FULL, QUICK

ITEMS = {1: "peers", 2: "references", 3: "cost", 4: "rows"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen items in order and report after each."""
    run_items("trust", __doc__, ITEMS, arguments, (FULL, QUICK))


if __name__ == "__main__":
    main()

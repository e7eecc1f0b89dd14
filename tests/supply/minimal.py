"""The main job without any extra: what the core does not need cannot be imported here.

Run by a test in a process of its own: python -m tests.supply.minimal
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, packages_distributions
from types import ModuleType

from packaging.utils import canonicalize_name

from tests.supply.licences import OURS, locked


class Absent(importlib.abc.MetaPathFinder):
    """Stand before the other finders and find nothing of packages outside the core."""

    def __init__(self) -> None:
        self.others = list(sys.meta_path)
        core = {OURS, *locked()}
        self.names = {
            module
            for module, homes in packages_distributions().items()
            if core.isdisjoint(map(canonicalize_name, homes)) and module != "tests"
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the core; to ask whether another is there is no error."""
        if fullname.partition(".")[0] in self.names:
            return None
        found = (finder.find_spec(fullname, path, target) for finder in self.others)
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, *context: object) -> Iterator[Distribution]:
        """Find what the other finders know of installed packages: libraries ask for versions."""
        for finder in self.others:
            if hasattr(finder, "find_distributions"):
                yield from finder.find_distributions(*context)


def main() -> None:
    """Import, load, fit, forecast; then ask for a report, which needs an extra."""
    absent = Absent()
    loaded = [name for name in sys.modules if name.partition(".")[0] in absent.names]
    for name in loaded:
        del sys.modules[name]
    sys.meta_path[:] = [absent]

    import bayeslaw as bl
    from bayeslaw.errors import BayeslawError

    runs = bl.load_dataset("published").where("family == 'Pythia (Pile test)'")
    fitted = bl.fit(runs, engine="quadrature", draws=100, chains=2, cores=1, retry=False, seed=0)
    made = bl.forecast(fitted, params="70B", tokens="1.4T")
    low, high = made.interval(0.9)
    assert 0.5 < low < high < 3.0, (low, high)
    try:
        bl.report(fitted, made, path="never-written.html")
    except BayeslawError as error:
        print(f"refused: {error}")
    print(f"absent: {' '.join(sorted(absent.names))}")


if __name__ == "__main__":
    main()

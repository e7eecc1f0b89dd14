"""The main job without any extra: what the core does not need cannot be imported here.

Run by a test in a process of its own: python -m tests.supply.minimal
"""

from __future__ import annotations

import importlib.abc
import sys
from importlib.metadata import packages_distributions

from packaging.utils import canonicalize_name

from tests.supply.licences import OURS, locked


class Absent(importlib.abc.MetaPathFinder):
    """Let packages outside the core seem not to be installed."""

    def __init__(self) -> None:
        core = {OURS, *locked()}
        self.names = {
            module
            for module, homes in packages_distributions().items()
            if core.isdisjoint(map(canonicalize_name, homes)) and module != "tests"
        }

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Refuse a module of such a package, and leave all else to the other finders."""
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def main() -> None:
    """Import, load, fit, forecast; then ask for a report, which needs an extra."""
    absent = Absent()
    loaded = [name for name in sys.modules if name.partition(".")[0] in absent.names]
    for name in loaded:
        del sys.modules[name]
    sys.meta_path.insert(0, absent)

    import bayeslaw as bl

    runs = bl.load_dataset("published").where("family == 'Pythia (Pile test)'")
    fitted = bl.fit(runs, engine="quadrature", draws=100, chains=2, cores=1, retry=False, seed=0)
    made = bl.forecast(fitted, params="70B", tokens="1.4T")
    low, high = made.interval(0.9)[0]
    assert 0.5 < low < high < 3.0, (low, high)
    try:
        bl.report(fitted, made, path="never-written.html")
    except ImportError as error:
        print(f"refused: {error}")
    print(f"absent: {' '.join(sorted(absent.names))}")


if __name__ == "__main__":
    main()

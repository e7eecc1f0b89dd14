"""What every test may use, and what no test may leave behind."""

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

DATA_DIR = "BAYESLAW_DATA_DIR"
SLOW = Path(__file__).parent / "slow"

# Few examples, always the same, unless HYPOTHESIS_PROFILE=full asks for many.
settings.register_profile(
    "ci", max_examples=30, derandomize=True, deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("full", settings.get_profile("ci"), max_examples=500, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker("slow" if item.path.is_relative_to(SLOW) else "fast")
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_080)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public tables that are too large or not ours to ship."""
    folder = os.environ.get(DATA_DIR)
    if folder and Path(folder).is_dir():
        return Path(folder)
    found = f"is {folder!r}, not a folder" if folder else "is not set"
    if os.environ.get("BAYESLAW_REQUIRE_DATA") == "1":
        pytest.fail(f"{DATA_DIR} {found}, and BAYESLAW_REQUIRE_DATA=1 forbids to skip")
    pytest.skip(f"{DATA_DIR} {found}")


def _random_state() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (kind, np.asarray(keys).tobytes(), *rest)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}


def _foreign_modules() -> set[str]:
    return {name for name in sys.modules if not name.startswith(("bayeslaw", "tests"))}


@pytest.fixture(autouse=True)
def leaves_no_trace() -> Iterator[None]:
    """Fail the test that changes numpy's global state, the environment or the warning filters."""
    loaded = _foreign_modules()
    before = _random_state(), _environment(), list(warnings.filters)
    yield
    after = _random_state(), _environment(), list(warnings.filters)
    names = ["numpy's global random state", "os.environ", "warnings.filters"]
    if _foreign_modules() - loaded:
        # Libraries set variables and filters when first imported; that is not the test's doing.
        names = names[:1]
    changed = [n for n, old, new in zip(names, before, after, strict=False) if old != new]
    if changed:
        pytest.fail(f"the test changed {' and '.join(changed)}; seed, monkeypatch or catch instead")


@pytest.fixture(scope="session")
def small_fit():
    """Three families of one lab, five sizes each, fitted once for all tests that need a fit."""
    from bayeslaw.inference import fit
    from bayeslaw.model import Spec
    from bayeslaw.simulation import simulate

    truth = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}
    sizes = np.tile(np.repeat([3e7, 1e8, 3e8, 1e9], 2), 3)
    ratio = np.tile([10.0, 60.0], 12)
    families = np.repeat(["one", "two", "three"], 8)
    runs = simulate(
        "chinchilla", truth, params=sizes, tokens=ratio * sizes, family=families, seed=4
    )
    return fit(runs, Spec(labs=False), seed=5)

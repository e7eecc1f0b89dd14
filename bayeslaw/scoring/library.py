"""The library scoringrules, without the compiled kernels that it makes at every import.

They take some eight seconds of each process, and what is asked of it here is done by numpy.
"""

import importlib
import sys
from types import ModuleType
from typing import Any, cast


def _imported() -> ModuleType:
    """Import it as it is where numba is not installed, unless somebody has imported it before."""
    if "scoringrules" in sys.modules:
        return sys.modules["scoringrules"]
    modules = cast(dict[str, Any], sys.modules)
    missing = object()
    numba = modules.get("numba", missing)
    modules["numba"] = None  # so that importing it raises ImportError
    try:
        return importlib.import_module("scoringrules")
    finally:
        if numba is missing:
            del modules["numba"]
        else:
            modules["numba"] = numba


scoringrules: Any = _imported()

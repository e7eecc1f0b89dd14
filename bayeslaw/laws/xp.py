"""The six array functions a formula may use, and their numpy backing (which serves xarray)."""

from types import SimpleNamespace

import numpy as np

FUNCTIONS = ("exp", "log", "sqrt", "tanh", "minimum", "maximum")

NUMPY = SimpleNamespace(**{name: getattr(np, name) for name in FUNCTIONS})

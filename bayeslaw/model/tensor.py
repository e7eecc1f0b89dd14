"""PyTensor as the graph modules use it, and as the namespace of a law's formula."""

from types import SimpleNamespace
from typing import Any

import pytensor.tensor

from bayeslaw.laws.xp import FUNCTIONS

# Its annotations say that elementwise functions return None, so checkers must not read them.
pt: Any = pytensor.tensor

PYTENSOR = SimpleNamespace(**{name: getattr(pt, name) for name in FUNCTIONS})

"""Published systems beside ours: claim, printed number, ours with its interval, verdict."""

from bayeslaw.replication.claim import AGREES, DIFFERS, NO_DATA, Claim, Finding, System
from bayeslaw.replication.systems import NAMES, get_system, replicate

__all__ = [
    "AGREES",
    "DIFFERS",
    "NAMES",
    "NO_DATA",
    "Claim",
    "Finding",
    "System",
    "get_system",
    "replicate",
]

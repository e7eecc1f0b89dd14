"""Tasks for a pool, in a module that a worker loads at once."""

import os
import signal
from pathlib import Path


def marked(folder: str, number: float) -> float:
    """Leave a file for each time a number was asked for."""
    Path(folder, f"{number} {len(os.listdir(folder))}").touch()
    return 2.0 * number


def dies(folder: str, number: int, times: int) -> int:
    """Kill the process that works on number 3, so many times."""
    died = Path(folder, "died")
    if number == 3 and (len(died.read_text()) if died.exists() else 0) < times:
        with died.open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return number

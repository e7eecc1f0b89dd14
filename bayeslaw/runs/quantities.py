"""Numbers as people write them: 70B, 1.4T, 7e10."""

import math
import re

from bayeslaw.errors import RunsError, TargetError
from bayeslaw.names import FAMILY

SUFFIXES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

_NUMBER = re.compile(
    r"(?P<digits>[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?) ?(?P<suffix>[KMBTkmbt]?)",
    re.ASCII,
)
_MAX_LENGTH = 40


def shown(value: object) -> str:
    r"""Quote an untrusted value for a message: escaped to ASCII and cut to a readable length.

    Examples
    --------
    >>> shown("70 GB")
    "'70 GB'"
    >>> print(shown("red\\x1b[31m"))
    'red\\x1b[31m'
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    text = ascii(value if isinstance(value, (str, int, bool, complex)) else str(value))
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 4]}...'"


def quantity(value: float) -> str:
    """Write a count as people do.

    Examples
    --------
    >>> quantity(7e10), quantity(1.4e12), quantity(18_915_328), quantity(2e17), quantity(512)
    ('70B', '1.4T', '18.9M', '2e+17', '512')
    """
    for suffix, unit in reversed(SUFFIXES.items()):
        if unit <= value < 999.5 * unit:
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.3g}"


def read_number(text: str) -> float:
    """Read a number with an optional K, M, B or T suffix; any sign, any finite size.

    Parameters
    ----------
    text
        What a person wrote, such as ``"-3"``, ``"6.7e9"`` or ``"70B"``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        With the reason and the remedy, but not the text itself.

    Examples
    --------
    >>> read_number("1_000")
    1000.0
    """
    text = text.strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(_why_not(text))
    # The exponent is joined to the digits so that 6.7B is exactly float("6.7e9").
    digits, suffix = match["digits"].replace("_", ""), match["suffix"].upper()
    if "e" in digits.lower():
        value = float(digits) * SUFFIXES[suffix]
    else:
        value = float(f"{digits}e{round(math.log10(SUFFIXES[suffix]))}")
    if not math.isfinite(value):
        raise ValueError("is too large for a number; check the exponent")
    return value


def _why_not(text: str) -> str:
    """Say what is wrong with a text that is no number, and what to write instead."""
    if not text:
        return "is empty; give a number such as 7e10 or 70B"
    if text.lower().lstrip("+-") in {"inf", "infinity", "nan"}:
        return "is not a finite number; give a number such as 7e10 or 70B"
    if "," in text:
        return "has a comma; write a decimal point (12.5) and no thousands separators (12500)"
    if "%" in text:
        return "is a percentage; write the plain number"
    if re.search(r"[$\u20ac\u00a3\u00a5]", text):
        return "is an amount of money; write the plain number"
    if re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*", text):
        return "looks like a date; write a plain number"
    if re.fullmatch(r"[\d.]+ ?[A-WYZa-wyz]+", text):
        return "has an unknown unit; the suffixes are K, M, B and T (70B is 7e10)"
    return "is not a number; write one such as 7e10 or 70B"


def parse_quantity(text: str | float) -> float:
    """Read a positive count such as ``70B``, ``1.4T``, ``7e10`` or ``6_700_000_000``.

    Parameters
    ----------
    text
        The quantity; K, M, B and T (either case) stand for 1e3, 1e6, 1e9 and 1e12. A number
        is checked and returned.

    Returns
    -------
    float
        The count, finite and above zero.

    Raises
    ------
    RunsError
        When the text is not a positive number; the message quotes it.

    Examples
    --------
    >>> parse_quantity("70B"), parse_quantity("1.4t"), parse_quantity(7e10)
    (70000000000.0, 1400000000000.0, 70000000000.0)
    >>> parse_quantity("ten")
    Traceback (most recent call last):
    bayeslaw.errors.RunsError: 'ten' is not a number; write one such as 7e10 or 70B
    """
    if isinstance(text, bool):
        raise RunsError(f"{text} is not a quantity; give a number such as 7e10 or 70B")
    try:
        value = read_number(text) if isinstance(text, str) else float(text)
    except (ValueError, TypeError, OverflowError) as error:
        reason = error if isinstance(text, str) else "is not a number; give one such as 7e10 or 70B"
        raise RunsError(f"{shown(text)} {reason}") from None
    if not (math.isfinite(value) and value > 0):
        raise RunsError(f"{shown(text)} is not a positive finite number; give one such as 70B")
    return value


def parse_target(text: str) -> dict[str, float]:
    """Read ``params=70e9,tokens=1.4e12``: names and positive quantities.

    Parameters
    ----------
    text
        Pairs ``name=quantity`` joined by commas.

    Returns
    -------
    dict of str to float
        Quantities by name, in the order given.

    Raises
    ------
    TargetError
        When a pair is incomplete, repeated or not a quantity.

    Examples
    --------
    >>> parse_target("params=70B, tokens=1.4T")
    {'params': 70000000000.0, 'tokens': 1400000000000.0}
    """
    target: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, quantity = (part.strip() for part in pair.partition("="))
        if not (name.isidentifier() and equals and quantity):
            raise TargetError(
                f"target {shown(text)} has the part {shown(pair)}; "
                "expected name=quantity pairs such as params=70e9,tokens=1.4e12"
            )
        if name == FAMILY:
            raise TargetError(f"target {shown(text)} names a family; give the family separately")
        if name in target:
            raise TargetError(f"target {shown(text)} gives {name!r} twice; give it once")
        try:
            target[name] = parse_quantity(quantity)
        except RunsError as error:
            raise TargetError(f"target {shown(text)}: {name} = {error}") from None
    return target

"""A report as Markdown: text and tables, and pictures in files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from bayeslaw.reporting.sections import Block, Chart, Picture, Section
from bayeslaw.reporting.tables import Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&@])")
_NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def document(
    asked: Sequence[str],
    answered: Sequence[str],
    warned: Sequence[str],
    told: Sequence[Section],
    stem: str,
) -> tuple[str, dict[str, str]]:
    """Return the text of a report, and its pictures by file name.

    Parameters
    ----------
    asked, answered : questions and answers, the first answer being the headline.
    warned : what to know before anything else.
    told : the sections.
    stem : how the names of the pictures begin.
    """
    pictures: dict[str, str] = {}
    parts = [f"# {plain(answered[0])}", plain(" ".join(asked))]
    parts += [f"**{plain(text)}**" for text in answered[1:]]
    parts += [f"> {plain(text)}" for text in warned]
    for section in told:
        parts.append(f"## {plain(section.title)}")
        parts += [_block(block, stem, pictures) for block in section.blocks]
    return "\n\n".join(parts) + "\n", pictures


def plain(text: str) -> str:
    r"""Return text on one line that no reader of Markdown takes for markup.

    Examples
    --------
    >>> print(plain("a|<b>*c* www.x.org"))
    a\|\<b\>\*c\* www\.x.org
    >>> plain("1.5 to 2"), plain("1. one"), plain("--- a")
    ('1.5 to 2', '1\\. one', '\\--- a')
    """
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    # Neither addresses nor names of people become links; nothing at the start becomes a list.
    line = re.sub(r"(?i)\b(www)\.", r"\1\\.", line.replace("://", r"\://"))
    return re.sub(r"^(\d*)([.)+=-])(?=\s|$|[=-])", r"\1\\\2", line)


def _block(block: Block, stem: str, pictures: dict[str, str]) -> str:
    value = block.value
    match block.kind:
        case "text":
            return plain(value)
        case "list":
            return "\n".join(f"- {plain(item)}" for item in value)
        case "table":
            return _table(value)
        case "chart" | "picture":
            return _picture(value, stem, pictures)
        case _:
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", value))])
            return f"{fence}\n{value}\n{fence}"


def _table(table: Table) -> str:
    head, *rows = [[plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    rule = ["---", *("---:" for _ in head[1:])]
    text = "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
    return f"{text}\n\nand {table.more} more rows." if table.more else text


def _picture(value: Chart | Picture, stem: str, pictures: dict[str, str]) -> str:
    picture = value.still if isinstance(value, Chart) else value
    name = f"{stem}-{len(pictures) + 1}.svg"
    pictures[name] = picture.svg.replace("<svg ", f"<svg {_NAMESPACES} ", 1) + "\n"
    return f"![{plain(picture.title)}]({quote(name)})"

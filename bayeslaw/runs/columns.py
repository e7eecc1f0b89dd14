"""What each column of a runs table means, is called and must satisfy."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from bayeslaw.names import (
    FAMILY,
    FINAL,
    FLOPS,
    LAB,
    LAW_INPUTS as LAW_INPUTS,  # rows that differ in one of them are different experiments
    LOSS,
    LOSS_SD,
    PARAMS,
    RUN,
    SEED,
    TOKENS,
)  # fmt: skip

if TYPE_CHECKING:
    import pandera.pandas as pa

MIN_PARAMS = 1e3  #: fewer parameters than this were written in millions or billions
MAX_PARAMS = 1e16
MAX_TOKENS = 1e19
MAX_FLOPS = 1e36
MAX_LOSS = 15.0  #: nats per token; a uniform guess over 3 million tokens
MAX_LABEL = 200  #: characters


@dataclass(frozen=True)
class Rule:
    """Something every value of a column satisfies, and what to do when one does not."""

    holds: Callable[[pd.Series], pd.Series]
    expected: str
    remedy: str


@dataclass(frozen=True)
class Column:
    """One canonical column: its kind, the names it goes by, and its rules."""

    name: str
    kind: Literal["label", "quantity", "number", "flag"]
    aliases: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    required: bool = False

    @property
    def dtype(self) -> str:
        """Type of the column in a complete table."""
        return {"label": "str", "flag": "bool"}.get(self.kind, "float64")


def _printable(labels: pd.Series) -> pd.Series:
    # Unique labels only: a long table repeats a few of them.
    verdict = {
        label: not any(
            unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "LRI", "RLI", "FSI"}
            for c in label
        )
        for label in labels.unique()
    }
    return labels.map(verdict).astype(bool)


NAMED = Rule(lambda s: s.str.strip() != "", "some text", "name the group on every row")
LABEL = (
    Rule(
        lambda s: s.str.len() <= MAX_LABEL,
        f"at most {MAX_LABEL} characters",
        "shorten the label",
    ),
    Rule(
        _printable,
        "printable text",
        "remove control characters and line breaks from the label",
    ),
)
FILLED = Rule(lambda s: s.notna(), "a value on every row", "fill it in or drop the row")
FINITE = Rule(np.isfinite, "a finite number", "correct or drop the row")
POSITIVE = Rule(lambda s: s > 0, "a value above 0", "correct or drop the row")
BILLIONS = Rule(
    lambda s: s >= MIN_PARAMS,
    f"at least {MIN_PARAMS:.0f} parameters",
    "looks like billions; write 7B or 7e9 instead of 7",
)
PERPLEXITY = Rule(
    lambda s: s <= MAX_LOSS,
    f"at most {MAX_LOSS:g} nats per token",
    'looks like perplexity; pass --loss-unit ppl (loss_unit="ppl")',
)


def _below(limit: float, what: str) -> Rule:
    return Rule(
        lambda s: s <= limit, f"at most {limit:.0e} {what}", "check the unit and the exponent"
    )


COLUMNS: tuple[Column, ...] = (
    Column(
        FAMILY,
        "label",
        ("model_family", "group", "family_name"),
        (NAMED, *LABEL),
        required=True,
    ),
    Column(LAB, "label", ("organization", "organisation", "developer"), LABEL),
    Column(RUN, "label", ("run_id", "run_name"), LABEL),
    Column(SEED, "label", ("random_seed", "replicate"), LABEL),
    Column(
        PARAMS,
        "quantity",
        ("n", "n_params", "num_params", "nparams", "parameters", "n_parameters",
         "num_parameters", "param_count", "model_size"),
        (FINITE, POSITIVE, BILLIONS, _below(MAX_PARAMS, "parameters")),
        required=True,
    ),
    Column(
        TOKENS,
        "quantity",
        ("d", "n_tokens", "num_tokens", "ntokens", "tokens_seen", "train_tokens",
         "training_tokens", "token_count"),
        (FINITE, POSITIVE, _below(MAX_TOKENS, "tokens")),
        required=True,
    ),
    Column(
        FLOPS,
        "quantity",
        ("c", "compute", "flop", "train_flops", "training_flops", "total_flops"),
        (FINITE, POSITIVE, _below(MAX_FLOPS, "FLOP")),
    ),
    Column(
        LOSS,
        "number",
        ("val_loss", "eval_loss", "valid_loss", "validation_loss", "test_loss", "final_loss",
         "cross_entropy", "val/loss", "eval/loss"),
        (FINITE, POSITIVE, PERPLEXITY),
        required=True,
    ),
    Column(
        LOSS_SD,
        "number",
        ("loss_std", "loss_se", "loss_stderr"),
        (FINITE, Rule(lambda s: s >= 0, "0 or more", "give a standard deviation, 0 if unknown")),
    ),
    Column(FINAL, "flag", ("is_final",)),
)  # fmt: skip

CANONICAL: dict[str, Column] = {column.name: column for column in COLUMNS}
REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.required)
ALIASES: dict[str, str] = {
    alias: column.name for column in COLUMNS for alias in (column.name, *column.aliases)
}


def canonical_name(found: str) -> str | None:
    """Name the canonical column a header stands for, or None.

    Examples
    --------
    >>> canonical_name("Val_Loss"), canonical_name("N"), canonical_name("width")
    ('loss', 'params', None)
    """
    return ALIASES.get(found.strip().lower().replace(" ", "_").replace("-", "_"))


@cache
def schema(names: tuple[str, ...]) -> "pa.DataFrameSchema":
    """Build the pandera schema of some canonical columns from the declarations above."""
    import pandera.pandas as pa  # a third of a second, and only validation needs it

    return pa.DataFrameSchema(
        {
            name: pa.Column(
                CANONICAL[name].dtype,
                [pa.Check(rule.holds, error=rule.expected) for rule in CANONICAL[name].rules],
                nullable=not CANONICAL[name].required,
            )
            for name in names
        }
    )


def require_rules(table: pd.DataFrame) -> None:
    """Require that every canonical column of a complete table keeps its rules.

    Raises
    ------
    ValueError
        If one does not.
    """
    import pandera.errors

    try:
        schema(tuple(CANONICAL)).validate(table)
    except pandera.errors.SchemaError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None

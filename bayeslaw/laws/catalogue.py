"""The catalogue: every declared law by name, and its table."""

from __future__ import annotations

import difflib

from bayeslaw.errors import SpecError
from bayeslaw.laws.bnsl import bnsl1, bnsl2, bnsl3
from bayeslaw.laws.brown import gpt3
from bayeslaw.laws.clark import clark
from bayeslaw.laws.coupled import coupled
from bayeslaw.laws.critical_batch import kaplan_batch
from bayeslaw.laws.curves import m1, m2
from bayeslaw.laws.curves_m3 import m3
from bayeslaw.laws.curves_m4 import m4
from bayeslaw.laws.gadre import gadre, gadre_error
from bayeslaw.laws.hyperparameters import batch_size, learning_rate
from bayeslaw.laws.joint import chinchilla, kaplan
from bayeslaw.laws.kaplan import kaplan_compute, kaplan_compute_min, kaplan_params, kaplan_tokens
from bayeslaw.laws.kaplan_steps import kaplan_steps
from bayeslaw.laws.law import Law
from bayeslaw.laws.muennighoff import muennighoff
from bayeslaw.laws.power import power_flops, power_params, power_tokens
from bayeslaw.laws.tay import tay

#: To register a law, import it above and name it here.
LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        chinchilla, kaplan, coupled, gadre, muennighoff, clark,
        power_params, power_tokens, power_flops,
        kaplan_params, kaplan_tokens, kaplan_compute, kaplan_compute_min, gpt3, tay,
        kaplan_steps, kaplan_batch, learning_rate, batch_size, gadre_error,
        m1, m2, m3, m4, bnsl1, bnsl2, bnsl3,
    )
}  # fmt: skip


def get_law(name: str | Law) -> Law:
    """Look up a law by name.

    Parameters
    ----------
    name : a name in the catalogue; a :class:`Law` is returned as it is.

    Returns
    -------
    Law

    Raises
    ------
    SpecError
        If no law has this name; the message suggests the nearest.

    Examples
    --------
    >>> get_law("chinchilla").reference
    'arXiv:2203.15556'
    """
    if isinstance(name, Law):
        return name
    if name in LAWS:
        return LAWS[name]
    near = difflib.get_close_matches(str(name), LAWS, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise SpecError(f"unknown law '{name}'; {hint}Known: {', '.join(sorted(LAWS))}.")


def catalogue() -> list[dict[str, str]]:
    """Return one row per law: name, title, formula, parameters with priors, reference."""
    from bayeslaw.laws.latex import formula_text

    return [
        {
            "name": law.name,
            "title": law.title,
            "formula": formula_text(law),
            "inputs": ", ".join(law.input_names),
            "parameters": ", ".join(
                f"{p.name} ({p.low:g}-{p.high:g}{' of anchor loss' if p.in_loss_units else ''})"
                for p in law.parameters
            ),
            "linear": ", ".join(law.linear) or "none",
            "reference": law.reference,
        }
        for law in LAWS.values()
    ]

"""Scaling laws, each declared once: formula, parameters, priors, units, reference."""

from bayeslaw.laws.catalogue import LAWS, catalogue, get_law
from bayeslaw.laws.law import Input, Law, Parameter, law

__all__ = ["LAWS", "Input", "Law", "Parameter", "catalogue", "get_law", "law"]

"""Quadrature: families one by one on adaptive lattices, meeting only in the population."""

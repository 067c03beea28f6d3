"""Normalising flows: invertible maps with a tractable Jacobian."""

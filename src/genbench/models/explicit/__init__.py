"""Densities of few variables that are written down whole."""

"""Autoregressive models: each value given those before it."""

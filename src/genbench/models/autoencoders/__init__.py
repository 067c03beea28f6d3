"""Autoencoders that are made generative afterwards."""

"""Samples from elsewhere, and `genbench score`."""

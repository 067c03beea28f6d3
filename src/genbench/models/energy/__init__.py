"""Models of energies, and of the chains that sample what they model."""

"""genbench: train every classic family of generative model on the same data, audit, score, compare."""

__version__ = "0.1.0"

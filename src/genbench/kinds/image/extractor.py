"""Features of images come from a classifier that is trained on the same dataset."""

from genbench.extractors.classifier import train

__all__ = ["train"]

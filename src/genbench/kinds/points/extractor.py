"""Points are features as they are."""

from genbench.extractors.plain import train

__all__ = ["train"]

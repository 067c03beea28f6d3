"""What is compared of tables are the frequencies of their cells."""

from genbench.extractors.plain import train

__all__ = ["train"]

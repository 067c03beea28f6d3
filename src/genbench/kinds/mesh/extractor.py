"""Features of meshes are the embeddings of their vertices."""

from genbench.extractors.plain import train

__all__ = ["train"]

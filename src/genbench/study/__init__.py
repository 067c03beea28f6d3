"""Human study: can people tell samples from real images?  One offline page asks, the files it gives are scored.

`build` makes the page and its key, `score` turns checked answers into error rates; both are pure.
"""

from genbench.study.page import REAL, Source, build
from genbench.study.records import Answers, Key, Score, parse
from genbench.study.scoring import score, summary

__all__ = ["REAL", "Answers", "Key", "Score", "Source", "build", "parse", "score", "summary"]

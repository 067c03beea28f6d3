"""DVC and Snakemake on one workspace: what each believes to be up to date, and what really is.

Stages are matched by the files they write; `tests/engines/test_engines.py` holds the two descriptions of the graph
together.
"""

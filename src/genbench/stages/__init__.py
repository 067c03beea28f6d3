"""One file a stage: load, compute, save.  A stage depends on what its file imports, directly or not, and on the code of
the model, source or kind of data that it loads by name; see `genbench.provenance`.
"""

"""The zoo: one system, one file.  The file's path is the model's name in params.yaml; there is no registry."""

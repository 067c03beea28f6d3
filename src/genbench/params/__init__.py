"""params.yaml, read and validated before anything runs."""

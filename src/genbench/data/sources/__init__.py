"""One file a source of data; its name is that of `source` in params.yaml."""

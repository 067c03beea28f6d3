"""Standard parts that models are built from, a file for each theme."""

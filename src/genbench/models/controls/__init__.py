"""Controls: what the scores say of samples whose quality is known."""

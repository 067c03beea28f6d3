"""From samples to scores with intervals."""

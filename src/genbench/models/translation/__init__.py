"""Models that turn images of one domain into another's."""

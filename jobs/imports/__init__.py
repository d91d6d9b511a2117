"""Real input: raw tables filled from a file by a mapping."""

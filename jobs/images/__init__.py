"""Jobs that read images."""

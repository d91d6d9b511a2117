"""Jobs about queries: who asked them, which are public, and what they led to."""

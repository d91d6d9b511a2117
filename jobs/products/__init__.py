"""Jobs about products: their state and enriched text."""

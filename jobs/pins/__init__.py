"""Jobs about pins: their state, linked pages, boards and enriched text."""

"""Measures against what people wrote or did."""

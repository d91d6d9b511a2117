"""Ratios, measured A, B, A, B in one run on the same rows; absolute times mean nothing on a shared machine."""

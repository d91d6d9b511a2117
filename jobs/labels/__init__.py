"""Relevance labels: what people graded, what a teacher says, and the pairs that it is asked about."""

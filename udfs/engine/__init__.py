"""The one inference operator: inputs in Arrow batches in, a model's answers in the same rows out (see `operator.py`)."""

"""Evaluations over one lake: which tables are read, what is measured on them (jobs/evaluation/), and where it is kept."""

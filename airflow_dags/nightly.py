"""Signals, texts and embeddings of the day that ended."""

from airflow_dags.building import dag

nightly = dag("nightly")

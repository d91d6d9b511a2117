"""Trainings, each with its gate and its evaluation."""

from airflow_dags.building import dag

weekly = dag("weekly")

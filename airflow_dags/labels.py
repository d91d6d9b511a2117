"""What the teacher says of a day's searches, and what students learn from."""

from airflow_dags.building import dag

labels = dag("labels")

"""DAGs made from the registry of jobs; never imports Spark. Its first module comes with the first DAG."""

"""The sample lake: raw tables with a planted truth, made by Spark from a seed."""

"""A program that starts a session, writes a Delta table and asks the catalog, and prints one JSON object."""

import json
import sys

from jobs.demo import SPARK
from jobs.session import session
from jobs.settings import load

spark = session(load({"master": "local[1]", "driver_memory": "1g", "warehouse": sys.argv[1], "spark": SPARK}))
spark.range(1).write.format("delta").save(f"{sys.argv[1]}/layer/numbers")
rows = spark.read.format("delta").load(f"{sys.argv[1]}/layer/numbers").count()
print(json.dumps({"rows": rows, "tables": spark.sql("show tables").count()}))

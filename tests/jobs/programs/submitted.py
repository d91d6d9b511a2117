"""A program for spark-submit: writes and reads a Delta table, and prints which session it had."""

import json
import sys

from jobs.session import session
from jobs.settings import load

spark = session(load({"warehouse": sys.argv[1]}))
path = f"{sys.argv[1]}/layer/numbers"
spark.range(5).write.format("delta").save(path)
shown = {
    "master": spark.sparkContext.master,
    "zone": spark.conf.get("spark.sql.session.timeZone"),
    "rows": spark.read.format("delta").load(path).count(),
    "memory": spark.sparkContext.getConf().get("spark.driver.memory"),
}
spark.stop()
print(json.dumps(shown))

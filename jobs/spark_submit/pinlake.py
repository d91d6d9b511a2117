"""The file that spark-submit is given: `pinlake`, in a folder of its own, since spark-submit puts that folder on Python's path."""

from jobs.__main__ import main

main()

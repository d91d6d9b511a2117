"""A version of a Delta table as a Hugging Face dataset: the files of that version, mapped from disk.

python examples/read_with_datasets.py WAREHOUSE/training/student_examples --version 3
"""

from __future__ import annotations

import argparse
from urllib.parse import unquote

from datasets import load_dataset
from deltalake import DeltaTable


def main() -> None:
    """Prints what the dataset looks like, and one pair."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", metavar="TABLE_PATH")
    options.add_argument("--version", type=int, default=None, metavar="V")
    given = options.parse_args()

    # A table without deletion vectors is the rows of its files; the day is in the names of their folders.
    files = [unquote(uri.removeprefix("file://")) for uri in DeltaTable(given.table, version=given.version).file_uris()]
    rows = load_dataset("parquet", data_files=files, split="train", columns=["query", "text", "target", "split"])
    print(rows)
    first = rows.filter(lambda row: row["split"] == "train")[0]
    print(f"{first['query']!r}: {' '.join(f'{p:.2f}' for p in first['target'])}\n{first['text'][:200]}")


if __name__ == "__main__":
    main()

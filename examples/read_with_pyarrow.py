"""A version of a Delta table with nothing but deltalake and pyarrow: a column projection, a filter, a vector as numpy.

python examples/read_with_pyarrow.py WAREHOUSE/training/student_examples --version 3
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.fs as fs
from deltalake import DeltaTable


def main() -> None:
    """Prints how many pairs teachers and people labelled, and the shape of the text vectors."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", metavar="TABLE_PATH")
    options.add_argument("--version", type=int, default=None, metavar="V")
    given = options.parse_args()

    # pyarrow reads files of this machine itself: threads that call back into Python for them may outlive it.
    folder = Path(given.table)
    local = fs.SubTreeFileSystem(str(folder.absolute()), fs.LocalFileSystem()) if folder.is_dir() else None
    dataset = DeltaTable(given.table, version=given.version).to_pyarrow_dataset(filesystem=local)
    train = dataset.to_table(columns=["labelled_by", "text_vector"], filter=pc.field("split") == "train")
    for row in train.group_by("labelled_by").aggregate([([], "count_all")]).sort_by("labelled_by").to_pylist():
        print(f"{row['labelled_by']}: {row['count_all']} training pairs")
    known = train["text_vector"].drop_null().combine_chunks()
    vectors = np.asarray(known.flatten()).reshape(len(known), -1)
    print(f"text vectors: {vectors.shape}, of length {np.linalg.norm(vectors, axis=1).mean():.3f}")


if __name__ == "__main__":
    main()

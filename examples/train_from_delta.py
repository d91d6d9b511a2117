"""A trainer's few lines: a small network over the vectors and numbers of training.student_examples, read from Delta without Spark or Java.

python examples/train_from_delta.py WAREHOUSE/training/student_examples --version 3
"""

from __future__ import annotations

import argparse

import pyarrow.compute as pc
import torch

from models.loader import Loader, delta


def main() -> None:
    """Trains for some epochs and prints the loss on training and on test queries."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("table", metavar="TABLE_PATH", help="the folder or URI of a Delta table")
    options.add_argument("--version", type=int, default=None, metavar="V", help="its version; the newest where left out")
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--batch-size", type=int, default=256)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()

    torch.manual_seed(given.seed)
    table = delta(given.table, given.version)
    columns = ["query_vector", "text_vector", "numbers", "target"]
    rows = {
        part: Loader(table, columns, given.batch_size, where=pc.field("split") == part, shuffle=part == "train", seed=given.seed)
        for part in ("train", "test")
    }
    first = next(iter(Loader(table, columns, 1)))  # the widths of vectors
    inputs = first["query_vector"].shape[1] + 2 * first["numbers"].shape[1]
    network = torch.nn.Sequential(torch.nn.Linear(inputs, 64), torch.nn.ReLU(), torch.nn.Linear(64, 5))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)

    def loss(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Cross-entropy with the soft labels; what is not known is nan and becomes 0, beside a sign that says so."""
        product = torch.nan_to_num(batch["query_vector"] * batch["text_vector"]) * product_scale
        known = ~batch["numbers"].isnan()
        read = torch.cat([product, torch.nan_to_num(batch["numbers"]).clamp(-10, 10), known.float()], 1)
        return -(batch["target"].float() * network(read).log_softmax(1)).sum(1).mean()

    product_scale = float(first["query_vector"].shape[1])
    for epoch in range(given.epochs):
        told = {}
        for part, loader in rows.items():
            network.train(part == "train")
            total = n = 0.0
            for batch in loader:
                with torch.set_grad_enabled(part == "train"):
                    error = loss(batch)
                if part == "train":
                    optimizer.zero_grad()
                    error.backward()
                    optimizer.step()
                total, n = total + float(error.detach()) * len(batch["target"]), n + len(batch["target"])
            told[part] = f"{part} loss {total / n:.4f} over {n:.0f} pairs" if n else f"no {part} pairs"
        print(f"epoch {epoch + 1}: {', '.join(told.values())}", flush=True)


if __name__ == "__main__":
    main()

"""Words of people that must not be seen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs import given
from jobs.commands import Lake
from jobs.days import Days
from jobs.demo import SPARK
from jobs.registry import JOBS
from jobs.settings import load
from schemas import ops, raw, signals
from tests.promises.counted import Promise

DAYS = Days("2026-01-31", "2026-02-02")
SECRETS = ("zqsecret", "4111 1111 1111 1111", "4111111111111111", "zq.person@example.org", "zqkey-0123456789")
PINLAKE = str(Path(sys.executable).with_name("pinlake"))
MAY = {signals.QUERY_USERS, signals.ENGAGEMENT_DAILY, signals.ENGAGEMENT_TOTALS}


@pytest.mark.timeout(3600)
def test_17_private_words_are_in_no_other_table_line_page_event_or_error(spark, tmp_path, promise: Promise) -> None:
    """Planted into queries: a rare word by one user, a card number and an address by many. A key is planted into the settings."""
    promise.of(0, 1)
    warehouse = tmp_path / "ware house"
    lake = Lake(load({"warehouse": str(warehouse), "master": "local[2]"}))
    lake.sample(300, DAYS, promise.seed)
    _plant(lake)
    toml = {
        "log_format": '"json"',
        "metrics_dir": f'"{tmp_path / "metrics"}"',
        "openlineage": f'"{tmp_path / "events.jsonl"}"',
    }
    options = SPARK["spark.driver.extraJavaOptions"]
    settings = "\n".join(f"{name} = {value}" for name, value in toml.items())
    secret = f'"spark.hadoop.fs.s3a.secret.key" = "{SECRETS[4]}"\n'
    (tmp_path / "pinlake.toml").write_text(
        f'{settings}\n[spark]\n"spark.driver.extraJavaOptions" = "{options}"\n{secret}', encoding="utf-8"
    )
    said = []
    common = ["--warehouse", str(warehouse)]
    span = ["--first", DAYS.first, "--last", DAYS.last]
    for words in (
        ["run", "nightly", *span, "--json", *common],
        ["run", "candidates", "--day", DAYS.last, "--upstream", "--json", *common],
        ["report", "--day", DAYS.last, "--out", str(tmp_path / "page.html"), *common],
        ["quarantine", "show", *span, *common],
        ["runs", *common],
        ["config", *common],
        ["describe", "texts.pins", "--day", DAYS.last, *common],
        ["plan", "nightly", *span, *common],
    ):
        done = subprocess.run([PINLAKE, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr[-2000:])
        said.append(done.stdout + done.stderr)
    outputs = {"what commands print": "".join(said), "the page": (tmp_path / "page.html").read_text()}
    outputs["events"] = (tmp_path / "events.jsonl").read_text()
    outputs["metrics"] = "".join(path.read_text() for path in (tmp_path / "metrics").iterdir())
    for table in [job.output for job in JOBS if job.output not in MAY] + [ops.QUARANTINE, ops.RUNS]:
        if lake.store.ledger(table).version >= 0 or table.name.startswith("ops."):
            rows = spark.read.format("delta").load(lake.store.path(table))
            outputs[table.name] = "\n".join(rows.select(F.to_json(F.struct("*"))).toPandas().iloc[:, 0])
        log = Path(lake.store.path(table)) / "_delta_log"
        outputs[f"commits of {table.name}"] = "".join(path.read_text() for path in log.glob("*.json"))
    for name, text in outputs.items():
        for secret in SECRETS:
            promise.held(secret not in text, f"{secret} is in {name}: {re.findall(f'.{{60}}{re.escape(secret)}', text)[:1]}")
    _k_is_exact(lake, promise)
    assert sum(len(text) for text in outputs.values()) > 100_000, "else there was little to look through"
    assert json.loads(outputs["events"].splitlines()[0])
    assert promise.kept(), promise.failures[:3]


def _plant(lake: Lake) -> None:
    """Copies events of the sample with other queries in them: of one user, and of many."""
    events = lake.store.frame(raw.SEARCH_EVENTS)
    some = events.where("user_id is not null and event_id is not null").limit(400).localCheckpoint()
    rows = [
        some.where("pmod(hash(event_id), 4) = 0").withColumn("user_id", F.lit("loner")).withColumn("query", F.lit(f"blue {SECRETS[0]}"))
    ]
    rows += [some.withColumn("query", F.lit(f"{word} vase")) for word in SECRETS[1:4]]
    more = rows[0]
    for n, other in enumerate(rows[1:]):
        more = more.unionByName(other.withColumn("event_id", F.concat("event_id", F.lit(f"-{n}"))))
    more = more.withColumn("event_id", F.concat(F.lit("planted-"), "event_id"))
    days = [r.ds for r in more.select("ds").distinct().collect()]
    given.write(lake.store, "run_planted", "planted", raw.SEARCH_EVENTS, more, Days(min(days), max(days)))


def _k_is_exact(lake: Lake, promise: Promise) -> None:
    """A query is public exactly where at least k users asked it within the window, but for those with private words."""
    users = lake.store.frame(signals.QUERY_USERS).groupBy("query").agg(F.countDistinct("user_hash").alias("n"))
    public = lake.store.frame(signals.PUBLIC_QUERIES).where("not deleted").select("query").distinct()
    k = 10
    few = public.join(users, "query", "left").where(F.coalesce("n", F.lit(0)) < k)
    promise.held(few.isEmpty(), f"{few.count()} public queries of fewer than {k} users")

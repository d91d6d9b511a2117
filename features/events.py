"""Which events count: the one rule for every table of events, and which users' search events are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from schemas.raw import ENTITY_TYPES, SEARCH_ACTIONS

DAYS_APART = 3
"""How far an event's clock may be from its day, and for how many days an event_id is remembered: builds read window(DAYS_APART + 1)."""


@dataclass(frozen=True)
class EventParams:
    """What the jobs that read search events must agree on; ValueError where it makes no sense.

    `bot_requests`: a user with more distinct requests than this on one day is a bot that day. Somebody who searches all day long at one
    request every five minutes makes fewer; a crawler makes thousands, and its clicks say nothing about relevance.
    """

    bot_requests: int = 200

    def __post_init__(self) -> None:
        if self.bot_requests < 1:
            raise ValueError(f"bot_requests is {self.bot_requests}: a user makes at least one request")


def refusal(required: Sequence[str], allowed: Mapping[str, Sequence[str]]) -> Column:
    """Why an event can never count, null where it can: `no X`, `empty X`, `unknown X`, or a clock far from its day."""
    checks = []
    for name in dict.fromkeys((*required, *allowed)):
        checks.append(F.when(F.col(name).isNull(), F.lit(f"no {name}")).when(F.trim(name) == "", F.lit(f"empty {name}")))
    for name, values in allowed.items():
        checks.append(F.when(~F.col(name).isin(*values), F.lit(f"unknown {name}")))
    # From the instant itself: a cast to a date would follow the session's time zone. Without a clock an event counts on its day.
    apart = F.abs(F.floor(F.unix_seconds("ts") / 86_400) - F.unix_date(F.col("ds").cast("date")))
    checks.append(F.when(apart > DAYS_APART, F.concat(F.lit("ts is "), apart.cast("string"), F.lit(" days from its day"))))
    return F.coalesce(*checks)


def counted(
    events: DataFrame, first: str, last: str, required: Sequence[str], allowed: Mapping[str, Sequence[str]] | None = None
) -> DataFrame:
    """The events from `first` to `last` that count, each once, and every one that is refused, with `refused` and `refused_key`.

    `events`: read by window(4), with ds, event_id and ts. `required` columns (event_id always is) must hold something, those in `allowed`
    one of the values. An event whose event_id came on any of the three days before, refused or not, is a repeat and left out; so
    are the copies within a day but the smallest that can count.
    """
    reason = refusal(("event_id", *required), allowed or {})
    within = events.where(F.col("ds").between(first, last)).withColumn("refused", reason)
    # Of the days before the range only the ids are read.
    earlier = events.where((F.col("ds") < first) & F.col("event_id").isNotNull()).select("ds", "event_id")
    rows = within.unionByName(earlier, allowMissingColumns=True)
    # Events without an id are refused, never compared: the salt keeps them from meeting in one partition.
    event = ("event_id", F.when(F.col("event_id").isNull(), F.xxhash64(*sorted(events.columns))))
    before = W.partitionBy(*event).orderBy(F.unix_date(F.col("ds").cast("date"))).rangeBetween(-DAYS_APART, -1)
    copies = W.partitionBy(*event, "ds").orderBy(F.col("refused").isNotNull(), F.struct(*sorted(events.columns)))
    rows = rows.withColumn("_seen", F.count(F.lit(1)).over(before)).withColumn("_copy", F.row_number().over(copies))
    once = F.col("refused").isNotNull() | ((F.col("_seen") == 0) & (F.col("_copy") == 1))
    source = F.to_json(F.struct("ds", "event_id"), {"ignoreNullFields": "false"})
    return (
        rows.where(F.col("ds").between(first, last) & once)
        .drop("_seen", "_copy")
        .withColumn("refused_key", F.when(F.col("refused").isNotNull(), source))
    )


def without_bots(events: DataFrame, requests: int) -> DataFrame:
    """The events but those of users with more than `requests` distinct requests on that day; refused events stay.

    `events`: as `counted` returns search events. Where a request is not known, its query stands for it.
    """
    asked = F.coalesce("request_id", "query")
    # Refused events are no sign of a bot; the salt spreads them, since they may lack a user.
    day = ("ds", "user_id", F.when(F.col("refused").isNotNull(), F.xxhash64("event_id", "user_id", "refused")))
    # The highest dense rank is the exact distinct count, in one pass over a user's day and without a join.
    ranked = events.withColumn("_request", F.dense_rank().over(W.partitionBy(*day).orderBy(asked)))
    ranked = ranked.withColumn("_requests", F.max("_request").over(W.partitionBy(*day)))
    return ranked.where(F.col("refused").isNotNull() | (F.col("_requests") <= requests)).drop("_request", "_requests")


def searches(events: DataFrame, first: str, last: str, params: EventParams) -> DataFrame:
    """The search events of the days that count, bots left out, and the refused ones; `events` hold normalised queries."""
    allowed = {"entity_type": ENTITY_TYPES, "action": SEARCH_ACTIONS}
    return without_bots(counted(events, first, last, ("user_id", "query", "entity_id"), allowed), params.bot_requests)

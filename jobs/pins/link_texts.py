"""What linked pages say about themselves, as states of the days on which they were fetched."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas import signals
from udfs.pages.guard import Limits
from udfs.pages.udf import read_pages

_READ = 200
_GONE = (404, 410)


@dataclass(frozen=True)
class LinkTextParams:
    """What reading one page may cost (a page beyond is refused), and how many parsers a Spark worker keeps."""

    page_bytes: int = Limits.most_bytes
    attributes_per_tag: int = Limits.attributes
    depth: int = Limits.depth
    seconds_per_page: float = Limits.seconds
    memory_mb: int = Limits.memory_mb
    main_text_characters: int = Limits.main_text
    parsers: int = 1

    def limits(self) -> Limits:
        """The limits of one page."""
        return Limits(
            most_bytes=self.page_bytes,
            attributes=self.attributes_per_tag,
            depth=self.depth,
            seconds=self.seconds_per_page,
            memory_mb=self.memory_mb,
            main_text=self.main_text_characters,
        )


def build(pages: DataFrame, params: LinkTextParams) -> DataFrame:
    """One row for every fetched page: what it says, a tombstone where it is gone, or the reason why neither can be said."""
    status = F.col("http_status")
    fetched = pages.select(
        "ds",
        "url",
        "http_status",
        "fetched_at",
        # A row without a url has no other name than its bytes.
        F.when(_nameless(), F.sha2("html", 256)).alias("html_sha256"),
        F.when(status.eqNullSafe(_READ) & ~_nameless(), F.col("html")).alias("body"),
    )
    said = read_pages(fetched, params.limits(), children=params.parsers)
    judged = said.withColumn("refused", _refusal()).withColumn("deleted", F.coalesce(status.isin(*_GONE), F.lit(False)))
    return _newest_of_each_day(judged).select(
        "ds",
        "url",
        *signals.LINK_TEXTS.values,
        "deleted",
        "refused",
        F.when(F.col("refused").isNotNull(), F.to_json(F.struct("ds", "url", "html_sha256"))).alias("refused_key"),
    )


def _nameless() -> Column:
    """True where a row has no url to be kept under."""
    return F.coalesce(F.trim("url") == "", F.lit(True))


def _refusal() -> Column:
    """Why a row is refused; null where it is a page or one that is gone."""
    status = F.col("http_status")
    return (
        F.when(_nameless(), "the url is missing")
        .when(status.isNull(), "the status of the response is missing")
        .when(status.isin(*_GONE), F.lit(None))
        .when(status != _READ, F.concat(F.lit("the status of the response is "), status.cast("string")))
        .when(F.col("refused").isNotNull(), F.col("refused"))
        .when(F.col("status").isNull(), "the body is missing")
    )


def _newest_of_each_day(judged: DataFrame) -> DataFrame:
    """The rows, with all but the newest good one of a url and day refused."""
    good = F.col("refused").isNull()
    # Only rows that are alike in all of these are tied, and then it makes no difference which one stays.
    order = [
        F.col("fetched_at").desc_nulls_last(),
        F.col("http_status"),
        *(F.col(name).asc_nulls_last() for name in signals.LINK_TEXTS.values),
    ]
    place = F.row_number().over(Window.partitionBy("ds", "url", good).orderBy(*order))
    return judged.withColumn("place", place).withColumn(
        "refused", F.when(good & (F.col("place") > 1), "another fetch of the page on this day counts").otherwise(F.col("refused"))
    )

"""The sample lake as a whole: contracts, keys, days, planted rates, and the same rows from the same seed."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from PIL import Image
from pyspark.sql import Column, DataFrame, SparkSession, Window, WindowSpec
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.sample import pins as pin_updates
from jobs.sample import plan as plans
from jobs.sample import searches
from jobs.sample.plan import Plan
from jobs.sample.relevance import Subject, grade
from schemas import raw, sample
from schemas.contract import Table
from tests.jobs.sample.conftest import Lake

TABLES = (*raw.TABLES, *sample.TABLES)
PRODUCT_FIELDS = [c.name for c in raw.PRODUCT_UPDATES.columns if c.name not in ("product_id", "deleted", "written_by")]


def _share(frame: DataFrame, **conditions: Column) -> dict[str, float]:
    row = frame.agg(*(F.avg(F.coalesce(c, F.lit(False)).cast("int")).alias(name) for name, c in conditions.items())).first()
    assert row is not None
    return row.asDict()


def test_every_table_has_the_columns_and_types_of_its_contract(lake: Lake) -> None:
    assert set(lake.built) == set(TABLES)
    for table, frame in lake.built.items():
        wanted = [(c.name, c.type) for c in table.fields]
        assert [(f.name, f.dataType.simpleString()) for f in frame.schema.fields] == wanted, table.name


def test_no_table_needs_a_shuffle_so_no_partitioning_can_change_it(lake: Lake) -> None:
    for table, frame in lake.built.items():
        assert "Exchange" not in frame._jdf.queryExecution().executedPlan().toString(), table.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_are_there_and_unique_a_day_but_for_events_that_arrive_twice(lake: Lake, table: Table) -> None:
    frame = lake.stored[table]
    if table.events:
        frame = frame.distinct()
    missing = " or ".join(f"{c.name} is null" for c in table.fields if c.required)
    row = frame.agg(
        F.count(F.lit(1)).alias("n"), F.countDistinct("ds", *table.key).alias("keys"), F.count_if(F.expr(missing)).alias("nulls")
    )
    found = row.first()
    assert found is not None
    assert found.n == found.keys > 0
    assert found.nulls == 0


def test_events_lie_on_every_day_and_all_rows_on_days_of_the_lake(lake: Lake) -> None:
    for table, frame in lake.stored.items():
        counts = {row.ds: row["count"] for row in frame.groupBy("ds").count().collect()}
        assert set(counts) <= set(lake.plan.days), table.name
        if table.events:
            assert set(counts) == set(lake.plan.days), table.name
            assert min(counts.values()) > (2000 if table is raw.SEARCH_EVENTS else 300), table.name
            assert max(counts.values()) < (4000 if table is raw.SEARCH_EVENTS else 600), table.name


def test_pins_have_the_planted_shares_of_text_links_products_and_languages(lake: Lake) -> None:
    pins = lake.stored[raw.PIN_UPDATES]
    born = pins.where("not deleted").withColumn("turn", F.min("ds").over(_by("pin_id"))).where("ds = turn")
    found = _share(
        born,
        silent=F.col("title").isNull() & F.col("description").isNull(),
        linked=F.col("link_url").isNotNull(),
        sold=F.col("product_id").isNotNull(),
        english=F.col("language") == "en",
        first=F.col("ds") == lake.plan.days.first,
    )
    wanted = {"silent": (0.29, 0.03), "linked": (0.6, 0.04), "sold": (0.2, 0.02), "english": (0.4, 0.04), "first": (0.85, 0.03)}
    assert born.count() == lake.plan.pins
    for name, (share, slack) in wanted.items():
        assert abs(found[name] - share) < slack, (name, found[name])
    assert len({row.language for row in lake.rows(raw.PIN_UPDATES, "language") if row.language}) >= 6
    scripts = _share(
        pins.where("title is not null"), cyrillic=F.col("title").rlike(r"\p{IsCyrillic}"), han=F.col("title").rlike(r"\p{IsHan}")
    )
    assert min(scripts.values()) > 0.02


def test_some_pins_change_later_and_a_deleted_one_has_no_fields(lake: Lake) -> None:
    rows = lake.rows(raw.PIN_UPDATES, "ds", "pin_id", "title", "description", "link_url", "image_id", "deleted")
    gone = [row for row in rows if row.deleted]
    changed = sum(n - 1 for n in Counter(row.pin_id for row in rows if not row.deleted).values())
    assert 2 <= len(gone) <= 25
    assert all(row.title is row.description is row.link_url is row.image_id is None for row in gone)
    assert 60 <= changed <= 130


def test_every_product_field_is_filled_for_many_and_missing_for_some(lake: Lake) -> None:
    products = lake.stored[raw.PRODUCT_UPDATES].where("not deleted")
    shares = _share(products, **{name: F.col(name).isNotNull() for name in PRODUCT_FIELDS})
    assert all(0.2 <= share < 1 for share in shares.values()), shares
    assert sum(share > 0.5 for share in shares.values()) >= 12
    known = {row.product_id for row in lake.rows(raw.PRODUCT_UPDATES, "product_id")}
    assert {row.product_id for row in lake.rows(raw.PIN_UPDATES, "product_id") if row.product_id} == known


def test_every_image_that_is_named_arrives_once_and_nearly_all_can_be_read(lake: Lake) -> None:
    images = lake.rows(raw.IMAGES, "image_id", "image")
    ids = [row.image_id for row in images]
    assert len(set(ids)) == len(ids)
    shown = [row.image_id for row in lake.rows(raw.PIN_UPDATES, "pin_id", "image_id") if row.image_id]
    listed = lake.stored[raw.PRODUCT_UPDATES].select(F.explode("image_ids").alias("image_id")).collect()
    assert {*shown, *(row.image_id for row in listed)} <= set(ids)
    pins_by_image = Counter(
        dict.fromkeys((row.pin_id, row.image_id) for row in lake.rows(raw.PIN_UPDATES, "pin_id", "image_id") if row.image_id)
    )
    assert max(Counter(image for _, image in pins_by_image).values()) >= 2
    broken = sum(not _is_readable(bytes(row.image)) for row in images)
    assert 0 < broken < 0.02 * len(images)
    assert len({bytes(row.image) for row in images}) > 0.97 * len(images)
    assert sum(len(row.image) for row in images) / len(images) < 1500


def test_every_link_leads_to_a_page_fetched_on_or_before_the_pins_day(lake: Lake) -> None:
    pages = lake.stored[raw.LINK_PAGES].groupBy("url").agg(F.min("ds").alias("fetched"), F.count(F.lit(1)).alias("fetches"))
    pins, products = lake.stored[raw.PIN_UPDATES], lake.stored[raw.PRODUCT_UPDATES]
    links = pins.select("ds", F.col("link_url").alias("url")).unionByName(products.select("ds", F.col("link_url").alias("url")))
    row = (
        links.where("url is not null")
        .join(pages, "url", "left")
        .agg(F.count_if(F.col("fetched").isNull()).alias("missing"), F.count_if(F.col("fetched") > F.col("ds")).alias("later"))
    )
    assert row.first() == (0, 0)
    assert pins.groupBy("link_url").agg(F.countDistinct("pin_id").alias("n")).where("link_url is not null and n > 1").count() > 20
    assert pages.where("fetches > 1").count() > 20
    shares = _share(
        lake.stored[raw.LINK_PAGES], fine=F.col("http_status") == 200, missing=F.col("http_status") == 404, busy=F.col("http_status") == 503
    )
    assert shares["fine"] > 0.9
    assert min(shares.values()) > 0


def test_titles_of_pages_agree_with_the_truth_of_the_pin(lake: Lake) -> None:
    truth = lake.stored[sample.TRUTH].where("entity_type = 'pin' and language = 'en'")
    pins = lake.stored[raw.PIN_UPDATES].select(F.col("pin_id").alias("entity_id"), F.col("link_url").alias("url")).where("url is not null")
    pages = lake.stored[raw.LINK_PAGES].where("http_status = 200").select("url", F.decode("html", "iso-8859-1").alias("text"))
    read = truth.join(pins, "entity_id").join(pages, "url")
    shares = _share(read, object=F.instr(F.lower("text"), F.col("object")) > 0, color=F.instr(F.lower("text"), F.col("color")) > 0)
    # The rest is garbage or UTF-16.
    assert shares["object"] > 0.93
    assert shares["color"] > 0.93


def test_boards_have_good_titles_and_noise_and_some_pins_are_removed_again(lake: Lake) -> None:
    noise = F.col("board_title").isin("my stuff", "❤️❤️", "Things I love", "random", "misc", "asdf", "to do later", "anna.b@example.com")
    found = _share(lake.stored[raw.BOARD_SAVES], noise=noise, removed=F.col("action") == "remove")
    assert 0.12 < found["noise"] < 0.35
    assert 0.01 < found["removed"] < 0.1
    row = (
        lake.stored[raw.BOARD_SAVES]
        .groupBy("board_title")
        .agg(F.countDistinct("board_id").alias("n"))
        .agg(F.count_if(F.col("n") > 1))
        .first()
    )
    assert row is not None
    assert row[0] > 10


@pytest.mark.parametrize("table", [raw.SEARCH_EVENTS, raw.BOARD_SAVES], ids=lambda table: table.name)
def test_some_events_come_late_some_twice_and_few_with_a_broken_clock(lake: Lake, table: Table) -> None:
    events = lake.stored[table]
    apart = F.datediff(F.col("ds").cast("date"), F.col("ts").cast("date"))
    first = (
        events.withColumn("seen", F.min("ds").over(_by("event_id"))).where("seen = ds").select("event_id", apart.alias("late")).distinct()
    )
    shares = _share(first, late=F.col("late").between(1, 3), broken=F.abs("late") > 3)
    assert 0.004 < shares["late"] < 0.016
    assert shares["broken"] < 0.004
    if table is raw.SEARCH_EVENTS:
        assert shares["broken"] > 0
    days = events.groupBy("event_id").agg(F.collect_list("ds").alias("days")).where(F.size("days") > 1).collect()
    gaps = [sorted(int(day[-2:]) for day in row.days) for row in days]
    assert all(len(gap) == 2 and gap[1] - gap[0] <= 3 for gap in gaps)
    assert sum(gap[0] == gap[1] for gap in gaps) > 0.003 * events.count()
    assert sum(gap[0] < gap[1] for gap in gaps) > 0.002 * events.count()


def test_labels_are_english_of_labelled_topics_on_queries_that_people_ask(lake: Lake) -> None:
    labels, truth = lake.stored[raw.HUMAN_LABELS], lake.stored[sample.TRUTH]
    queries = {row.entity_id: row for row in truth.where("entity_type = 'query'").collect()}
    things = {row.entity_id: row for row in truth.where("entity_type != 'query'").collect()}
    rows = labels.collect()
    pairs = len({row.label_id.split("-")[0] for row in rows})
    assert len(rows) == 3 * pairs
    assert abs(pairs - 400) < 40
    assert {(queries[row.query].language, queries[row.query].labelled_topic) for row in rows} == {("en", True)}
    assert {row.entity_type for row in rows} == {"pin", "product"}
    assert all(row.entity_id in things for row in rows)
    assert {row.grade for row in rows} == {None, 1, 2, 3, 4, 5}
    assert len({row.ds for row in rows}) == len(lake.plan.days)
    half = {row.topic: row.labelled_topic for row in queries.values()}
    assert Counter(half.values()) == {True: 6, False: 6}


def test_raters_mostly_give_the_planted_grade_and_are_rarely_far_off(lake: Lake) -> None:
    found = _graded(lake.stored[raw.HUMAN_LABELS].where("grade is not null"), lake.stored[sample.TRUTH])
    shares = _share(found, exact=F.col("grade") == F.col("planted"), near=F.abs(F.col("grade") - F.col("planted")) <= 1)
    assert 0.75 < shares["exact"] < 0.95
    assert shares["near"] == 1


def test_embeddings_are_unit_vectors_that_are_nearer_within_a_topic(lake: Lake) -> None:
    vectors = lake.stored[raw.ENTITY_EMBEDDINGS]
    length = F.sqrt(F.aggregate("vector", F.lit(0.0), lambda sum_, x: sum_ + x * x))
    row = vectors.agg(
        F.count_if((F.size("vector") == 256) & (F.abs(length - 1) < 1e-5)).alias("unit"),
        F.count_if((F.length("bits") == 128) & F.col("vector").isNull()).alias("bits"),
        F.count(F.lit(1)).alias("rows"),
    ).first()
    assert row is not None
    assert row.unit + row.bits == row.rows
    assert {(r.entity_type, r.name) for r in vectors.select("entity_type", "name").distinct().collect()} == {
        ("pin", "pinsage"),
        ("pin", "searchsage"),
        ("product", "itemsage"),
        ("product", "searchsage"),
        ("query", "searchsage"),
        ("image", "visual"),
        ("image", "pinsage"),
    }
    known = vectors.where("name = 'searchsage'").join(lake.stored[sample.TRUTH].drop("ds"), ["entity_type", "entity_id"])
    query = (
        known.where("entity_type = 'query'")
        .orderBy("entity_id")
        .limit(40)
        .select(F.col("vector").alias("q"), F.col("object").alias("qo"), F.col("topic").alias("qt"))
    )
    pin = known.where("entity_type = 'pin'").orderBy("entity_id").limit(300)
    near = F.aggregate(F.zip_with("q", "vector", lambda a, b: a * b), F.lit(0.0), lambda sum_, x: sum_ + x)
    kind = F.when(F.col("qo") == F.col("object"), "object").when(F.col("qt") == F.col("topic"), "topic").otherwise("other")
    means = {r.kind: r.near for r in query.crossJoin(pin).groupBy(kind.alias("kind")).agg(F.avg(near).alias("near")).collect()}
    assert means["object"] > means["topic"] + 0.15 > means["other"] + 0.3


def test_the_same_seed_gives_the_same_rows_in_other_partitions_and_another_seed_does_not(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = Days("2026-02-01", "2026-02-02")
    builds = {"pins": pin_updates.build, "searches": searches.build}
    before = {name: _digest(build(spark, Plan(400, days, 5))) for name, build in builds.items()}
    assert all(count > 0 for count, _ in before.values())
    monkeypatch.setattr(plans, "ROWS_A_PARTITION", 60)
    for name, build in builds.items():
        assert _digest(build(spark, Plan(400, days, 5))) == before[name]
        assert _digest(build(spark, Plan(400, days, 6))) != before[name]


def _digest(frame: DataFrame) -> tuple[int, int]:
    row = frame.agg(F.count(F.lit(1)).alias("n"), F.sum(F.xxhash64(*frame.columns).cast("decimal(20,0)")).alias("digest")).first()
    assert row is not None
    return int(row.n), int(row.digest)


def _by(key: str) -> WindowSpec:
    return Window.partitionBy(key)


def _graded(rows: DataFrame, truth: DataFrame) -> DataFrame:
    parts = ("topic", "object", "color", "style")
    asked = truth.where("entity_type = 'query'").select(F.col("entity_id").alias("query"), *(F.col(p).alias(f"q_{p}") for p in parts))
    things = truth.where("entity_type != 'query'").select("entity_type", "entity_id", *parts)
    joined = rows.join(asked, "query").join(things, ["entity_type", "entity_id"])
    return joined.withColumn("planted", grade(Subject.of("q_"), Subject.of("")))


def _is_readable(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError):
        return False
    return True

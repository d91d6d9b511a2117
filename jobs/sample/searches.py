"""raw.search_events of the sample lake: requests, what they showed, and what people did with it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample import entities, events, phrases, queries
from jobs.sample.plan import Plan, picked, quotient, spread
from jobs.sample.relevance import Subject, grade
from jobs.sample.vocabulary import LANGUAGES, OBJECTS, OBJECTS_A_TOPIC
from schemas.raw import SEARCH_ACTIONS

KINDS = ("pin", "product", "ad", "query")
PIN, PRODUCT, AD, QUERY = range(len(KINDS))
BOT_REQUESTS = 220
CANARY_SHARE = 0.01
SUGGESTED = 0.06
# By grade 1 .. 5: how likely a person who looks clicks; stays, saves, puts into the cart after a click; and buys after the cart.
CLICKED = (0.02, 0.06, 0.16, 0.34, 0.52)
STAYED = (0.05, 0.12, 0.28, 0.45, 0.62)
SAVED = (0.02, 0.05, 0.12, 0.22, 0.38)
CARTED = (0.01, 0.03, 0.12, 0.22, 0.34)
BOUGHT, OFFSITE = 0.4, 0.35
# How much less likely people look at each further place.
POSITION_DECAY = 0.25


def build(spark: SparkSession, plan: Plan) -> DataFrame:
    """raw.search_events: every impression and the actions that followed it; an ad is a promoted pin and has the pin's id."""
    return events.arrived(
        _acted(_shown(_requests(spark, plan), plan), plan), plan, (F.col("request"), F.col("position"), F.col("act"))
    ).select(
        "ds",
        "event_id",
        F.concat(F.lit("r"), F.col("request").cast("string")).alias("request_id"),
        F.concat(F.lit("u"), F.col("user").cast("string")).alias("user_id"),
        "query",
        "language",
        "country",
        "entity_type",
        "entity_id",
        "action",
        "offsite",
        "position",
        "ts",
    )


def _requests(spark: SparkSession, plan: Plan) -> DataFrame:
    """Requests of people, then of bots: request, day, q, program (a bot's number, else null), canary (number of a typed-in secret or null).

    One range and no union: a union would plan everything that follows twice.
    """
    request, program = F.col("request"), F.col("program")
    people = plan.requests * len(plan.days)
    a_day = plan.bots * BOT_REQUESTS
    number = request - F.lit(people)
    rows = plan.rows(spark, people + a_day * len(plan.days), "request").select(
        "request",
        F.when(number < 0, events.day_of(request, plan.requests)).otherwise(quotient(number, a_day)).alias("day"),
        F.when(number >= 0, number % F.lit(plan.bots)).alias("program"),
    )
    # A bot works every other day; the first one on the first day, so that there is one.
    awake = plan.chance(0.5, "bot awake", program, F.col("day")) | ((program == 0) & (F.col("day") == 0))
    asked = F.when(program.isNull(), plan.rank(plan.queries, "asked", request)).otherwise(plan.below(plan.queries, "bot query", program))
    canary = F.when(program.isNull(), _canary_number(plan, request))
    known = rows.where(program.isNull() | awake)
    return _described(known.select("*", asked.alias("q"), program.isNotNull().alias("bot"), canary.alias("canary")), plan)


def _canary_number(plan: Plan, request: Column) -> Column:
    """The number of the secret typed into a request: two requests in a row may share it; null for nearly all."""
    pair = quotient(request, 2)
    return F.when(plan.chance(CANARY_SHARE, "secret", pair), pair)


def _described(requests: DataFrame, plan: Plan) -> DataFrame:
    """Requests with the words typed, the user, language and country, what was wanted and what came next, and the results."""
    request, spoken = F.col("request"), F.col("wanted_language")
    known = queries.wished(requests, plan, F.col("q"), "wanted_")
    known = known.withColumns({"next": queries.suggestion(plan, "wanted_", request), "written": queries.text("wanted_")})
    known = queries.wished(known, plan, F.col("next"), "next_").withColumns(
        {"secret": queries.canary(plan, F.col("canary")), "next_text": queries.text("next_")}
    )
    person = plan.below(plan.users, "user", request) * F.lit(len(LANGUAGES)) + spoken
    program = F.lit(plan.users * len(LANGUAGES)) + F.col("program")
    known = known.withColumns(
        {
            "user": F.coalesce(program, person),
            "typed": F.coalesce(F.col("secret"), F.col("written")),
            "language": phrases.code(spoken),
            "country": phrases.country(spoken, plan.below(3, "request country", request)),
            "drawn": _drawn(plan),
        }
    )
    alive = F.filter(F.when(F.col("bot"), _bot_result(plan)).otherwise(F.col("drawn")), lambda coded: _is_live(plan, coded))
    known = known.withColumns(
        {
            "query": queries.typed(plan, F.col("typed"), F.coalesce(F.col("program"), request)),
            "next_text": F.coalesce(F.col("secret"), F.col("next_text")),
            "alive": alive,
        }
    )
    return known.withColumn("results", F.concat(F.col("alive"), _followed(plan)))


def _drawn(plan: Plan) -> Column:
    """Six to nine entities (n * 4 + kind), without repeats: three in five of the wanted topic, half of these of the object and colour."""
    request = F.col("request")
    places = F.sequence(F.lit(1), (F.lit(6) + plan.below(4, "places", request)).cast("int"))
    return F.array_distinct(F.transform(places, lambda place: _result(plan, request, place)))


def _result(plan: Plan, request: Column, place: Column) -> Column:
    aim, kind = plan.share("aim", request, place), plan.share("kind", request, place)
    sort = F.when(kind < 0.66, PIN).when(kind < 0.88, PRODUCT).otherwise(AD).cast("bigint")
    sibling = F.col("wanted_topic") * F.lit(OBJECTS_A_TOPIC) + plan.below(OBJECTS_A_TOPIC, "sibling", request, place)
    anything = plan.below(len(OBJECTS), "anything", request, place)
    thing = F.when(aim < 0.45, F.col("wanted_object")).when(aim < 0.6, sibling).otherwise(anything)
    color = F.when(aim < 0.3, F.col("wanted_color"))
    return entities.candidate(plan, thing, color, sort == PRODUCT, "candidate", request, place) * F.lit(4) + sort


def _is_live(plan: Plan, coded: Column) -> Column:
    n, kind = quotient(coded, 4), coded % F.lit(4)
    dead = F.when(kind == PRODUCT, entities.death(plan, "product", n)).otherwise(entities.death(plan, "pin", n))
    return (n < plan.pins) & entities.is_alive(entities.birth(plan, n), dead, F.col("day"))


def _bot_result(plan: Plan) -> Column:
    """The one pin that a bot is paid to click, as an array."""
    return F.array(plan.below(plan.pins, "favourite", F.col("program")) * F.lit(4) + F.lit(PIN))


def _followed(plan: Plan) -> Column:
    """The suggested query that was followed, if one was, as an array; after a secret it is the secret itself."""
    follow = plan.chance(SUGGESTED, "suggested", F.col("request")) & (F.col("next") != F.col("q"))
    followed = (follow | F.col("secret").isNotNull()) & ~F.col("bot")
    coded = F.col("next") * F.lit(4) + F.lit(QUERY)
    return F.filter(F.array(F.when(followed, coded)), lambda one: one.isNotNull())


def _shown(requests: DataFrame, plan: Plan) -> DataFrame:
    """One row for each entity shown, with its place, kind and grade."""
    kept = ("request", "day", "bot", "user", "query", "language", "country", "next_text")
    wanted = [f"wanted_{part}" for part in ("topic", "object", "color", "style")]
    shown = spread(requests.select(*kept, *wanted, "results"), F.col("results"), "coded", "place").drop("results")
    shown = shown.withColumns(
        {"n": quotient(F.col("coded"), 4), "kind": F.col("coded") % F.lit(4), "position": (F.col("place") + 1).cast("int")}
    )
    return entities.placed(shown, plan).withColumn("grade", grade(Subject.of("wanted_"), Subject.of("")))


def _acted(shown: DataFrame, plan: Plan) -> DataFrame:
    """One row for each impression and each action after it."""
    keys = (F.col("request"), F.col("position"))
    kind, bot = F.col("kind"), F.col("bot")
    place = F.col("grade") - 1
    seen = F.lit(1.0) / (F.lit(1.0) + F.lit(POSITION_DECAY) * (F.col("position") - 1))
    click = bot | (kind == QUERY) | plan.chance(picked(CLICKED, place) * seen, "click", *keys)
    shown = shown.withColumn("clicked", click)
    person = F.col("clicked") & (kind != QUERY) & ~bot
    cart = person & (kind != PIN) & plan.chance(picked(CARTED, place), "cart", *keys)
    happened = (
        kind != QUERY,
        F.col("clicked"),
        person & plan.chance(picked(STAYED, place), "stay", *keys),
        person & plan.chance(picked(SAVED, place), "save", *keys),
        cart,
        cart & plan.chance(BOUGHT, "buy", *keys),
    )
    acts = F.array(*[F.when(done, F.lit(act)) for act, done in enumerate(happened)])
    acted = spread(shown, acts, "act")
    away = (F.col("act") >= SEARCH_ACTIONS.index("add_to_cart")) & plan.chance(OFFSITE, "offsite", *keys)
    second = plan.second(F.col("day")) + plan.below(86_000, "second", F.col("request")) + F.col("position") + F.col("act") * F.lit(30)
    return (
        acted.withColumn("event_id", F.concat_ws("-", F.concat(F.lit("e"), F.col("request").cast("string")), "position", "act"))
        .withColumn("entity_type", picked(KINDS, kind))
        .withColumn(
            "entity_id",
            F.when(kind == QUERY, F.col("next_text"))
            .when(kind == PRODUCT, entities.product_id(F.col("n")))
            .otherwise(entities.pin_id(F.col("n"))),
        )
        .withColumn("action", picked(SEARCH_ACTIONS, F.col("act")))
        .withColumn("offsite", away)
        .withColumn("second", second)
    )

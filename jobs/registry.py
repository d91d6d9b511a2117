"""Every job on one page: name, build, output, inputs and how each is read, tags. Standard library only."""

from jobs.spec import Ask, Input, Job, answered, days, frozen, log, opening, past, window
from schemas import answers, labels, raw, signals, state, texts, training

NIGHTLY = ("nightly",)
TEACHER = ("teacher",)
LABELS = ("labels",)

JOBS: tuple[Job, ...] = (
    Job(
        "pins",
        doc="The newest known fields of every pin.",
        build="jobs.pins.pins:build",
        output=state.PINS,
        tags=NIGHTLY,
        inputs={"updates": Input(raw.PIN_UPDATES, days())},
    ),
    Job(
        "products",
        doc="The newest known fields of every product.",
        build="jobs.products.products:build",
        output=state.PRODUCTS,
        tags=NIGHTLY,
        inputs={"updates": Input(raw.PRODUCT_UPDATES, days())},
    ),
    Job(
        "link_texts",
        doc="Title, description, main text and language of every linked page.",
        build="jobs.pins.link_texts:build",
        output=signals.LINK_TEXTS,
        tags=NIGHTLY,
        inputs={"pages": Input(raw.LINK_PAGES, days())},
        params="LinkTextParams",
        one_to_one="pages",
    ),
    Job(
        "images",
        doc="What is known of every image from its header; one that cannot be decoded is refused here.",
        build="jobs.images.images:build",
        output=signals.IMAGES,
        tags=NIGHTLY,
        inputs={"images": Input(raw.IMAGES, days())},
        params="ImageParams",
        one_to_one="images",
    ),
    Ask(
        "captions",
        doc="A model's words for every distinct image, asked once.",
        build="jobs.images.captions:build",
        output=answers.CAPTIONS,
        tags=NIGHTLY,
        inputs={"images": Input(signals.IMAGES, log()), "files": Input(raw.IMAGES, past())},
        params="Generation",
        model="captioner",
        loader="udfs.captions:load",
        asks=("image", "uri", "image_hash"),
        payload="jobs.images.captions:payload",
        # Pixels are large: 128 images of 1 024 x 1 024 are 400 MB while they wait.
        budget={"window_rows": 128, "window_bytes": 128 << 20, "batch_rows": 32},
    ),
    Job(
        "image_captions",
        doc="The words of the captioner that counts, by image.",
        build="jobs.images.image_captions:build",
        output=signals.IMAGE_CAPTIONS,
        tags=NIGHTLY,
        inputs={"images": Input(signals.IMAGES, log()), "captions": Input(answers.CAPTIONS, answered())},
    ),
    Job(
        "query_users",
        doc="Who asked which query on which day, for k-anonymity only.",
        build="jobs.queries.query_users:build",
        output=signals.QUERY_USERS,
        tags=NIGHTLY,
        inputs={"events": Input(raw.SEARCH_EVENTS, window(4))},
        params="EventParams",
    ),
    Job(
        "public_queries",
        doc="Queries that at least k distinct users asked in the last 90 days.",
        build="jobs.queries.public_queries:build",
        output=signals.PUBLIC_QUERIES,
        tags=NIGHTLY,
        inputs={"users": Input(signals.QUERY_USERS, window(91))},
        params="PublicQueryParams",
    ),
    Job(
        "engagement_daily",
        doc="Counts by action of every entity and query, a day.",
        build="jobs.queries.engagement_daily:build",
        output=signals.ENGAGEMENT_DAILY,
        tags=NIGHTLY,
        inputs={"events": Input(raw.SEARCH_EVENTS, window(4))},
        params="EventParams",
    ),
    Job(
        "engagement_totals",
        doc="Sums of the daily counts over two years: plus the new day, minus the one that expires.",
        build="jobs.queries.engagement_totals:build",
        output=signals.ENGAGEMENT_TOTALS,
        tags=NIGHTLY,
        inputs={
            "arriving": Input(signals.ENGAGEMENT_DAILY, days()),
            "expiring": Input(signals.ENGAGEMENT_DAILY, days(lag=730)),
            "totals": Input(signals.ENGAGEMENT_TOTALS, opening()),
        },
    ),
    Job(
        "engaged_queries",
        doc="The top public queries of every entity.",
        build="jobs.queries.engaged_queries:build",
        output=signals.ENGAGED_QUERIES,
        tags=NIGHTLY,
        inputs={"totals": Input(signals.ENGAGEMENT_TOTALS, log()), "public": Input(signals.PUBLIC_QUERIES, log())},
        params="EngagedQueryParams",
    ),
    Job(
        "link_clicks",
        doc="Long clicks of everything that links to a page, by page.",
        build="jobs.pins.link_clicks:build",
        output=signals.LINK_CLICKS,
        tags=NIGHTLY,
        inputs={
            "totals": Input(signals.ENGAGEMENT_TOTALS, log()),
            "pins": Input(state.PINS, log()),
            "products": Input(state.PRODUCTS, log(), optional=True),
            "clicks": Input(signals.LINK_CLICKS, opening()),
        },
    ),
    Job(
        "pin_boards",
        doc="Boards that hold a pin, and who saved it there.",
        build="jobs.boards.pin_boards:build",
        output=signals.PIN_BOARDS,
        tags=NIGHTLY,
        inputs={"events": Input(raw.BOARD_SAVES, window(4)), "holdings": Input(signals.PIN_BOARDS, opening())},
    ),
    Job(
        "word_prevalence",
        doc="In how many boards' titles a word stands, frozen monthly.",
        build="jobs.boards.word_prevalence:build",
        output=signals.WORD_PREVALENCE,
        tags=NIGHTLY,
        inputs={"holdings": Input(signals.PIN_BOARDS, log()), "pins": Input(state.PINS, log(), optional=True)},
    ),
    Job(
        "board_titles",
        doc="The board titles that describe a pin best.",
        build="jobs.boards.board_titles:build",
        output=signals.BOARD_TITLES,
        tags=NIGHTLY,
        inputs={
            "holdings": Input(signals.PIN_BOARDS, log()),
            "pins": Input(state.PINS, log(), optional=True),
            "prevalence": Input(signals.WORD_PREVALENCE, frozen()),
        },
        params="BoardTitleParams",
    ),
    Job(
        "pin_texts",
        doc="Every text source of a pin in its own column, and the text a model reads.",
        build="jobs.pins.pin_texts:build",
        output=texts.PINS,
        tags=NIGHTLY,
        inputs={
            "pins": Input(state.PINS, log()),
            "products": Input(state.PRODUCTS, log(), optional=True),
            "link_texts": Input(signals.LINK_TEXTS, log(), optional=True),
            "clicks": Input(signals.LINK_CLICKS, log(), optional=True),
            "captions": Input(signals.IMAGE_CAPTIONS, log(), optional=True),
            "boards": Input(signals.BOARD_TITLES, log(), optional=True),
            "queries": Input(signals.ENGAGED_QUERIES, log(), optional=True),
        },
        params="PinAssembly",
    ),
    Job(
        "product_texts",
        doc="Every text source of a product in its own column, and the text a model reads.",
        build="jobs.products.product_texts:build",
        output=texts.PRODUCTS,
        tags=NIGHTLY,
        inputs={
            "products": Input(state.PRODUCTS, log()),
            "pins": Input(state.PINS, log(), optional=True),
            "link_texts": Input(signals.LINK_TEXTS, log(), optional=True),
            "captions": Input(signals.IMAGE_CAPTIONS, log(), optional=True),
            "boards": Input(signals.BOARD_TITLES, log(), optional=True),
            "queries": Input(signals.ENGAGED_QUERIES, log(), optional=True),
        },
        params="ProductAssembly",
    ),
    Job(
        "teacher_examples",
        doc="What people graded, with the text of the entity as of that day; what users did counts up to 15 days earlier.",
        build="jobs.labels.teacher_examples:build",
        output=training.TEACHER_EXAMPLES,
        tags=TEACHER,
        inputs={
            "labels": Input(raw.HUMAN_LABELS, days()),
            "pins": Input(texts.PINS, log(), optional=True),
            "pins_before": Input(texts.PINS, log(lag=15), optional=True),
            "products": Input(texts.PRODUCTS, log(), optional=True),
            "products_before": Input(texts.PRODUCTS, log(lag=15), optional=True),
        },
        params="TeacherExampleParams",
    ),
    Job(
        "candidates",
        doc="Pairs that the teacher is asked about, sampled from the day's searches.",
        build="jobs.labels.candidates:build",
        output=labels.CANDIDATES,
        tags=LABELS,
        inputs={
            "events": Input(raw.SEARCH_EVENTS, window(4), optional=True),
            "public": Input(signals.PUBLIC_QUERIES, log(), optional=True),
            "examples": Input(training.TEACHER_EXAMPLES, past(), optional=True),
            "pins": Input(texts.PINS, log(), optional=True),
            "pins_before": Input(texts.PINS, log(lag=15), optional=True),
            "products": Input(texts.PRODUCTS, log(), optional=True),
            "products_before": Input(texts.PRODUCTS, log(lag=15), optional=True),
        },
        params="CandidateParams",
    ),
)


def job(name: str) -> Job:
    """The job of that name; KeyError where there is none."""
    for one in JOBS:
        if one.name == name:
            return one
    raise KeyError(name)

"""How well a teacher agrees with people, beside what needs no grades or no model: the word match of BM25, an encoder's cosine, the most
common grade. Each of these is mapped to grades by an ordinal regression that is fitted on the training queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import PinlakeError
from jobs.evaluation import coverage, word_match
from jobs.evaluation.metrics import Metric
from jobs.evaluation.relevance import Graded, Measured, System, differences, measured, on_levels
from models import ordinal
from models.encoder import Encoder
from models.teachers import has_prior
from udfs.engine import alone
from udfs.engine.task import Asking
from udfs.queries import normalised_query

Floats = npt.NDArray[np.float64]
ASKS = ("query", "text")
TEACHER, PRIOR, BASELINES = "teacher", "prior", ("bm25", "cosine", "majority")
FITTED = 1_500
"""Training pairs that the cosine's regression is fitted on: five numbers, and an encoder has to read them."""
LEAST = 30
"""A slice of fewer pairs says nothing."""
_GRADES = np.arange(1, 6)


@dataclass(frozen=True)
class DataSet:
    """Graded pairs of one scale: those that systems are measured on, and those that baselines are fitted on."""

    name: str
    low: int
    high: int
    measured: pa.Table
    fitted: pa.Table

    def graded(self, rows: pa.Table | None = None) -> Graded:
        """What people said of the measured pairs, or of these of them."""
        rows = self.measured if rows is None else rows
        level = np.floor(rows["level"].to_numpy() + 0.5).astype(np.int64)
        if self.high - self.low == len(_GRADES) - 1:
            level = pc.coalesce(rows["grade"], pa.array(level)).to_numpy().astype(np.int64)
        query = rows["query"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        return Graded(query, np.clip(level, self.low, self.high), self.low, self.high)


def data_sets(rows: Path | pa.Table, part: str = "test", name: str = "training.teacher_examples") -> list[DataSet]:
    """The graded pairs by the scale of their raters; those of the part are measured, those of the training queries fitted on."""
    table = rows if isinstance(rows, pa.Table) else ds.dataset(rows, format="parquet").to_table()
    table = table.sort_by([("query", "ascending"), ("text", "ascending")])
    scales = table.group_by(["level_low", "level_high"]).aggregate([]).sort_by("level_high").to_pylist()
    found = []
    for scale in scales:
        low, high = scale["level_low"], scale["level_high"]
        own = table.filter((pc.field("level_low") == low) & (pc.field("level_high") == high))
        measured_on, fitted_on = (own.filter(pc.field("split") == name) for name in (part, "train"))
        if len(measured_on) and len(fitted_on):
            found.append(DataSet(f"{name} {part} {low}-{high}", low, high, measured_on, fitted_on))
    return found


def with_popularity(rows: DataFrame, totals: DataFrame) -> DataFrame:
    """The rows with `popularity`, the part that their query belongs to by what users did after it in two years (`totals`, as of a day)."""
    engaged = coverage.engagements_of("query", totals).withColumnRenamed("query", "_query")
    joined = rows.withColumn("_query", normalised_query("query")).join(engaged, "_query", "left")
    return joined.withColumn("popularity", coverage.popularity(F.coalesce("engagements", F.lit(0)))).drop("_query", "engagements")


def prior_of(asking: Asking) -> Asking | None:
    """How the teacher's prior is asked by itself, in fp32 without a probe; None where it has none."""
    if not has_prior(Path(asking.folder)):
        return None
    return replace(asking, options={**asking.options, "prior_alone": True}, precision="fp32")


def told(asking: Asking, rows: pa.Table, say: Callable[[str], None], asks: Sequence[str] = ASKS) -> Floats:
    """The model's probabilities of the five grades of pairs, (n, 5); of a pair that it refuses, all grades alike. `asks`: what it reads."""
    columns = [rows[name].combine_chunks() for name in asks]
    found, _, _ = alone.answers(asking, columns)
    values = found.fill_null(pa.scalar([0.2] * 5, found.type))
    say(f"{len(rows)} graded pairs asked")
    return np.asarray(values.flatten(), np.float64).reshape(-1, 5)


def system(probabilities: Floats, data: DataSet, score: Floats | None = None) -> System:
    """Probabilities of grades as a system on the scale of the raters; ordered by the expected grade where nothing else is given."""
    return System(probabilities @ _GRADES if score is None else score, on_levels(probabilities, data.low, data.high))


def baselines(data: DataSet, encoder: Path) -> dict[str, System]:
    """What each of BASELINES says of the measured pairs."""
    target = _targets(data.fitted)
    some = np.unique(np.linspace(0, len(target) - 1, FITTED).astype(int))
    few = data.fitted.take(pa.array(some))
    fitted, score = _bm25(data)
    scores = {"bm25": (fitted, target, score), "cosine": (_cosine(few, encoder), target[some], _cosine(data.measured, encoder))}
    found = {}
    for name, (own, wanted, said) in scores.items():
        found[name] = system(ordinal.fitted(own[:, None], wanted).probabilities(said[:, None]), data, said)
    common = np.tile(target.mean(axis=0), (len(data.measured), 1))
    found["majority"] = system(common, data)
    return found


def _targets(rows: pa.Table) -> Floats:
    return np.asarray(rows["target"].combine_chunks().flatten(), np.float64).reshape(-1, 5)


def _bm25(data: DataSet) -> tuple[Floats, Floats]:
    """BM25 (bm25s, its Lucene variant) of fitted and measured pairs over the texts of both."""
    both = pa.concat_tables([data.fitted.select(["query", "text"]), data.measured.select(["query", "text"])])
    queries, texts = (both[name].combine_chunks().dictionary_encode() for name in ("query", "text"))
    query_of, text_of = queries.indices.to_numpy(), texts.indices.to_numpy()
    found = np.zeros(len(both))
    for place, said in enumerate(word_match.scores(texts.dictionary.to_pylist(), queries.dictionary.to_pylist())):
        own = query_of == place  # of a query's scores of all texts, its own pairs' are taken
        found[own] = said[text_of[own]]
    return found[: len(data.fitted)], found[len(data.fitted) :]


def _cosine(rows: pa.Table, encoder: Path) -> Floats:
    """The encoder's cosine of query and text, each read alone, untuned."""
    model = Encoder.loaded(encoder)
    sides = []
    for name, role in (("query", "query"), ("text", "document")):
        encoded = rows[name].combine_chunks().dictionary_encode()
        vectors = model.all_vectors(encoded.dictionary.to_pylist(), role)  # type: ignore[arg-type]
        sides.append(vectors[encoded.indices.to_numpy()].astype(np.float64))
    found: Floats = (sides[0] * sides[1]).sum(axis=1)
    return found


def slices(rows: pa.Table) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """(name, which pairs) of every part of the pairs with enough of them: by language, entity type, popularity of the query, and source."""
    for name in ("language", "entity_type", "popularity"):
        if name not in rows.column_names:
            continue
        values = pc.fill_null(rows[name], "unknown")
        for value in sorted(pc.unique(values).to_pylist()):
            yield from _large(f"{name}={value}", pc.equal(values, value))
    sources = rows["sources"].to_pylist()
    for source in sorted({one for given in sources for one in given or ()}):
        has = np.array([source in (given or ()) for given in sources])
        yield from _large(f"with {source}", has)
        yield from _large(f"without {source}", ~has)


def _large(name: str, which: Any) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    places = np.asarray(which).astype(bool)
    if LEAST <= places.sum() < len(places):
        yield name, places


def evaluated(data: DataSet, systems: Mapping[str, System]) -> dict[str, Any]:
    """{pairs, queries, systems: {name: {measure: Measured}}, differences: {other: ...}, slices: {name: ...}} of a data set."""
    graded = data.graded()
    teacher = systems[TEACHER]
    found: dict[str, Any] = {
        "pairs": len(graded),
        "queries": len(np.unique(graded.query)),
        "systems": {name: measured(graded, one) for name, one in systems.items()},
        "differences": {name: differences(graded, teacher, one) for name, one in systems.items() if name != TEACHER},
        "slices": {},
    }
    for name, places in slices(data.measured):
        part = data.measured.filter(pa.array(places))
        probabilities = None if teacher.probabilities is None else teacher.probabilities[places]
        found["slices"][name] = measured(data.graded(part), System(teacher.score[places], probabilities), resampled=200)
    return found


def metrics(found: Mapping[str, Mapping[str, Any]], revisions: Mapping[str, str], versions: Mapping[str, int]) -> list[Metric]:
    """What was found of every data set, as rows of evaluation.metrics; slices and differences are of its `lead`, else of the teacher."""
    rows = []
    for data_set, one in found.items():
        lead = one.get("lead", TEACHER)
        parts = {"all": one["systems"], **{name: {lead: measures} for name, measures in one["slices"].items()}}
        for part, systems in parts.items():
            for name, measures in systems.items():
                rows += _rows(data_set, part, name, measures, revisions, versions)
        for name, measures in one["differences"].items():
            rows += _rows(data_set, "all", f"{lead} - {name}", measures, revisions, versions)
    return rows


def _rows(
    data_set: str, part: str, name: str, measures: Mapping[str, Measured], revisions: Mapping[str, str], versions: Mapping[str, int]
) -> list[Metric]:
    return [
        Metric(data_set, part, f"{name} {measure}", m.value, m.count, m.lower, m.upper, dict(revisions), dict(versions))
        for measure, m in measures.items()
    ]


def as_json(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What was found as plain numbers, rounded to four places."""
    return {data_set: {name: _plain(value) for name, value in one.items()} for data_set, one in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Measured):
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in vars(value).items()}
    return {name: _plain(v) for name, v in value.items()} if isinstance(value, Mapping) else value


def lines(found: Mapping[str, Mapping[str, Any]]) -> list[list[tuple[str, ...]]]:
    """For every data set two tables: a line a system and slice, a column a measure; and the teacher minus each other system, with
    intervals by query."""
    tables = []
    for data_set, one in found.items():
        lead = one.get("lead", TEACHER)
        names = list(one["systems"][lead])
        rows = [(f"{data_set}: {one['pairs']} pairs, {one['queries']} queries", *names)]
        rows += [(name, *(_number(m.get(n)) for n in names)) for name, m in one["systems"].items()]
        rows += [(f"{lead}, {name} ({m[names[0]].count})", *(_number(m.get(n)) for n in names)) for name, m in one["slices"].items()]
        tables.append(rows)
        if one["differences"]:
            rows = [(f"{lead} minus", *one["differences"])]
            rows += [(name, *(_interval(m.get(name)) for m in one["differences"].values())) for name in names]
            tables.append(rows)
    return tables


def _number(one: Measured | None) -> str:
    return "" if one is None or one.value is None else f"{one.value:.3f}"


def _interval(one: Measured | None) -> str:
    if one is None or one.value is None or one.lower is None or one.upper is None:
        return ""
    return f"{one.value:+.3f} [{one.lower:+.3f}, {one.upper:+.3f}]"


@dataclass(frozen=True)
class Judgement:
    """Whether a new teacher may count, why, and the mean AUROC of the new one and of what it was compared with."""

    promote: bool
    why: str
    metrics: Mapping[str, float]


def measures(rows: Path | pa.Table, asking: Asking, say: Callable[[str], None]) -> dict[str, Any]:
    """`of_pairs` of a teacher, with prior_mean_auroc, that of its prior alone, None where it has none."""
    sets, prior = judging(rows), prior_of(asking)
    alone_auroc = mean_auroc(asked(sets, prior, say).values()) if prior else None
    return {**of_pairs(sets, asking, say), "prior_mean_auroc": alone_auroc}


def of_pairs(sets: Sequence[DataSet], asking: Asking, say: Callable[[str], None], asks: Sequence[str] = ASKS) -> dict[str, Any]:
    """{mean_auroc, pairs, data_sets: {name: {measure: value}}} of a model on what people graded."""
    found = asked(sets, asking, say, asks)
    return {
        "mean_auroc": mean_auroc(found.values()),
        "pairs": sum(len(data.measured) for data in sets),
        "data_sets": {name: {measure: m.value for measure, m in one.items()} for name, one in found.items()},
    }


def judged(rows: Path, new: Mapping[str, Any], old: Asking | None, encoder: Path, say: Callable[[str], None]) -> Judgement:
    """A new teacher, by what `measures` found of it, beside the one that counts. What its prior alone comes to is told: the difference is
    what tuning gave."""
    found, prior = compared(judging(rows), new, old, TEACHER, encoder, say), new.get("prior_mean_auroc")
    if prior is None:
        return found
    return Judgement(found.promote, f"{found.why}, its prior alone {prior:.3f}", {**found.metrics, "prior_alone": prior})


def compared(
    sets: Sequence[DataSet],
    new: Mapping[str, Any],
    old: Asking | None,
    kind: str,
    encoder: Path,
    say: Callable[[str], None],
    asks: Sequence[str] = ASKS,
) -> Judgement:
    """A new model beside the one of its kind that counts on the same pairs, or beside an untuned encoder's cosine where none does: with a
    lower mean AUROC it is not promoted."""
    if old is None:
        name = "the untuned encoder's cosine"
        theirs = mean_auroc(measured(d.graded(), System(_cosine(d.measured, encoder)), resampled=0) for d in sets)
    else:
        name, theirs = f"the {kind} that counts", mean_auroc(asked(sets, old, say, asks).values())
    ours = new["mean_auroc"]
    why = f"mean AUROC {ours:.3f} on {new['pairs']} pairs of unseen queries, {name} {theirs:.3f}"
    better = bool(ours >= theirs)
    return Judgement(better, why if better else f"worse: {why}", {"mean_auroc": ours, "compared_with": theirs})


def judging(rows: Path | pa.Table) -> list[DataSet]:
    """What a model is judged by: test queries, or validation queries where there are none; PinlakeError where there are neither."""
    sets = data_sets(rows) or data_sets(rows, "validation")
    if not sets:
        raise PinlakeError("no graded pairs of test or validation queries: nothing to judge a model by; import more labelled queries")
    return sets


def asked(
    sets: Iterable[DataSet], asking: Asking, say: Callable[[str], None], asks: Sequence[str] = ASKS
) -> dict[str, dict[str, Measured]]:
    """The measures of a model by data set, without intervals."""
    return {data.name: measured(data.graded(), system(told(asking, data.measured, say, asks), data), resampled=0) for data in sets}


def mean_auroc(found: Iterable[Mapping[str, Measured]]) -> float:
    """The mean of all AUROCs of some data sets; nan where no pair is relevant, or every one."""
    values = [m.value for one in found for name, m in one.items() if name.startswith("auroc") and m.value is not None]
    return float(np.mean(values)) if values else float("nan")

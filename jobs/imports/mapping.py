"""Mappings: which source columns fill which columns of raw tables, read from TOML and checked. Standard library only."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping as Values
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from jobs.errors import UsageError
from schemas import raw
from schemas.contract import IDENTIFIER, Column, Table

Scalar = str | int | float | bool | dt.date | dt.datetime
# What a constant must be in TOML for a column of the type; arrays, structs and bytes cannot be constants.
_CONSTANTS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "int": (int,),
    "bigint": (int,),
    "float": (int, float),
    "double": (int, float),
    "decimal": (int, float),
    "date": (str, dt.date),
    "timestamp": (str, dt.datetime),
}
_TABLES = {table.name: table for table in raw.TABLES}
# An option of a table begins with an underscore, which no column does.
_REPEATED = "_repeated"


@dataclass(frozen=True)
class Source:
    """The value of a column of the file."""

    column: str


@dataclass(frozen=True)
class Constant:
    """The same value in every row."""

    value: Scalar


@dataclass(frozen=True)
class Transform:
    """A value made from columns of the file; `separator` is what `split` splits at and `concat` puts between."""

    name: str
    of: tuple[str, ...]
    separator: str | None = None


@dataclass(frozen=True)
class TransformRule:
    """What a transform takes and gives."""

    doc: str
    gives: str
    most: int = 1
    separator: bool = False


TRANSFORMS = {
    "sha256_id": TransformRule(
        "an id: sha256 (hex) of the values, joined by the unit separator, nulls as empty; null where all are null", "string", 16
    ),
    "concat": TransformRule("the values that are not null, joined by `separator`", "string", 16, separator=True),
    "split": TransformRule("a list: the text split at `separator`, parts trimmed, empty ones left out", "array<string>", separator=True),
    "to_utf8_bytes": TransformRule("the text as UTF-8 bytes", "binary"),
    "base64_bytes": TransformRule("the bytes that the text spells in base64", "binary"),
    "utc_timestamp": TransformRule("a timestamp: ISO 8601 text, in UTC where it names no zone", "timestamp"),
    "epoch_timestamp": TransformRule("a timestamp: seconds since 1970, UTC", "timestamp"),
}
Expression = Source | Constant | Transform


@dataclass(frozen=True)
class TableMapping:
    """How one raw table is filled. `merge_equal`: rows that are equal in all columns count once; else any repeated key is refused."""

    table: Table
    columns: tuple[tuple[str, Expression], ...]
    merge_equal: bool = False

    def sources(self) -> tuple[str, ...]:
        """The columns of the file that are read, in order of first use."""
        found: dict[str, None] = {}
        for _, expression in self.columns:
            for name in (
                expression.of if isinstance(expression, Transform) else (expression.column,) if isinstance(expression, Source) else ()
            ):
                found[name] = None
        return tuple(found)


@dataclass(frozen=True)
class Mapping:
    """A mapping by name: the name signs the rows that it writes."""

    name: str
    tables: tuple[TableMapping, ...]


def shipped() -> tuple[str, ...]:
    """Names of the mappings that ship, sorted."""
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in files("jobs.imports").joinpath("mappings").iterdir() if f.name.endswith(".toml"))
    )


def load(mapping: str) -> Mapping:
    """The mapping of a TOML file, or the shipped one of that name; UsageError says what is wrong and what is allowed."""
    if mapping.endswith(".toml"):
        path = Path(mapping)
        if not path.is_file():
            raise UsageError(f"{mapping}: there is no such mapping file; shipped mappings: {', '.join(shipped())}")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{mapping}: is not UTF-8 text") from error
        return parsed(text, path.stem, mapping)
    if not IDENTIFIER.match(mapping) or mapping not in shipped():
        raise UsageError(f"{mapping[:80]!r} is no mapping: give a file that ends in .toml, or one of {', '.join(shipped())}")
    text = files("jobs.imports").joinpath("mappings", f"{mapping}.toml").read_text(encoding="utf-8")
    return parsed(text, mapping, f"{mapping}.toml")


def parsed(text: str, name: str, where: str) -> Mapping:
    """The mapping that a TOML text spells; UsageError names the file (`where`), the key and what is allowed."""
    if not IDENTIFIER.match(name):
        raise UsageError(f"{where}: the file's name signs the rows, so it must match {IDENTIFIER.pattern}, such as my_pages.toml")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: is not TOML: {error}") from error
    layers = found.pop("raw", None)
    if found or not isinstance(layers, dict) or not layers:
        unknown = next(iter(found), None)
        raise UsageError(f"{where}: {f'unknown key {unknown}' if unknown else 'no table'}; a mapping consists of {_allowed(_TABLES)}")
    return Mapping(name, tuple(_table(where, f"raw.{table}", columns) for table, columns in layers.items()))


def _table(where: str, name: str, given: Any) -> TableMapping:
    """The mapping of one table."""
    if name not in _TABLES:
        raise UsageError(f"{where}: unknown table {name}; allowed: {', '.join(_TABLES)}")
    if not isinstance(given, dict):
        raise UsageError(f"{where}: {name} must be a table of columns, [{name}]")
    table = _TABLES[name]
    known = {c.name: c for c in table.columns if c != raw.WRITTEN_BY}
    repeated = given.get(_REPEATED, "refuse")
    if repeated not in ("refuse", "merge_equal"):
        raise UsageError(f"{where}: {name}.{_REPEATED} is {repeated!r}; allowed: refuse, merge_equal")
    columns = []
    for key, value in given.items():
        if key == _REPEATED:
            continue
        if key not in known:
            raise UsageError(f"{where}: {name} has no column {key} to fill; allowed: {', '.join(known)}")
        columns.append((key, _expression(f"{where}: {name}.{key}", known[key], value)))
    missing = [c.name for c in known.values() if c.required and c.name not in given]
    if missing:
        raise UsageError(f"{where}: {name} needs {', '.join(missing)}")
    return TableMapping(table, tuple(columns), repeated == "merge_equal")


def _expression(where: str, column: Column, value: Any) -> Expression:
    """What fills one column."""
    if isinstance(value, str):
        return Source(value)
    if isinstance(value, dict) and set(value) == {"constant"}:
        return _constant(where, column, value["constant"])
    if isinstance(value, dict) and "transform" in value:
        return _transform(where, column, value)
    raise UsageError(f"{where}: must be the name of a source column, {{constant = ...}} or {{transform = ..., of = [...]}}")


def _constant(where: str, column: Column, value: Any) -> Constant:
    """A constant that suits the column's type."""
    kinds: tuple[type, ...] = _CONSTANTS.get(re.sub(r"\(.*", "", column.type), ())
    # In Python a boolean is a number.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = f"give a {' or '.join(kind.__name__ for kind in kinds)}" if kinds else "constants cannot be of this type"
        raise UsageError(f"{where}: the constant {value!r} does not suit {column.type}; {wanted}")
    return Constant(cast(Scalar, value))


def _transform(where: str, column: Column, value: Values[str, Any]) -> Transform:
    """A transform with the arguments that it takes."""
    name = value["transform"]
    rule = TRANSFORMS.get(name) if isinstance(name, str) else None
    if rule is None:
        raise UsageError(f"{where}: unknown transform {name!r}; allowed: {', '.join(TRANSFORMS)}")
    takes = ("transform", "of", "separator") if rule.separator else ("transform", "of")
    if unknown := [key for key in value if key not in takes]:
        raise UsageError(f"{where}: {name} takes no {unknown[0]}; allowed: {', '.join(takes)}")
    of = value.get("of")
    of = [of] if isinstance(of, str) else of
    if not isinstance(of, list) or not 1 <= len(of) <= rule.most or not all(isinstance(one, str) for one in of):
        raise UsageError(f"{where}: {name} needs of = [{'one source column' if rule.most == 1 else 'source columns'}]")
    separator = value.get("separator")
    if rule.separator and not (isinstance(separator, str) and separator):
        raise UsageError(f"{where}: {name} needs separator = '...'")
    if rule.gives != column.type:
        raise UsageError(f"{where}: {name} gives {rule.gives}, the column is {column.type}")
    return Transform(name, tuple(of), separator)


def _allowed(tables: Values[str, Table]) -> str:
    """The headings that a mapping may have."""
    return ", ".join(f"[{name}]" for name in tables)

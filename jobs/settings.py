"""Settings: defaults, then pinlake.toml, then the environment (PINLAKE_*), then command-line flags; a later one wins."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_serializer, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from jobs.errors import UsageError
from models.specs import NOT_CONNECTED, ModelError, parse
from schemas.contract import IDENTIFIER

PREFIX = "PINLAKE_"
_URI = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET = re.compile(r"secret|password|passwd|token|credential|(^|[._-])key|key$", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY_SECRET = re.compile(r"(?i)([?&;][^=&;\s]*(?:secret|password|token|sig|key)[^=&;\s]*=)[^&;\s]+")
_MASK = "****"


class SettingsError(UsageError):
    """A setting that cannot be used; the message names it and where it came from."""


class Engine(BaseModel):
    """How models are asked. None of it changes what an answer means, so none of it is a part of a revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        "auto", description="numbers that models run with; auto, and for a model that cannot run with them: a probe decides"
    )
    threads: int | None = Field(None, ge=1, description="threads of each task; as many as the cores allow where not set")
    chunk_seconds: float = Field(300, gt=0, description="about how long a chunk takes: what a killed run asks again at most")
    window_rows: int | None = Field(None, ge=1, description="distinct inputs of a window; the job's own where not set")
    window_bytes: int | None = Field(None, ge=1, description="bytes of a window; the job's own where not set")
    batch_tokens: int | None = Field(None, ge=1, description="padded tokens of a batch; what suits the device where not set")
    batch_rows: int | None = Field(None, ge=1, description="rows of a batch; the job's own where not set")

    def budget(self) -> dict[str, int]:
        """The sizes that are set, by name (udfs/engine/task.py: Budget)."""
        sizes = {name: getattr(self, name) for name in ("window_rows", "window_bytes", "batch_tokens", "batch_rows")}
        return {name: size for name, size in sizes.items() if size is not None}


class Settings(BaseSettings):
    """Every setting of a session, with absolute local paths. Made by `load`, never changed."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True)

    warehouse: str = Field("./warehouse", description="folder or URI under which all tables live")
    master: str | None = Field(None, description="Spark master; local[*] where not set, and spark-submit's own under spark-submit")
    jars: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Delta jars, or folders of jars, by path; the cached ones where not set"
    )
    jars_cache: str = Field("~/.cache/pinlake/jars", description="folder in which the jars are kept once fetched")
    maven_repository: str | None = Field(None, description="Maven repository that the jars are fetched from")
    driver_memory: str = Field("4g", pattern=r"^\d+[kmgt]$", description="memory of the driver's JVM, such as 4g")
    step_days: int = Field(31, ge=1, le=366, description="days that a backfill computes in one step")
    jobs_at_once: int = Field(2, ge=1, le=64, description="jobs that run side by side, each after those that it reads")
    spark: dict[str, str] = Field({}, description="further Spark settings: [spark] in pinlake.toml")
    models: dict[str, str] = Field({}, description="specs of models by what they are for, or none: [models] in pinlake.toml")
    models_cache: Path = Field(Path("~/.cache/pinlake/models"), description="folder in which models are kept once fetched and converted")
    models_trained: str | None = Field(
        None, description="folder in which trained models are kept, for all who use the warehouse; WAREHOUSE/_models where not set"
    )
    models_shared: bool = Field(False, description="executors of a cluster see models_cache by the same path; else models are sent to them")
    engine: Engine = Field(default_factory=lambda: Engine.model_validate({}), description="how models are asked: [engine] in pinlake.toml")
    log_format: Literal["text", "json"] = Field("text", description="lines on stderr: text, or a JSON object each")
    metrics_dir: Path | None = Field(None, description="folder for a file of Prometheus metrics of every job; none where not set")
    data_docs_dir: Path | None = Field(
        None, description="folder for a page of every table's checks (Great Expectations); none where not set"
    )
    openlineage: dict[str, Any] = Field({}, description="where lineage events go: [openlineage] in pinlake.toml; nowhere where not set")
    params: dict[str, dict[str, Any]] = Field({}, description="parameters of jobs: [params.JOB] in pinlake.toml")
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> dict[str, str]:
        """Where each value came from, by dotted name: a path of pinlake.toml, an environment variable or `flag`; else `default`."""
        return dict(self._origins)

    @classmethod
    def settings_customise_sources(cls, settings_cls: type[BaseSettings], init_settings: Any, *_: Any, **__: Any) -> tuple[Any, ...]:
        """Only what `load` hands over: it merges the sources itself, to know where each value came from."""
        return (init_settings,)

    @field_validator("warehouse", "jars_cache")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return _location(value)

    @field_validator("models_cache", "metrics_dir", "data_docs_dir", mode="before")
    @classmethod
    def _absolute_models(cls, value: object) -> str | None:
        if value is None:
            return None
        location = _location(str(value))
        if not location.startswith("/"):
            raise ValueError("must be a folder on this machine, or one that is mounted on it")
        return location

    @field_serializer("models_cache", "metrics_dir", "data_docs_dir")
    def _as_text(self, value: Path | None) -> str | None:
        return None if value is None else str(value)

    @field_validator("models")
    @classmethod
    def _specs(cls, value: dict[str, str]) -> dict[str, str]:
        for name, spec in value.items():
            if not IDENTIFIER.match(name):
                raise ValueError(f"{name!r} is no name of a model: must match {IDENTIFIER.pattern}")
            if spec != NOT_CONNECTED:
                try:
                    parse(spec)
                except ModelError as error:
                    raise ValueError(str(error)) from None
        return value

    @field_validator("jars", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("jars")
    @classmethod
    def _absolute_jars(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_location(jar) for jar in value)

    @field_validator("spark", mode="before")
    @classmethod
    def _spark_names(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        for name in value:
            if not str(name).startswith("spark."):
                raise ValueError(f"{name} is no Spark setting: their names begin with 'spark.'")
        return {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in value.items()}


def load(overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings as they stand; `overrides` are those of the command line (None: not given). SettingsError names what is wrong."""
    env = os.environ if environ is None else environ
    sources: list[tuple[str, dict[str, Any]]] = [_from_file(env), ("environment", _from_environment(env))]
    sources.append(("flag", {k: v for k, v in (overrides or {}).items() if v is not None}))
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, values in sources:
        _known(origin, values)
        for name, value in values.items():
            value = _flat(value) if name == "spark" and isinstance(value, Mapping) else value
            merged[name] = _merged(merged.get(name), value)
            for dotted in _dotted(name, value):
                origins[dotted] = origin if origin != "environment" else f"environment {PREFIX}{name.upper()}"
    if merged.get("master") is None and not submitted(env):
        merged["master"] = "local[*]"
    try:
        settings = Settings(**merged)
    except ValidationError as e:
        raise SettingsError("; ".join(_reason(error, origins) for error in e.errors())) from None
    settings._origins.update(origins)
    return settings


def submitted(environ: Mapping[str, str] | None = None) -> bool:
    """True where spark-submit started this process: the JVM, the master and the jars are those that it was given."""
    return "PYSPARK_GATEWAY_PORT" in (os.environ if environ is None else environ)


def masked(settings: Settings) -> dict[str, Any]:
    """All settings by name, secrets and credentials inside URIs replaced by ****."""
    return {name: _masked(name, value) for name, value in settings.model_dump().items()}


def described(settings: Settings) -> str:
    """All settings as text, one a line, with where each came from; secrets masked."""
    from jobs.describing import aligned  # reads the registry, which settings themselves do not need

    rows = []
    for name, value in masked(settings).items():
        leaves = _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
        for dotted, leaf in leaves.items():
            shown = ", ".join(leaf) if name == "jars" else "not set" if leaf is None else str(leaf)
            rows.append((dotted, shown or "not set", settings.origins.get(dotted, "default")))
    return aligned([("setting", "value", "from"), *rows])


def _from_file(env: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Name and values of the settings file; no values where there is none. A file named by PINLAKE_CONFIG must exist."""
    named = env.get(f"{PREFIX}CONFIG")
    path = Path(named or "pinlake.toml").expanduser()
    if not named and not path.is_file():
        return str(path), {}
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(f"{path}: not TOML: {e}") from None
    except (OSError, UnicodeError, ValueError) as e:
        raise SettingsError(f"{named!r} ({PREFIX}CONFIG or pinlake.toml) cannot be read: {e}") from None


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """Values of the PINLAKE_* variables that name a setting; [spark] and [params] are JSON objects there."""
    source = EnvSettingsSource(Settings)
    source.env_vars = {key.lower(): value for key, value in env.items() if value}
    try:
        return dict(source())
    except ValueError as e:
        raise SettingsError(f"environment: {e}; {PREFIX}SPARK and {PREFIX}PARAMS are JSON objects") from None


def _known(origin: str, values: Mapping[str, Any]) -> None:
    """Nothing; SettingsError names keys that are no settings, and lists those that are."""
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(f"{origin}: unknown setting {', '.join(unknown)}; known are {', '.join(Settings.model_fields)}")


def _location(text: str) -> str:
    """An absolute local path without a scheme, or the URI as it is; ValueError says why it cannot be one."""
    if not text.strip():
        raise ValueError("is empty: give a folder or a URI")
    if _CONTROL.search(text):
        raise ValueError(f"{_masked('', text)[:80]!r} holds a control character")
    if _URI.match(text) and not text.startswith("file:"):
        return text.rstrip("/") if not text.endswith("://") else text
    if text.startswith("file:"):
        host, path = urlsplit(text).netloc, unquote(urlsplit(text).path)
        if host not in ("", "localhost") or not path.startswith("/") or _CONTROL.search(path):
            raise ValueError(f"{_masked('', text)[:80]!r} is not a local file URI: write file:///folder")
        text = path
    if len(text.encode()) > 4000 or any(len(part.encode()) > 255 for part in text.split("/")):
        raise ValueError(f"{_masked('', text)[:40]!r}... is longer than a file system allows")
    try:
        return str(Path(text).expanduser().resolve())
    except RuntimeError as e:
        raise ValueError(f"{_masked('', text)[:80]!r} names the home folder of a user that this machine does not have") from e


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted name: TOML reads `spark.a.b = 1` as tables within tables."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _dotted(name: str, value: object) -> list[str]:
    """Names under which the origin of a value is noted: a dictionary's leaves each have their own."""
    return [f"{name}.{leaf}" for leaf in _flat(value)] if isinstance(value, Mapping) else [name]


def _merged(old: Any, new: Any) -> Any:
    """The later value; dictionaries are merged name by name."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


def _masked(name: str, value: Any) -> Any:
    """The value as it may be shown."""
    if isinstance(value, Mapping):
        return {k: _masked(k, v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, v) for v in value]
    if isinstance(value, str):
        if _SECRET.search(name):
            return _MASK
        return _QUERY_SECRET.sub(rf"\g<1>{_MASK}", _USERINFO.sub(f"{_MASK}@", value))
    return value


def _reason(error: Any, origins: Mapping[str, str]) -> str:
    """One line about one refused value, without the value: it may be a secret."""
    name = ".".join(str(part) for part in error["loc"])
    parent = str(error["loc"][0])
    origin = origins.get(name) or next((o for dotted, o in origins.items() if dotted.split(".")[0] == parent), "default")
    return f"{origin}: {name}: {error['msg'].removeprefix('Value error, ')}"

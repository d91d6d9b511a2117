"""The set-up: commands that explain themselves, and the machine's own configuration of pip reaching uv."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def ci(tmp_path):
    """A copy of the set-up scripts beside a uv that prints its settings and a pip that prints the configuration in `pip.txt`."""
    shutil.copytree(ROOT / ".ci", tmp_path / "a b" / ".ci")
    binaries = tmp_path / "a b" / ".uv" / "bin"
    binaries.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    scripts = {
        binaries / "uv": '#!/bin/sh\nenv | grep -E "^(UV_|SSL_CERT_FILE)" | sort\nprintf "%s|" "$@"\n',
        binaries / "python": f'#!/bin/sh\ncat "{tmp_path}/pip.txt"\n',
        tmp_path / "bin" / "python3.11": "#!/bin/sh\nexit 127\n",
        tmp_path / "bin" / "python3": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        tmp_path / "bin" / "java": "#!/bin/sh\n",
    }
    for path, text in scripts.items():
        path.write_text(text)
        path.chmod(0o755)
    for tool in ("bash", "env", "dirname", "sed", "grep", "sort", "cat", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def script(ci, name, *args, **environ):
    return subprocess.run(
        [str(ci / "a b" / ".ci" / name), *args], capture_output=True, text=True, env={"PATH": str(ci / "bin")} | environ, check=False
    )


def test_make_lists_every_command_with_what_it_does():
    makefile = (ROOT / "Makefile").read_text()
    commands = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    text = subprocess.run(["make", "--no-print-directory"], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert [line.split()[1] for line in text.strip().split("\n")] == commands
    assert all(len(line.split()) > 4 for line in text.strip().split("\n"))


@pytest.mark.parametrize(
    ("pip", "environ", "wanted"),
    [
        ("", {}, []),
        ("global.index-url='https://one/simple'", {}, ["UV_DEFAULT_INDEX=https://one/simple"]),
        (
            "global.index-url='https://one/simple'\ninstall.index-url='https://two/simple'\n:env:.index-url='https://three/simple'",
            {},
            ["UV_DEFAULT_INDEX=https://three/simple"],
        ),
        (
            "global.index-url='https://one'\nglobal.cert='/c.pem'",
            {"UV_INDEX_URL": "https://own", "SSL_CERT_FILE": "/own.pem"},
            ["SSL_CERT_FILE=/own.pem", "UV_INDEX_URL=https://own"],
        ),
        (
            "global.cert='/c.pem'\nglobal.extra-index-url='\\nhttps://x\\nhttps://y'",
            {},
            ["SSL_CERT_FILE=/c.pem", "UV_EXTRA_INDEX_URL= https://x https://y"],
        ),
        (":env:.find-links='/no/such/folder / https://w/'", {}, ["UV_FIND_LINKS=/,https://w/"]),
    ],
)
def test_uv_gets_what_pip_is_configured_for_unless_it_has_its_own(ci, pip, environ, wanted):
    (ci / "pip.txt").write_text(pip)
    done = script(ci, "uv", "pip", "a b", **environ)
    assert done.returncode == 0, done.stderr
    *settings, arguments = done.stdout.split("\n")
    assert settings == wanted
    assert arguments == "pip|a b|"


def test_a_python_that_starts_nothing_is_passed_over_and_a_missing_one_is_named(ci):
    found = script(ci, "python")
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)
    (ci / "bin" / "python3").unlink()
    missing = script(ci, "python")
    assert missing.returncode == 1
    assert "needs Python 3.11" in missing.stderr
    assert script(ci, "python", PYTHON=sys.executable).stdout.strip() == sys.executable


def test_without_java_nothing_is_set_up(ci):
    (ci / "bin" / "java").unlink()
    missing = script(ci, "python")
    assert missing.returncode == 1
    assert "needs Java 17" in missing.stderr
    (ci / "jdk" / "bin").mkdir(parents=True)
    shutil.copy(ci / "bin" / "python3", ci / "jdk" / "bin" / "java")
    assert script(ci, "python", JAVA_HOME=str(ci / "jdk")).returncode == 0

"""Where files come from: a hub over HTTP, folders, what is shipped."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models import sources
from models.specs import ModelError
from models.store import ModelStore, stamps
from tests.models.folders import plain

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROOT = Path(__file__).parents[2]


class Hub(ThreadingHTTPServer):
    """A hub with one repository at one commit, which remembers the files that were fetched."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.fetched: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        repository, file = "/api/models/org/tiny/", f"/org/tiny/resolve/{COMMIT}/"
        if path == f"{repository}revision/{COMMIT}":
            siblings = [{"rfilename": name} for name in self.server.files]
            self.reply({"id": "org/tiny", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}, body)
        elif path.startswith(f"{repository}tree/{COMMIT}"):
            self.reply([{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in self.server.files.items()], body)
        elif path.startswith(file) and (name := path.removeprefix(file)) in self.server.files:
            if body:
                self.server.fetched.append(name)
            self.reply(self.server.files[name], body)
        else:
            self.reply({"error": "not found"}, body, 404, {"X-Error-Code": "RepoNotFound"})

    def reply(self, content: object, body: bool, status: int = 200, headers: dict[str, str] | None = None) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        etag = hashlib.sha1(raw).hexdigest()
        for name, value in {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path):
    folder = plain(tmp_path / "repository", README__md="x", pytorch_model__bin=b"\x80\x04.", modeling__py="raise SystemExit")
    server = Hub({name: (folder / name).read_bytes() for name in stamps(folder)})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def resolved(spec: str, store: Path, hub: Hub | None) -> str:
    """What a process of its own says of a spec (None: without a net): the client of the hub reads its address when it is imported."""
    program = """
import sys; from pathlib import Path; from models.store import ModelStore; from models.specs import ModelError
try:
    print(ModelStore(Path(sys.argv[1])).resolved(sys.argv[2]).folder)
except ModelError as error:
    print(error)"""
    keep = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("HF_")}
    there = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}"} if hub else {"HF_HUB_OFFLINE": "1"}
    env = {**keep, **there, "HF_HOME": str(store / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", program, str(store), spec], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_commit_of_a_hub_is_fetched_once_and_no_pickle_or_code_with_it(hub, tmp_path):
    folder = resolved(f"hf:org/tiny@{COMMIT}", tmp_path, hub)
    assert sorted(stamps(Path(folder))) == ["config.json", "model.safetensors"]
    assert sorted(hub.fetched) == ["config.json", "model.safetensors"], "the pickle and the code were not even downloaded"
    assert resolved(f"hf:org/tiny@{COMMIT}", tmp_path, None) == folder, "once here, no hub is asked"


def test_what_a_hub_does_not_give_is_told_with_the_ways_out(hub, tmp_path):
    for spec, there in ((f"hf:org/other@{COMMIT}", hub), (f"hf:org/tiny@{COMMIT}", None)):
        told = resolved(spec, tmp_path, there)
        assert told.startswith(f"{spec}: the hub does not give it (")
        for way in ("HF_TOKEN", "HF_ENDPOINT", "HTTPS_PROXY", "path:FOLDER"):
            assert way in told


def test_code_in_a_commit_of_a_hub_is_refused(hub, tmp_path):
    hub.files["config.json"] = b'{"model_type": "x", "auto_map": {"AutoModel": "modeling.Model"}}'
    assert "has auto_map" in resolved(f"hf:org/tiny@{COMMIT}", tmp_path, hub)


def test_the_snapshot_folder_of_a_hub_client_whose_files_are_links_can_be_named_by_path(tmp_path):
    blobs, snapshot = plain(tmp_path / "blobs"), tmp_path / "snapshot"
    snapshot.mkdir()
    for file in blobs.iterdir():
        (snapshot / file.name).symlink_to(file)
    found = ModelStore(tmp_path / "store").resolved(f"path:{snapshot}")
    assert not any(file.is_symlink() for file in found.folder.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing", None, "there is no such folder"),
        ("notes.txt", b"hello", "notes.txt: not a folder, and not a file that is known to be convertible"),
        ("cut.gguf", b"GG", "cut.gguf: not a folder, and not a file"),
    ],
)
def test_a_path_that_is_no_model_is_refused(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError) as refused:
        ModelStore(tmp_path / "store").resolved(f"path:{tmp_path / name}")
    assert reason in str(refused.value)


def test_a_shipped_model_is_found_inside_the_package_and_is_another_when_its_bytes_are(tmp_path, monkeypatch):
    package, store = tmp_path / "models", ModelStore(tmp_path / "store")
    monkeypatch.setattr(sources, "files", lambda name: tmp_path / name)
    plain(package / "shipped" / "tiny")
    first = store.resolved("shipped:tiny")
    (package / "shipped" / "tiny" / "config.json").write_text('{"model_type": "gpt2"}')
    assert store.resolved("shipped:tiny").content_hash != first.content_hash
    with pytest.raises(ModelError, match="shipped:other: this pinlake ships no model of that name"):
        store.resolved("shipped:other")

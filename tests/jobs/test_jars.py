"""The jars: fetched once, checked, kept whole, or a message that says what to type."""

from __future__ import annotations

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs import jars
from jobs.errors import UsageError
from jobs.jars import JARS, Jar, MissingJars, faults, fetch, maven_mirror, paths

BYTES = {"alpha": b"a" * 3_000_000, "beta": b"b"}
SMALL = tuple(Jar(name, "1", hashlib.sha256(content).hexdigest()) for name, content in BYTES.items())


class Repository(ThreadingHTTPServer):
    """A Maven repository that remembers what was asked, and first answers as told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.first_answers: list[int] = []
        self.files = {f"/{jar.path}": BYTES[jar.artifact] for jar in SMALL}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Authorization"]))
        status = self.server.first_answers.pop(0) if self.server.first_answers else 200
        body = self.server.files.get(self.path, b"")
        self.send_response(status if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def repository(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(jars.time, "sleep", lambda seconds: None)
    server = Repository()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "ja rs" / "below"


def test_missing_jars_are_fetched_once(repository, cache, tmp_path):
    said: list[str] = []
    assert faults(cache, SMALL) == ["alpha-1.jar is missing", "beta-1.jar is missing"]
    found = fetch(cache, repository.url + "/", SMALL, tmp_path / "no-m2", said.append)
    assert [p.read_bytes() for p in found] == list(BYTES.values())
    assert said == ["fetching alpha-1.jar", "fetching beta-1.jar"]
    fetch(cache, repository.url, SMALL, tmp_path / "no-m2", said.append)
    assert [path for path, _ in repository.asked] == ["/io/delta/alpha/1/alpha-1.jar", "/io/delta/beta/1/beta-1.jar"]
    assert sorted(p.name for p in cache.iterdir()) == ["alpha-1.jar", "beta-1.jar"], "no unfinished file stays"


def test_only_a_missing_or_changed_jar_is_fetched_again(repository, cache, tmp_path):
    fetch(cache, repository.url, SMALL, tmp_path)
    (cache / "beta-1.jar").write_bytes(b"cut")
    assert faults(cache, SMALL) == ["beta-1.jar is not the pinned file (its sha256 differs)"]
    repository.asked.clear()
    fetch(cache, repository.url, SMALL, tmp_path)
    assert [path for path, _ in repository.asked] == ["/io/delta/beta/1/beta-1.jar"]
    assert faults(cache, SMALL) == []


def test_a_jar_of_the_local_maven_repository_is_copied_if_it_is_the_pinned_one(repository, cache, tmp_path):
    for jar, content in zip(SMALL, (BYTES["alpha"], b"another build"), strict=True):
        (tmp_path / jar.path).parent.mkdir(parents=True)
        (tmp_path / jar.path).write_bytes(content)
    fetch(cache, repository.url, SMALL, tmp_path)
    assert [path for path, _ in repository.asked] == ["/io/delta/beta/1/beta-1.jar"]
    assert faults(cache, SMALL) == []


def test_a_file_with_the_wrong_hash_is_not_kept(repository, cache, tmp_path):
    repository.files["/io/delta/alpha/1/alpha-1.jar"] = b"evil"
    with pytest.raises(MissingJars, match=r"alpha-1.jar from http://127.0.0.1:\d+ is not the pinned file"):
        fetch(cache, repository.url, SMALL, tmp_path)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(("answers", "asked"), [([503, 429], 3), ([500, 500, 500], 3), ([403], 1)])
def test_only_what_may_pass_is_tried_again_at_most_three_times(repository, cache, tmp_path, answers, asked):
    repository.first_answers = list(answers)
    if len(answers) == asked:
        with pytest.raises(MissingJars, match=f"cannot be fetched .HTTP {answers[-1]}"):
            fetch(cache, repository.url, SMALL[1:], tmp_path)
    else:
        fetch(cache, repository.url, SMALL[1:], tmp_path)
    assert len(repository.asked) == asked


def test_an_unreachable_repository_is_named_with_the_ways_out_and_without_its_password(repository, cache, tmp_path):
    with pytest.raises(MissingJars) as failed:
        fetch(cache, "http://me:hidden@127.0.0.1:1/maven", SMALL, tmp_path)
    text = str(failed.value)
    assert "http://127.0.0.1:1/maven/io/delta/alpha/1/alpha-1.jar cannot be fetched" in text
    for way in ("HTTPS_PROXY", "SSL_CERT_FILE", "PINLAKE_MAVEN_REPOSITORY", "PINLAKE_JARS="):
        assert way in text
    assert "hidden" not in text
    assert failed.value.exit_code == 1


def test_user_and_password_of_a_repository_are_sent_as_a_header(repository, cache, tmp_path):
    fetch(cache, repository.url.replace("//", "//me:p%40ss@"), SMALL[1:], tmp_path)
    assert repository.asked[0][1] == "Basic " + base64.b64encode(b"me:p@ss").decode()


def test_a_repository_is_a_url_and_a_cache_a_folder_that_can_be_written(cache, tmp_path):
    with pytest.raises(UsageError, match="a Maven repository is an http, https or file URL"):
        fetch(cache, "ftp://host/maven", SMALL, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingJars, match="PINLAKE_JARS_CACHE"):
        fetch(tmp_path / "file" / "x", "http://127.0.0.1:1", SMALL, tmp_path)


def test_a_mirror_of_maven_central_in_the_maven_settings_is_used(repository, tmp_path):
    settings = tmp_path / "settings.xml"
    mirror = "<mirror><id>{0}</id><url>{1}</url><mirrorOf>{2}</mirrorOf></mirror>"
    cases = {
        "central": "https://mirror/a",
        "*": "https://mirror/a",
        "external:*,!x": "https://mirror/a",
        "snapshots": None,
    }
    for of, wanted in cases.items():
        body = mirror.format("blocked", "", "external:http:*") + mirror.format("m", "https://mirror/a", of)
        settings.write_text(f'<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0"><mirrors>{body}</mirrors></settings>')
        assert maven_mirror(settings) == wanted, of
    assert maven_mirror(tmp_path / "none.xml") is None
    settings.write_text("<settings>")
    with pytest.raises(MissingJars, match="PINLAKE_MAVEN_REPOSITORY"):
        maven_mirror(settings)


def test_without_jars_the_message_says_what_to_type(tmp_path):
    with pytest.raises(MissingJars, match=r"no delta-spark_4.1_2.13-4.4.0.jar, .*pinlake doctor --fetch.*PINLAKE_JARS="):
        paths((), tmp_path)
    for jar in JARS:
        (tmp_path / jar.name).touch()
    assert paths((), tmp_path) == tuple(str(tmp_path / jar.name) for jar in JARS)


def test_jars_given_by_path_may_be_files_folders_and_uris(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    for name in ("b.jar", "a.jar", "notes.txt"):
        (folder / name).touch()
    given = (str(folder), "s3a://bucket/c.jar", str(folder / "b.jar"))
    assert paths(given, tmp_path) == (f"{folder}/a.jar", f"{folder}/b.jar", "s3a://bucket/c.jar", f"{folder}/b.jar")
    (tmp_path / "empty").mkdir()
    for missing in (str(tmp_path / "x.jar"), str(tmp_path / "empty")):
        with pytest.raises(MissingJars, match="neither a jar nor a folder that holds jars"):
            paths((missing,), tmp_path)
    (folder / "a,b.jar").touch()
    with pytest.raises(UsageError, match="holds a comma"):
        paths((str(folder),), tmp_path)

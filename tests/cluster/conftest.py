"""A master with two workers, an S3 server, and what one undisturbed night of a small sample lake comes to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pyspark
import pytest

from jobs.demo import SPARK
from jobs.settings import load

if not os.environ.get("PINLAKE_CLUSTER_TEST"):
    collect_ignore = ["test_standalone.py", "test_s3a.py"]  # minutes each, and one needs a server that is built with Go

ROOT = Path(__file__).parents[2]
PINLAKE = str(Path(sys.executable).with_name("pinlake"))
HOME = Path(pyspark.__file__).parent
DAYS = ("--first", "2026-01-31", "--last", "2026-02-01")
SAMPLE = ("sample", "--pins", "300", "--days", "2", "--last", "2026-02-01", "--json")
NIGHTLY = ("run", "nightly", *DAYS, "--json")
SHORT = SPARK["spark.driver.extraJavaOptions"]
# Read before the suite's fixtures hide what the person who runs it has set; commands find the jars where this process does.
SERVER = os.environ.get("PINLAKE_S3_SERVER") or shutil.which("versitygw")
ENV = {**{name: value for name, value in os.environ.items() if not name.startswith("PINLAKE_")}, "PINLAKE_JARS_CACHE": load().jars_cache}


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(words: list[str], folder: Path, ready: Callable[[str], bool], **env: str) -> Iterator[subprocess.Popen[str]]:
    """A server, ready once its log is; it ends with all that it started."""
    log = folder / f"{Path(words[0]).name}-{free_port()}.log"
    with log.open("w", encoding="utf-8") as out:
        started = subprocess.Popen(words, cwd=folder, stdout=out, stderr=out, text=True, env={**ENV, **env}, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not ready(log.read_text(encoding="utf-8")):
            assert started.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            assert time.monotonic() < until, log.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.2)
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        started.wait(timeout=30)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a standalone master with two workers of a core each."""
    folder, port = tmp_path_factory.mktemp("cluster"), free_port()
    home = {"SPARK_HOME": str(HOME), "SPARK_WORKER_DIR": str(folder / "work"), "PYSPARK_PYTHON": sys.executable}
    run, url = str(HOME / "bin" / "spark-class"), f"spark://127.0.0.1:{port}"
    master = [run, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = [
        run,
        "org.apache.spark.deploy.worker.Worker",
        "--host",
        "127.0.0.1",
        "--webui-port",
        "0",
        "--cores",
        "1",
        "--memory",
        "2g",
        url,
    ]

    def up(log: str) -> bool:
        return "New state: ALIVE" in log

    def joined(log: str) -> bool:
        return "Successfully registered with master" in log

    with served(master, folder, up, **home), served(worker, folder, joined, **home), served(worker, folder, joined, **home):
        yield url


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The settings file of a warehouse in a bucket of a real S3 server (versitygw over a folder): path style, no TLS."""
    assert SERVER, "no S3 server: `make cluster-test` builds versitygw with Go; or name one with PINLAKE_S3_SERVER"
    folder, port = tmp_path_factory.mktemp("s3"), free_port()
    (folder / "data" / "lake").mkdir(parents=True)
    keys = {"ROOT_ACCESS_KEY": "pinlake", "ROOT_SECRET_KEY": "only-for-this-test"}
    words = [SERVER, "--port", f"127.0.0.1:{port}", "posix", str(folder / "data")]

    def up(_: str) -> bool:
        with closing(socket.socket()) as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    hadoop = {
        "endpoint": f"http://127.0.0.1:{port}",
        "endpoint.region": "us-east-1",
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
        "access.key": keys["ROOT_ACCESS_KEY"],
        "secret.key": keys["ROOT_SECRET_KEY"],
    }
    lines = [f'"spark.hadoop.fs.s3a.{name}" = "{value}"' for name, value in hadoop.items()]
    settings = folder / "pinlake.toml"
    head = 'warehouse = "s3a://lake/ware house"\nmaster = "local[2]"\ndriver_memory = "3g"\n[spark]\n'
    settings.write_text(head + f'"spark.driver.extraJavaOptions" = "{SHORT}"\n' + "\n".join(lines) + "\n", encoding="utf-8")
    with served(words, folder, up, **keys):
        yield str(settings)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    """A lake of which one night was made on one machine, and the digests by job and day."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "pinlake.toml").write_text(
        f'master = "local[2]"\nwarehouse = "lake"\n[spark]\n"spark.driver.extraJavaOptions" = "{SHORT}"\n', encoding="utf-8"
    )
    pinlake(folder, *SAMPLE)
    return folder, digests(pinlake(folder, *NIGHTLY))


def pinlake(folder: Path, *words: str, **env: str) -> str:
    """What a command prints, run in a folder with a pinlake.toml."""
    done = subprocess.run([PINLAKE, *words], cwd=folder, env={**ENV, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr[-4000:])
    return done.stdout


def digests(printed: str) -> dict[str, dict[str, str]]:
    """The digests by job and day of what `run --json` printed."""
    return {name: one["digests"] for name, one in json.loads(printed.strip().splitlines()[-1])["jobs"].items()}

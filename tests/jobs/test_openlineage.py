"""Lineage events of real runs: to a file, to a server, and to one that is not there."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs import given
from jobs.days import Days
from jobs.errors import Refused, UsageError
from jobs.lineage import Lineage
from jobs.openlineage import Events
from jobs.planner import Wanted
from jobs.runner import Runner
from jobs.store import Store
from schemas import ops, raw
from tests.jobs.toys import JOBS, updates

DAYS = Days("2026-01-30", "2026-01-31")


@pytest.fixture
def lake(spark, tmp_path):
    store = Store(spark, str(tmp_path / "lake"))
    rows = [("2026-01-30", "p1", "a"), ("2026-01-31", "p1", "the secret title")]
    given.write(store, "given", "sample", raw.PIN_UPDATES, updates(spark, rows), DAYS)
    return store


def run(store, transport, **params):
    said = []
    runner = Runner(store, Lineage(JOBS), params, say=said.append)
    runner.events = Events.to(transport, store.warehouse, runner.run_id, said.append)
    runner.run(Wanted(JOBS, DAYS, upstream=True, force=True))
    return said


def test_a_run_tells_what_began_and_ended_with_what_it_read_and_wrote(lake, tmp_path):
    run(lake, {"type": "file", "log_file_path": str(tmp_path / "events"), "append": True})
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [(e["eventType"], e["job"]["name"]) for e in events] == [
        ("START", "toy_pins"), ("COMPLETE", "toy_pins"), ("START", "toy_counts"), ("COMPLETE", "toy_counts"),
    ]  # fmt: skip
    begun, ended = events[0], events[3]
    assert begun["run"]["runId"] == events[1]["run"]["runId"] != ended["run"]["runId"]
    assert len({e["run"]["facets"]["parent"]["run"]["runId"] for e in events}) == 1
    assert begun["run"]["facets"]["nominalTime"]["nominalEndTime"] == "2026-02-01T00:00:00Z"
    (read,), (wrote,) = ended["inputs"], ended["outputs"]
    assert (read["namespace"], read["name"]) == ("file", f"{lake.warehouse}/toys/pins")
    assert read["facets"]["version"]["datasetVersion"] == "0"
    assert wrote["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert [f["name"] for f in wrote["facets"]["schema"]["fields"]] == ["ds", "what", "n"]
    assert "secret" not in (tmp_path / "events").read_text()


def test_a_refusal_is_told_and_stands_in_the_account(lake, tmp_path):
    """A suffix makes titles longer than the contract allows."""
    with pytest.raises(Refused):
        run(lake, {"type": "file", "log_file_path": str(tmp_path / "events"), "append": True}, toy_pins={"suffix": "x" * 30})
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [e["eventType"] for e in events] == ["START", "FAIL"]
    assert "length of title above 20" in events[1]["run"]["facets"]["errorMessage"]["message"]
    (row,) = lake.frame(ops.RUNS).where("refused is not null").collect()
    assert (row.job, row.version, row.rows) == ("toy_pins", None, 0)
    assert "length of title above 20" in row.refused


def test_events_reach_a_server(lake):
    received = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))["eventType"]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *told):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = run(lake, {"type": "http", "url": f"http://127.0.0.1:{server.server_port}"})
        server.shutdown()
    assert received == [("/api/v1/lineage", kind) for kind in ("START", "COMPLETE") * 2]
    assert not [line for line in said if "openlineage" in line]


def test_a_listener_that_is_down_is_told_of_once_and_stops_nothing(lake):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = run(lake, {"type": "http", "url": f"http://127.0.0.1:{port}", "retry": {"total": 0}})
    assert [line.split(":")[0] for line in said].count("openlineage") == 1
    assert any("toy_counts" in line for line in said)


@pytest.mark.parametrize("transport", [{"type": "pigeon"}, {"type": "file"}, {}])
def test_a_transport_that_is_none_is_refused_by_name(transport):
    with pytest.raises(UsageError, match=r"\[openlineage\] in pinlake.toml"):
        Events.to(transport, "/lake", "r", print)


@pytest.mark.parametrize(
    ("warehouse", "named"),
    [
        ("/data/lake", ("file", "/data/lake/raw/pin_updates")),
        ("s3a://user:pass@bucket/lake", ("s3://bucket", "lake/raw/pin_updates")),
        ("abfss://c@account/lake", ("abfss://account", "lake/raw/pin_updates")),
    ],
)
def test_tables_are_named_as_the_specification_names_folders_without_credentials(warehouse, named):
    assert Events(None, warehouse, "r", print)._named(raw.PIN_UPDATES) == named

"""A warehouse in a bucket: a night that is killed in the middle, and the same command again."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.cluster.conftest import ENV, NIGHTLY, PINLAKE, SAMPLE, digests, pinlake


@pytest.mark.timeout(3000)
def test_a_night_in_a_bucket_killed_in_the_middle_and_begun_again_gives_the_rows_of_one_undisturbed(bucket, undisturbed, tmp_path):
    _, wanted = undisturbed
    there = {"PINLAKE_CONFIG": bucket}
    pinlake(tmp_path, *SAMPLE, **there)
    killed = subprocess.Popen(
        [PINLAKE, *NIGHTLY], cwd=tmp_path, env={**ENV, **there}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert killed.stderr is not None
    told, tail = 0, []
    for line in killed.stderr:
        tail = [*tail[-20:], line]
        told += "published" in line
        if told == 6:
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    assert told == 6, "".join(tail)
    again = pinlake(tmp_path, *NIGHTLY, **there)
    assert digests(again) == wanted
    jobs = json.loads(again.strip().splitlines()[-1])["jobs"]
    assert sum(one["version"] is None for one in jobs.values()) >= 5, "what was published before the kill is not written again"
    once_more = json.loads(pinlake(tmp_path, *NIGHTLY, **there).strip().splitlines()[-1])["jobs"]
    assert {one["version"] for one in once_more.values()} == {None}
    shown = pinlake(tmp_path, "config", **there)
    assert "only-for-this-test" not in shown

"""The store: named by content, whole or not at all, verified on use."""

from __future__ import annotations

import json
import multiprocessing
import os
import time

import pytest

from models import sources
from models.specs import ModelError
from models.store import ModelStore, content_hash, stamps
from tests.models.folders import plain


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "ca che" / "models")


def test_a_model_is_copied_under_the_hash_of_its_names_and_bytes(store, tmp_path):
    source = plain(tmp_path / "a", README__md="left behind")
    plain(source / "1_Pooling")
    found = store.resolved(f"path:{source}")
    assert found.folder == store.folder / found.content_hash[:16]
    assert sorted(stamps(found.folder)) == ["1_Pooling/config.json", "1_Pooling/model.safetensors", "config.json", "model.safetensors"]
    assert content_hash(found.folder) == found.content_hash
    assert store.known(f"path:{source}") == found.content_hash


def test_equal_files_have_one_hash_and_one_folder_and_other_names_or_bytes_another(store, tmp_path):
    hashes = [store.resolved(f"path:{plain(tmp_path / name)}").content_hash for name in ("a", "b")]
    renamed = store.resolved(f"path:{plain(tmp_path / 'c', more__txt='')}").content_hash
    changed = store.resolved(f"path:{plain(tmp_path / 'd', more__txt='x')}").content_hash
    assert hashes[0] == hashes[1]
    assert len({hashes[0], renamed, changed}) == 3
    assert len([f for f in store.folder.iterdir() if f.is_dir() and f.name != "specs"]) == 3


def test_names_and_bytes_cannot_be_traded_for_each_other(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, files in ((one, {"a": "b", "c": ""}), (other, {"a": "", "c": "b"})):
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
    assert content_hash(one) != content_hash(other)


def test_a_second_use_reads_only_sizes_and_times(store, tmp_path, monkeypatch):
    source = plain(tmp_path / "a")
    first = store.resolved(f"path:{source}")
    monkeypatch.setattr(sources, "fill", lambda *a: pytest.fail("filled again"))
    monkeypatch.setattr("models.store.content_hash", lambda folder: pytest.fail("all bytes were read"))
    assert store.resolved(f"path:{source}") == first


def test_a_stored_file_that_was_changed_is_refused_and_one_only_touched_is_not(store, tmp_path):
    found = store.resolved(f"path:{plain(tmp_path / 'a')}")
    os.utime(found.folder / "config.json", ns=(1, 1))
    assert store.resolved(found.spec) == found
    (found.folder / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ModelError, match="was changed after it was stored"):
        store.resolved(found.spec)
    (found.folder / "config.json").write_text('{"model_type": "bert"}')
    (found.folder / "extra.json").write_text("{}")
    with pytest.raises(ModelError, match="was changed after it was stored"):
        store.resolved(found.spec)


def test_a_changed_source_is_another_model_and_not_the_one_that_was_promoted(store, tmp_path):
    source = plain(tmp_path / "a")
    promoted = store.resolved(f"path:{source}")
    (source / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    assert not store.known(promoted.spec)
    assert store.resolved(promoted.spec).content_hash != promoted.content_hash
    assert store.resolved(promoted.spec, promoted.content_hash) == promoted, "the promoted bytes are still in the store"
    with pytest.raises(ModelError, match="now holds other bytes than when it was promoted"):
        ModelStore(tmp_path / "another machine").resolved(promoted.spec, promoted.content_hash)


def test_a_refused_model_leaves_nothing(store, tmp_path):
    for refused in (plain(tmp_path / "a", evil__py="import os"), plain(tmp_path / "b", config__json='{"auto_map": {}}')):
        with pytest.raises(ModelError, match=r"^path:/.*/(a|b): .*(run code|auto_map)"):
            store.resolved(f"path:{refused}")
    assert [f.name for f in store.folder.iterdir()] == ["specs"]
    assert list((store.folder / "specs").iterdir()) == []


def test_a_killed_fill_leaves_no_model_and_is_swept_a_day_later(store, tmp_path, monkeypatch):
    source, fill = plain(tmp_path / "a"), sources.fill

    def killed(spec, folder, cache, say):
        fill(spec, folder, cache, say)
        os._exit(9)

    monkeypatch.setattr(sources, "fill", killed)
    process = multiprocessing.get_context("fork").Process(target=store.resolved, args=(f"path:{source}",))
    process.start()
    process.join()
    (left,) = store.folder.glob(".new-*")
    monkeypatch.setattr(sources, "fill", fill)
    found = store.resolved(f"path:{source}")
    assert left.exists(), "it may be another process at work"
    os.utime(left, (time.time() - 90_000,) * 2)
    store.resolved(f"path:{plain(tmp_path / 'b', more__txt='')}")
    assert not left.exists()
    assert found.folder.is_dir()


def test_processes_that_bring_the_same_model_at_once_all_get_it(store, tmp_path):
    source = plain(tmp_path / "a", more__txt="x" * 1_000_000)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(store.resolved, [f"path:{source}"] * 8, chunksize=1)
    assert len(set(found)) == 1
    assert list(store.folder.glob(".*")) == []


def test_a_cut_record_is_made_anew(store, tmp_path):
    found = store.resolved(f"path:{plain(tmp_path / 'a')}")
    record = store.folder / f"{found.content_hash[:16]}.json"
    record.write_text("{")
    for index in (store.folder / "specs").iterdir():
        index.write_text("")
    assert store.resolved(found.spec) == found
    assert json.loads(record.read_text())["content_hash"] == found.content_hash


def test_a_cache_that_cannot_be_written_is_told_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be kept in .*PINLAKE_MODELS_CACHE"):
        ModelStore(tmp_path / "file").resolved(f"path:{plain(tmp_path / 'a')}")

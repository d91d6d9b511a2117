from __future__ import annotations

import pyarrow as pa
import pytest

from udfs.children.strings import readable


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_string_of_any_bytes_can_be_read(kind: pa.DataType) -> None:
    bytes_given = [b"words", "wörter 🍎".encode(), b"a\xff\xed\xa0\x80b", b"", None]
    column = pa.array(bytes_given, pa.large_binary() if kind == pa.large_string() else pa.binary()).view(kind)
    assert [readable(one) for one in column[:2]] == ["words", "wörter 🍎"]
    assert str(readable(column[2])).strip("\ufffd") == "a\ufffd\ufffd\ufffd\ufffdb"
    assert [readable(one) for one in column[3:]] == ["", None]

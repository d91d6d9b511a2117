from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa

from tests.poison.pictures import bombs, encoded, good, picture
from udfs.images.decoding import Decoder
from udfs.images.limits import Limits

REPOSITORY = pathlib.Path(__file__).parents[3]


def test_pixels_and_reasons_come_back_in_the_order_of_the_images_from_any_thread() -> None:
    decoder = Decoder(side=40, children=2)
    given = pa.array([good()["png"], b"no image", good()["jpeg turned"], b"", encoded(picture(200, 100), "PNG")], pa.binary())
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend(decoder.decode(memoryview(one.as_buffer()) for one in given)))
    thread.start()
    thread.join()
    assert [one if isinstance(one, str) else (one.dtype, one.shape) for one in found] == [
        (np.uint8, (30, 40, 3)),
        "the bytes are no JPEG, PNG, WEBP or GIF",
        (np.uint8, (40, 30, 3)),
        "the image is empty",
        (np.uint8, (20, 40, 3)),
    ]
    assert decoder.decode([]) == []
    decoder.close()


def test_pixels_are_those_of_the_image_in_memory_that_was_not_copied() -> None:
    decoder = Decoder()
    (seen,) = decoder.decode([good()["png"]])
    decoder.close()
    assert isinstance(seen, np.ndarray)
    assert (seen == np.asarray(picture())).all()
    assert not seen.flags.owndata, "the array is the memory that the answer was received in"
    assert seen.flags.writeable


def test_bombs_are_refused_within_their_limit_and_cost_the_asking_process_no_memory() -> None:
    script = """
import json, time
from tests.poison.memory import forget_peak, peak_mb
from tests.poison.pictures import bombs, good
from udfs.images.decoding import Decoder
from udfs.images.limits import Limits
bombs()
decoder = Decoder(Limits(seconds=2.0))
decoder.decode([good()["png"]])
before = forget_peak()
found, seconds = {}, 0.0
for name, (data, _) in bombs().items():
    started = time.monotonic()
    (found[name],) = map(str, decoder.decode([data]))
    seconds = max(seconds, time.monotonic() - started)
decoder.close()
print(json.dumps([peak_mb() - before, seconds, found]))
"""
    out = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    grown, seconds, found = json.loads(out)
    assert grown < 64
    assert seconds < 2 + 5
    # On a busy machine any of them may run out of its time first.
    odd = {name: found[name] for name, (_, why) in bombs().items() if not re.search(f"{why}|took longer than 2 seconds", found[name])}
    assert odd == {}


def test_an_image_that_needs_too_much_memory_is_refused_and_the_next_is_read() -> None:
    decoder = Decoder(Limits(memory_mb=48))
    large, small = decoder.decode([encoded(picture(4_000, 4_000), "PNG"), good()["png"]])
    decoder.close()
    assert large == "the image needs more than 48 MB of memory"
    assert isinstance(small, np.ndarray)

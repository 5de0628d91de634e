import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.assessment.channel import Frame, Parser, encode
from touchstone.errors import TouchstoneError

ABOUT = st.dictionaries(st.sampled_from(["digest", "fraction", "name"]), st.text(max_size=20), max_size=3)
FRAMES = st.lists(st.builds(Frame, st.text(min_size=1, max_size=10), ABOUT, st.binary(max_size=200)), max_size=6)


@given(FRAMES, st.integers(min_value=1, max_value=50))
def test_frames_survive_any_cutting(frames: list[Frame], piece: int) -> None:
    stream = b"".join(encode(frame.kind, frame.content, **frame.about) for frame in frames)
    parser = Parser()
    received = [frame for start in range(0, len(stream), piece) for frame in parser.feed(stream[start : start + piece])]
    assert received == frames


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_or_wait_for_more(data: bytes) -> None:
    with contextlib.suppress(TouchstoneError):
        list(Parser().feed(data))


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 5000,
        b"[]\n",
        b'{"kind": "a"}\n',
        b'{"kind": "a", "size": "-1"}\n',
        b'{"kind": "a", "size": "99999999999999999999"}\n',
        b'{"kind": "a", "size": "70000000"}\n',
        b'{"kind": 3, "size": "0"}\n',
        b"[" * 4000 + b"\n",
    ],
)
def test_malformed_headers_are_refused(data: bytes) -> None:
    with pytest.raises(TouchstoneError):
        list(Parser().feed(data))

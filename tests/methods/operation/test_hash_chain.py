"""Whatever is done to one line of a chain breaks a link."""

from __future__ import annotations

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.operation.hash_chain import holds, line_digest


def chain(contents: list[bytes]) -> tuple[list[bytes], list[str | None]]:
    named: list[str | None] = []
    for place, _ in enumerate(contents):
        named.append(line_digest(contents[place - 1]) if place else None)
    return contents, named


lines = st.lists(st.text("abc", min_size=1, max_size=5).map(str.encode), min_size=3, unique=True)


@given(lines, st.data())
def test_a_line_changed_taken_out_or_doubled_is_noticed(contents: list[bytes], data: st.DataObject) -> None:
    written, named = chain(contents)
    assert all(holds(written, named))
    place = data.draw(st.integers(0, len(contents) - 2))
    changed = [*written]
    changed[place] += b"x"
    assert holds(changed, named)[place + 1] is False
    assert not all(holds(written[:place] + written[place + 1 :], named[:place] + named[place + 1 :]))
    assert not all(holds([written[0], *written], [named[0], *named]))


def test_the_digest_is_that_of_the_usual_tool() -> None:
    line = '{"id": "req-1"}'
    told = (
        subprocess.run(["sha256sum"], input=line.encode(), capture_output=True, check=True).stdout.split()[0].decode()
    )
    assert line_digest(line.encode() + b"\r\n") == f"sha256:{told}"

"""Where identifiers of persons or records still stand: in files of any kind, as exact words or by their digests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from touchstone.errors import UnavailableError
from touchstone.system.description import Role
from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.system.registers.of_subject import subject_digest
from touchstone.system.subject import Subject

WORD = re.compile(rb"[!#$%&*+.0-9?@A-Z^_a-z~-]+")
"""A word between the separators of tables, JSON, YAML, paths and prose; Chinese needs none around it."""
PORTION = 4 * 1024 * 1024
LONGEST_PHRASE = 8192
"""Bytes that an identifier may have at most, as registers limit its length."""
SHORT_NUMBER = re.compile(r"[0-9]{1,7}")
"""Might as well be a value in a table: looked for among identifiers only."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    words: frozenset[str]
    """Identifiers that are one word, as :data:`WORD` takes it."""
    phrases: frozenset[str]
    """All others, looked for as sequences of bytes."""
    digests: frozenset[str]
    """SHA-256 of identifiers, compared with that of every word."""
    found: dict[str, set[str]] = field(default_factory=dict)
    """For each identifier or digest, the places where it stands."""

    def look_at_identifier(self, identifier: str, place: str) -> None:
        """Compare one identifier that is known to be one."""
        if identifier in self.words or identifier in self.phrases:
            self.found.setdefault(identifier, set()).add(place)
        if self.digests and (digest := subject_digest(identifier)) in self.digests:
            self.found.setdefault(digest, set()).add(place)

    def look_into(self, portions: Iterable[bytes], place: str) -> None:
        """Compare every word of a file and look for every phrase in it, across the ends of portions."""
        rest = before = b""
        for portion in portions:
            content = rest + portion
            whole = content[: _last_separator(content)]
            self._look_into(whole, before, place)
            rest, before = content[len(whole) :], (before + whole)[-LONGEST_PHRASE:]
        self._look_into(rest, before, place)

    def _look_into(self, content: bytes, before: bytes, place: str) -> None:
        for phrase in self.phrases:
            if phrase.encode() in before + content:
                self.found.setdefault(phrase, set()).add(place)
        for raw in set(WORD.findall(content)):
            word = raw.decode("ascii")
            for spelling in {word, word.rstrip(".!?"), word.rpartition(".")[0]}:  # in prose, in a file name
                if not SHORT_NUMBER.fullmatch(spelling):
                    self.look_at_identifier(spelling, place)


def wanted(requests: Sequence[Deletion], identifiers: Iterable[str] = ()) -> Wanted:
    """The subjects of these requests, and further identifiers, prepared to be looked for."""
    words: set[str] = set()
    phrases: set[str] = set()
    digests = frozenset(request.subject_digest for request in requests if request.subject_digest is not None)
    for subject in (*(request.subject for request in requests if request.subject is not None), *identifiers):
        (words if WORD.fullmatch(subject.encode()) else phrases).add(subject)
    return Wanted(frozenset(words), frozenset(phrases), digests)


def look_through(subject: Subject, sought: Wanted) -> None:
    """Every file of the system by its words and its name, and the identifiers of every data set that can be read.

    The register of deletions names them by its nature, and that of derived records says itself when it was read.
    """
    registers: Mapping[str, str] = subject.description.registers or {}
    left_out = {registers.get(kind.register) for kind in (Deletion, DerivedRecord)}
    for record in subject.files:
        if record.path not in left_out:
            sought.look_into(_portions(subject, record.path), record.path)
            sought.look_into([record.path.encode()], record.path)
    for role in get_args(Role):
        try:
            identifiers = subject.data(role).identifiers or ()
        except UnavailableError:
            continue
        for identifier in identifiers:
            sought.look_at_identifier(identifier, f"data.{role}")


def _portions(subject: Subject, path: str) -> Iterator[bytes]:
    with subject.locate(path).open("rb") as stream:
        while portion := stream.read(PORTION):
            yield portion


def _last_separator(content: bytes) -> int:
    """How far the words of `content` are surely whole. What has no separator for a whole portion holds no words."""
    last = max(content.rfind(separator) + 1 for separator in (b"\n", b" ", b",", b"\t", b"\0"))
    return last if last or len(content) < PORTION else len(content)

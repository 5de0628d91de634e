"""Which exhibits may speak of persons, and the salt that keeps them from being guessed when they are withheld.

A digest hides a blob only from those who cannot guess its content, and a table of a few counts is soon guessed. JSON
exhibits that may speak of persons therefore carry a salt of 32 bytes. It is not drawn at random: it follows from the
very data that are to be protected, so that whoever may repeat the assessment gets the same bytes, and whoever does
not hold the data can compute neither the salt nor anything that depends on it. The digests of the data files, which
are public, do not give it away: the salt comes from another hash of the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac

from touchstone.checks.declaration import Check
from touchstone.system.subject import Subject

PERSONAL = "data.personal"
_DOMAIN = b"touchstone-exhibit-salt/v1\n"


def may_speak_of_persons(subject: Subject, check: Check) -> bool:
    """Whether exhibits of this check may: it reads data, and nobody declared that the data are not personal."""
    return bool(check.needs.data) and subject.facts.get(PERSONAL) is not False


def secret_of(subject: Subject) -> bytes:
    """Thirty-two bytes that only those who hold all the data of the system can compute."""
    digest = hashlib.sha256(_DOMAIN)
    for path in _data_files(subject):
        digest.update(hashlib.sha256(_DOMAIN + subject.read(path)).digest())
    return digest.digest()


def salted(content: bytes, secret: bytes, purpose: str) -> bytes:
    """A JSON text with its salt beside it, as canonical as the text was.

    >>> salted(b"[1]", bytes(32), "groups.json")[:24]
    b'{"content":[1],"salt":"4'
    """
    salt = hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest()
    return b'{"content":%b,"salt":"%b"}' % (content, salt.encode())


def unsalted(value: object) -> object:
    """What a JSON exhibit says, whether or not a salt stands beside it."""
    return value["content"] if isinstance(value, dict) and value.keys() == {"content", "salt"} else value


def _data_files(subject: Subject) -> list[str]:
    """Paths of all files of all data sets, each once, sorted."""
    paths: set[str] = set()
    for data_set in subject.description.data.declared().values():
        below = subject.below(data_set.path)
        paths |= {record.path for record in below} or {subject.record(data_set.path).path}
    return sorted(paths)

"""Policies (C2SP tlog-policy): which logs and which witnesses someone trusts, and how many of them must agree.

    log log.lab-a.example+6b3c...+AWy...
    witness cn1 witness.cnas.example+...    https://witness.cnas.example
    witness eu1 witness.ukas.example+...
    group both all cn1 eu1
    quorum both

One rule is stricter than the format: a witness run by the log's own operator never counts, because it would vouch for
itself. Operators are told apart by key and by the registered part of the host in the key's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import cosigned_at
from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import Algorithm, Note, VerifierKey

LARGEST_POLICY = 256 * 1024
NONE = "none"
_PUBLIC_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "go", "gov", "mil", "net", "or", "org"})


@dataclass(frozen=True, slots=True)
class Witness:
    """Someone who may cosign."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of the members, which are witnesses or earlier groups."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy makes of a checkpoint."""

    log: VerifierKey | None
    """The trusted log that signed it; `None` when none did."""
    cosigned: Mapping[str, int]
    """Independent witnesses that cosigned it, by their name in the policy, and when (seconds since 1970)."""
    own: tuple[str, ...]
    """Witnesses that cosigned it but belong to the log's operator: they count for nothing."""
    quorum: bool
    """Whether enough independent witnesses cosigned."""
    since: int | None
    """The earliest time by which a quorum had cosigned; `None` without one, or when the policy asks for none."""

    @property
    def accepted(self) -> bool:
        """Whether a trusted log signed and the quorum is reached."""
        return self.log is not None and self.quorum


@dataclass(frozen=True, slots=True)
class Policy:
    """Trusted logs, witnesses, groups of them, and the name of the one that decides."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, data: bytes, where: str) -> Policy:
        """Read a policy file. Raises `TlogError` naming the line."""
        if len(data) > LARGEST_POLICY:
            raise TlogError("is too large for a policy", where)
        return _Reader(where).read(data)

    def judge(self, note: Note, where: str) -> Judgement:
        """Look at all signatures of a checkpoint. Raises `TlogError` when the note states none."""
        checkpoint = Checkpoint.of(note, where)
        log = next((key for key in self.logs if key.name == checkpoint.origin and note.signed_by(key)), None)
        cosigned: dict[str, int] = {}
        own = []
        for name, witness in self.witnesses.items():
            time = cosigned_at(note, witness.key)
            if time is not None and self._is_own(witness.key, checkpoint.origin):
                own.append(name)
            elif time is not None:
                cosigned[name] = time
        quorum = self._met(cosigned, self.quorum)
        return Judgement(log, cosigned, tuple(own), quorum, self._since(cosigned) if quorum else None)

    def _is_own(self, key: VerifierKey, origin: str) -> bool:
        return operator_of(key.name) == operator_of(origin) or any(key.raw == log.raw for log in self.logs)

    def _since(self, cosigned: Mapping[str, int]) -> int | None:
        for time in sorted(cosigned.values()):
            if self.quorum != NONE and self._met(
                {name: at for name, at in cosigned.items() if at <= time}, self.quorum
            ):
                return time
        return None

    def _met(self, cosigned: Mapping[str, int], name: str) -> bool:
        if name == NONE:
            return True
        reached = dict.fromkeys(cosigned, True)
        for group, rule in self.groups.items():  # members are always defined before their group
            reached[group] = sum(reached.get(member, False) for member in rule.members) >= rule.threshold
        return reached.get(name, False)


def operator_of(name: str) -> str:
    """Who runs the log or witness of this name: the registered domain of its host, as far as its form shows.

    >>> operator_of("witness.lab.example/w1"), operator_of("log.cnas.org.cn"), operator_of("w1")
    ('lab.example', 'cnas.org.cn', 'w1')
    """
    labels = name.partition("/")[0].lower().rstrip(".").split(".")
    known_suffix = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _PUBLIC_SECOND_LEVELS
    return ".".join(labels[-3 if known_suffix else -2 :])


class _Reader:
    """Goes through the lines of one policy file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._where = file
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, Witness] = {}
        self._groups: dict[str, Group] = {}
        self._grouped: set[str] = set()
        self._quorum: str | None = None

    def read(self, data: bytes) -> Policy:
        if any((byte < 0x20 and byte not in (0x09, 0x0A)) or byte == 0x7F for byte in data):
            raise TlogError("holds control characters", self._file)
        readers = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._decide}
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
            self._where = f"{self._file}:{number}"
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if not words or words[0].startswith("#"):
                continue
            if words[0] not in readers:
                raise TlogError("is no line of a policy", self._where)
            readers[words[0]](words[1:])
        if self._quorum is None:
            raise TlogError("names no quorum", self._file)
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _log(self, words: list[str]) -> None:
        self._require(len(words) in (1, 2))
        key = self._key(words[0], Algorithm.ED25519, [log.raw for log in self._logs])
        self._logs.append(key)

    def _witness(self, words: list[str]) -> None:
        self._require(len(words) in (2, 3))
        key = self._key(words[1], Algorithm.COSIGNATURE, [known.key.raw for known in self._witnesses.values()])
        self._witnesses[self._new(words[0])] = Witness(key, words[2] if len(words) == 3 else None)

    def _group(self, words: list[str]) -> None:
        self._require(len(words) >= 3)
        name, rule, *members = words
        for member in members:
            self._require_known(member)
            if member in self._grouped:
                raise TlogError("puts a member into a second group", self._where)
            self._grouped.add(member)
        thresholds = {"any": 1, "all": len(members)}
        plain = rule.isascii() and rule.isdigit() and not rule.startswith("0") and len(rule) < 6
        threshold = thresholds.get(rule) or (int(rule) if plain else 0)
        if not 1 <= threshold <= len(members):
            raise TlogError("asks for more members than the group has, or for none", self._where)
        self._groups[self._new(name)] = Group(threshold, tuple(members))

    def _decide(self, words: list[str]) -> None:
        self._require(len(words) == 1)
        if self._quorum is not None:
            raise TlogError("names a second quorum", self._where)
        if words[0] != NONE:
            self._require_known(words[0])
        self._quorum = words[0]

    def _key(self, line: str, algorithm: Algorithm, known: list[bytes]) -> VerifierKey:
        key = VerifierKey.parse(line, self._where)
        if key.algorithm is not algorithm:
            raise TlogError("gives a key of the wrong kind: logs sign with 01, witnesses with 04", self._where)
        if key.raw in known:
            raise TlogError("gives a key that an earlier line gives", self._where)
        return key

    def _new(self, name: str) -> str:
        if name == NONE or name in self._witnesses or name in self._groups:
            raise TlogError("gives a name a second time", self._where)
        return name

    def _require_known(self, name: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise TlogError("names what no earlier line defines", self._where)

    def _require(self, condition: bool) -> None:
        if not condition:
            raise TlogError("has the wrong number of words", self._where)

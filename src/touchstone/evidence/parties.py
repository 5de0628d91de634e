"""The list of parties that goes into a trust root, as people write it: YAML, with keys in files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from touchstone.documents import read_yaml
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Instant
from touchstone.evidence.files import read_regular
from touchstone.evidence.trust import Party, PartyRole
from touchstone.records import Record
from touchstone.text import Text

LARGEST_KEY = 16 * 1024


class ListedParty(Record):
    """One party and the file with its public key (for a timestamping authority: its certificate)."""

    name: str
    roles: Annotated[tuple[PartyRole, ...], Field(min_length=1)]
    key_file: str
    profiles: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    not_before: Instant | None = None
    not_after: Instant | None = None
    compromised: Instant | None = None


class PartyList(Record):
    """The whole list."""

    schema_: Literal["touchstone.parties/v1"] = Field(alias="schema")
    parties: Annotated[tuple[ListedParty, ...], Field(min_length=1)]


def read_parties(path: Path) -> tuple[Party, ...]:
    """Read the list at `path` and the keys it names, relative to its folder. Raises `UserError` for what is wrong."""
    document = read_yaml(path)
    listed = PartyList.from_json(document.value, document.where)
    return tuple(_party(each, path.parent) for each in listed.parties)


def _party(each: ListedParty, folder: Path) -> Party:
    party = Party(**each.model_dump(exclude={"key_file"}), key=_key(folder / each.key_file))
    _ = party.key_id  # a key that is none must be found now
    return party


def _key(file: Path) -> str:
    try:
        return read_regular(file, str(file), largest=LARGEST_KEY).decode("ascii")
    except UnicodeDecodeError:
        raise EvidenceError(Text("is not PEM", "不是 PEM 格式"), str(file)) from None

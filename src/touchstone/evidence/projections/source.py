"""What projections are drawn from: the records of one assessment, and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from touchstone.canonical import Digest, canonical_json, parse_array, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.layout import Role
from touchstone.records import (
    Assessment,
    CheckCard,
    Execution,
    Exhibit,
    Finding,
    Observation,
    Plan,
    Profile,
    Requirement,
)
from touchstone.standard.titles import cards_by_check
from touchstone.system.subject import FileRecord, description_json, system_digest
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.assessment.conclusion import Circumstances
    from touchstone.evidence.bundle import Bundle
    from touchstone.system.description import SystemDescription

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Source:
    """The records of one assessment, as the bundle holds them."""

    description: SystemDescription
    files: tuple[FileRecord, ...]
    profile: Profile
    plan: Plan
    circumstances: Circumstances
    cards: Mapping[str, CheckCard]
    observations: Mapping[str, Observation]
    """By check, like `cards` and `executions`."""
    executions: Mapping[str, Execution]
    assessment: Assessment
    exhibit: Callable[[Exhibit], bytes]
    """The content of an exhibit."""

    @property
    def tool_version(self) -> str:
        """Version of the program that made the plan."""
        return self.plan.tool.rpartition(" ")[2]

    @property
    def started(self) -> str | None:
        """When the first check began (RFC 3339, UTC); `None` when no check ran."""
        starts = [_span(execution)[0] for execution in self.executions.values()]
        return _written(min(starts)) if starts else None

    @property
    def ended(self) -> str | None:
        """When the last check ended; `None` when no check ran."""
        ends = [_span(execution)[1] for execution in self.executions.values()]
        return _written(max(ends)) if ends else None

    def requirement(self, control: str) -> Requirement:
        """What the profile demands of a control. Raises `EvidenceError` for a control that it does not have."""
        for requirement in self.profile.requirements:
            if requirement.control == control:
                return requirement
        raise EvidenceError(
            Text(
                f"judges control {control[:40]!r}, which is not in the profile",
                f"所判控制项 {control[:40]!r} 不在档案中",
            ),
            "assessment.json",
        )

    def title(self, check: str) -> Text:
        """What people call a check."""
        card = self.cards.get(check)
        return Text(check, check) if card is None else card.title

    def observed(self, finding: Finding) -> list[Observation]:
        """The observations a finding rests on."""
        return [made for digest, made in self._by_digest.items() if digest in finding.observations]

    @cached_property
    def _by_digest(self) -> dict[Digest, Observation]:
        return {made.own_digest(): made for _, made in sorted(self.observations.items())}

    def collected(self, check: str) -> str | None:
        """When a check ended; `None` when it did not run."""
        execution = self.executions.get(check)
        return None if execution is None else _written(_span(execution)[1])

    def description_bytes(self) -> bytes:
        """The description as the bundle holds it."""
        return canonical_json(description_json(self.description))


def source_of(bundle: Bundle) -> Source:
    """The records of a bundle. Raises `EvidenceError` when one is missing, malformed, or of another system."""
    from touchstone.assessment.conclusion import Circumstances

    def one(role: Role) -> tuple[bytes, str]:
        entry = bundle.only(role)
        return bundle.read(entry.name), entry.name

    def all_of(role: Role) -> list[tuple[bytes, str]]:
        return [(bundle.read(entry.name), entry.name) for entry in bundle.with_role(role)]

    names = {entry.digest: entry.name for entry in bundle.entries}

    def exhibit(wanted: Exhibit) -> bytes:
        if wanted.digest not in names:
            raise EvidenceError(Text("names an exhibit that is not in the evidence", "所列物证不在证据中"), wanted.name)
        return bundle.read(names[wanted.digest])

    plan = Plan.from_bytes(*one(Role.PLAN))
    description, files = described_system(bundle, plan)
    observations = [Observation.from_bytes(data, name) for data, name in all_of(Role.OBSERVATION)]
    executions = [Execution.from_bytes(data, name) for data, name in all_of(Role.EXECUTION)]
    return Source(
        description=description,
        files=files,
        profile=Profile.from_bytes(*one(Role.PROFILE)),
        plan=plan,
        circumstances=Circumstances.from_bytes(*one(Role.CIRCUMSTANCES)),
        cards=cards_by_check(*one(Role.CHECKS)),
        observations={observation.check.id: observation for observation in observations},
        executions={execution.check.id: execution for execution in executions},
        assessment=Assessment.from_bytes(*one(Role.ASSESSMENT)),
        exhibit=exhibit,
    )


def described_system(bundle: Bundle, plan: Plan) -> tuple[SystemDescription, tuple[FileRecord, ...]]:
    """What a bundle says was tested, and its files. Raises `EvidenceError` when that is not what was planned for."""
    where, listed = bundle.only(Role.DESCRIPTION).name, bundle.only(Role.FILES).name
    description, files = _description(bundle.read(where), where), _files(bundle.read(listed), listed)
    if system_digest(description, files) != plan.system:
        raise EvidenceError(Text("describes another system than the planned one", "所描述的不是计划中的系统"), where)
    return description, files


def named_information(digest: Digest) -> str:
    """A URI for content by its digest (RFC 6920): the evidence moves, so a path would not last.

    >>> named_information("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    'ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
    """
    raw = bytes.fromhex(digest.removeprefix("sha256:"))
    return "ni:///sha-256;" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def hexadecimal(digest: Digest) -> str:
    """A digest without the name of its algorithm."""
    return digest.removeprefix("sha256:")


def _description(data: bytes, where: str) -> SystemDescription:
    from touchstone.system.description import SystemDescription

    try:
        return SystemDescription.model_validate(parse_json(data, where))
    except ValidationError:
        raise EvidenceError(Text("is not a description of a system", "不是系统描述"), where) from None


def _files(data: bytes, where: str) -> tuple[FileRecord, ...]:
    fields: dict[str, type] = {"path": str, "size": int, "digest": str, "format": str}
    listed = parse_array(data, where)
    for file in listed:
        if not isinstance(file, dict) or {name: type(value) for name, value in file.items()} != fields:
            raise EvidenceError(Text("is not a list of files", "不是文件列表"), where)
    return tuple(FileRecord(**file) for file in listed)


def _span(execution: Execution) -> tuple[datetime, datetime]:
    try:
        since = datetime.fromisoformat(execution.started) - _EPOCH  # TypeError for a time without a zone
        return _EPOCH + since, _EPOCH + since + timedelta(milliseconds=execution.wall_ms)
    except (ValueError, TypeError, OverflowError):
        raise EvidenceError(
            Text(
                f"states a time that does not exist: {execution.started[:40]}", f"时间不存在：{execution.started[:40]}"
            ),
            f"executions/{execution.check.id}.json",
        ) from None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

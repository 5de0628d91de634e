"""The inside of a worker: take one request, shut the walls, run one check, send what was measured, end."""

from __future__ import annotations

import socket
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue

from touchstone.assessment import channel as frames
from touchstone.assessment.intake import INTAKE
from touchstone.assessment.measure import measure
from touchstone.assessment.replay import REPLAY
from touchstone.canonical import Digest
from touchstone.checks.registry import installed_check
from touchstone.isolation import Walls, build_walls
from touchstone.records import Budget, Isolation, PlanItem, Record
from touchstone.system.description import SystemDescription
from touchstone.system.subject import FileRecord, Subject


class WorkRequest(Record):
    """Everything a worker needs to know. The digests are those taken when the system was opened, so a file that
    changed since is noticed when the worker reads it."""

    root: str
    description: JsonValue
    files: tuple[FileRecord, ...]
    system: Digest
    item: PlanItem
    budget: Budget
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: int
    network: bool

    def subject(self) -> Subject:
        """The system, as the parent opened it."""
        return Subject(
            root=Path(self.root),
            description=SystemDescription.model_validate(self.description),
            files=self.files,
            digest=self.system,
        )


def serve(channel: socket.socket) -> None:
    """Do the one piece of work that arrives on `channel`."""
    request = WorkRequest.from_bytes(frames.receive(channel).content, "work request")
    ours = {check.id: check for check in (INTAKE, REPLAY)}
    check = ours.get(request.item.check.id) or installed_check(request.item.check.id)
    walls = build_walls(Walls(request.memory_bytes, request.cpu_seconds, request.wall_seconds, network=request.network))
    frames.send(channel, "isolation", Isolation(process="separate", **asdict(walls)).to_bytes())

    def report(fraction: float) -> None:
        frames.send(channel, "progress", fraction=f"{fraction:.3f}")

    measured = measure(check, request.subject(), request.item, request.budget, report)
    for digest, content in sorted(measured.exhibits.items()):
        frames.send(channel, "exhibit", content, digest=digest)
    frames.send(channel, "observation", measured.observation.to_bytes())

"""Run planned checks in worker processes and yield what happens, as it happens.

Whatever one worker does (crash, hang, be killed, run out of memory, send nonsense), its check ends as an
observation with status `error` and the others go on.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from touchstone.assessment import channel as frames
from touchstone.assessment.measure import Measured, failed
from touchstone.assessment.worker import WorkRequest
from touchstone.assessment.zygote import ENDED, NEWS, STARTED, News
from touchstone.assessment.zygote_process import ZygoteProcess
from touchstone.canonical import digest_of
from touchstone.errors import TouchstoneError
from touchstone.records import Budget, Execution, Isolation, Note, Observation, PlanItem
from touchstone.system.subject import Subject, description_json
from touchstone.text import Text

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may use. Wall time is twice the processor time, because workers share cores."""

    memory_bytes: int = 12 * GIB
    cpu_seconds: int = 1800

    @property
    def wall_seconds(self) -> int:
        return 2 * self.cpu_seconds + 60


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has begun this item."""

    item: PlanItem


@dataclass(frozen=True, slots=True)
class Progressed:
    """A worker says how far it is, from 0 to 1."""

    item: PlanItem
    fraction: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A worker has ended; `measured` holds its result, or an observation of why there is none."""

    item: PlanItem
    measured: Measured
    execution: Execution


Event = Started | Progressed | Finished


def run_in_workers(
    subject: Subject,
    items: Sequence[PlanItem],
    budget: Budget,
    *,
    jobs: int = 1,
    first: PlanItem | None = None,
    again: Sequence[PlanItem] = (),
    limits: Limits | None = None,
    zygote: ZygoteProcess | None = None,
) -> Iterator[Event]:
    """Run `items`, `jobs` at a time, longest first, after `first` alone. Yields events as they happen.

    Whoever does not like how `first` ended stops listening, and nothing else starts. Once all have ended, the items
    `again` are run, a second time or not. A `zygote` that was started early saves the time of starting one; it is
    closed when all is done.
    """
    if not items and not again:
        return
    zygote = zygote or ZygoteProcess(subject.description.model.format)
    with _Pool(subject, budget, limits or Limits(), zygote) as pool:
        for waiting in ([] if first is None else [first], _longest_last(items), _longest_last(again)):
            while waiting or pool.jobs:
                while waiting and len(pool.jobs) < jobs:
                    yield pool.start(waiting.pop())
                yield from pool.wait()


def _longest_last(items: Sequence[PlanItem]) -> list[PlanItem]:
    return sorted(items, key=lambda item: (item.estimated_seconds, item.check.id))


@dataclass
class _Job:
    item: PlanItem
    channel: socket.socket
    started: datetime
    clock: float
    unsent: bytes
    parser: frames.Parser = field(default_factory=frames.Parser)
    process: int | None = None
    isolation: Isolation | None = None
    exhibits: dict[str, bytes] = field(default_factory=dict)
    observation: Observation | None = None
    fault: Note | None = None


class _Pool:
    """The zygote and the jobs it is working on."""

    def __init__(self, subject: Subject, budget: Budget, limits: Limits, zygote: ZygoteProcess) -> None:
        self.subject = subject
        self.budget = budget
        self.limits = limits
        self.jobs: dict[int, _Job] = {}
        self.counter = 0
        self.selector = selectors.DefaultSelector()
        self._listen_to(zygote)

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for job in self.jobs.values():
            job.channel.close()
            _kill(job.process)
        self.zygote.close()
        self.selector.close()

    def _listen_to(self, zygote: ZygoteProcess) -> None:
        self.zygote = zygote
        self.news = bytearray()
        self.selector.register(zygote.control, selectors.EVENT_READ, None)

    def _replace_zygote(self) -> None:
        """After the zygote died: another one for the jobs that are still to come."""
        self.selector.unregister(self.zygote.control)
        self.zygote.close()
        self._listen_to(self.zygote.again())

    def start(self, item: PlanItem) -> Event:
        """Hand one item to the zygote."""
        request = WorkRequest(
            root=str(self.subject.root),
            description=description_json(self.subject.description),
            files=self.subject.files,
            system=self.subject.digest,
            item=item,
            budget=self.budget,
            memory_bytes=self.limits.memory_bytes,
            cpu_seconds=self.limits.cpu_seconds,
            wall_seconds=self.limits.wall_seconds,
            network=self.subject.description.model.format == "http",
        )
        ours, theirs = socket.socketpair()
        self.counter += 1
        job = _Job(
            item=item,
            channel=ours,
            started=datetime.now(UTC),
            clock=time.monotonic(),
            unsent=frames.encode("request", request.to_bytes()),
        )
        with theirs:
            try:
                self.zygote.take(self.counter, theirs.fileno())
            except OSError:
                self._replace_zygote()
                self.zygote.take(self.counter, theirs.fileno())
        ours.setblocking(False)
        self.jobs[self.counter] = job
        self.selector.register(ours, selectors.EVENT_READ | selectors.EVENT_WRITE, self.counter)
        return Started(item)

    def wait(self) -> Iterator[Event]:
        """Block until something happens; yield it."""
        for key, mask in self.selector.select(timeout=1.0):
            if key.data is None:
                yield from self._hear_zygote()
            elif key.data in self.jobs:
                if mask & selectors.EVENT_WRITE:
                    self._send_request(key.data)
                if mask & selectors.EVENT_READ:
                    yield from self._hear_worker(key.data)
        self._end_overdue()

    def _send_request(self, number: int) -> None:
        job = self.jobs[number]
        with suppress(OSError):
            job.unsent = job.unsent[job.channel.send(job.unsent) :]
        if not job.unsent:
            self.selector.modify(job.channel, selectors.EVENT_READ, number)

    def _hear_rest(self, number: int) -> Iterator[Event]:
        """What an ended worker said is already in our socket; nothing more is waited for, whoever holds its end."""
        while self._is_open(number):
            try:
                self.jobs[number].channel.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                self.selector.unregister(self.jobs[number].channel)
                return
            except OSError:
                pass
            yield from self._hear_worker(number)

    def _is_open(self, number: int) -> bool:
        return self.jobs[number].channel.fileno() in self.selector.get_map()

    def _hear_worker(self, number: int) -> Iterator[Event]:
        job = self.jobs[number]
        try:
            data = job.channel.recv(1 << 20)
            for frame in job.parser.feed(data):
                if frame.kind == "progress":
                    yield Progressed(job.item, _fraction(frame.about.get("fraction", "")))
                else:
                    _accept(job, frame, self.subject)
        except BlockingIOError:
            return
        except (TouchstoneError, OSError) as error:
            job.fault = _note(
                "worker-spoke-nonsense", f"The worker's answer was refused: {error}", f"工作进程的输出被拒绝：{error}"
            )
            _kill(job.process)
            data = b""
        if not data:
            self.selector.unregister(job.channel)

    def _hear_zygote(self) -> Iterator[Event]:
        try:
            data = self.zygote.control.recv(65536)
        except OSError:
            data = b""
        if not data:
            yield from self._lose_zygote()
            return
        self.news += data
        while len(self.news) >= NEWS.size:
            news = News(*NEWS.unpack(self.news[: NEWS.size]))
            del self.news[: NEWS.size]
            if news.what == STARTED:
                started = self.jobs[news.job]
                started.process, started.clock = news.process, time.monotonic()
            elif news.what == ENDED:
                yield from self._end(news)

    def _end(self, news: News) -> Iterator[Event]:
        yield from self._hear_rest(news.job)
        job = self.jobs.pop(news.job)
        job.channel.close()
        fault = job.fault or _ending(news, self.limits)
        if job.observation is None or job.fault is not None:
            measured = Measured(failed(self.subject.digest, self.subject.access, job.item, fault), {})
        else:
            measured = Measured(job.observation, job.exhibits)
        yield Finished(job.item, measured, self._execution(job, news))

    def _execution(self, job: _Job, news: News) -> Execution:
        return Execution(
            check=job.item.check,
            started=job.started.isoformat(timespec="milliseconds"),
            wall_ms=int((time.monotonic() - job.clock) * 1000),
            cpu_ms=news.cpu_us // 1000,
            peak_memory_bytes=news.peak_memory_bytes,
            isolation=job.isolation
            or Isolation(
                process="separate",
                network="open",
                network_by="",
                new_programs="allowed",
                memory_bytes=None,
                cpu_seconds=None,
                wall_seconds=self.limits.wall_seconds,
            ),
        )

    def _end_overdue(self) -> None:
        for job in self.jobs.values():
            running = job.process is not None and job.fault is None
            if running and time.monotonic() - job.clock > self.limits.wall_seconds:
                job.fault = _note(
                    "time-limit",
                    f"The check did not end within {self.limits.wall_seconds} seconds and was stopped.",
                    f"检查项未在 {self.limits.wall_seconds} 秒内结束，已被终止。",
                )
                _kill(job.process)

    def _lose_zygote(self) -> Iterator[Event]:
        """The zygote died: so did its workers. Their checks end as errors, the rest gets a new zygote."""
        lost = sorted(self.jobs)
        for number in lost:
            self.jobs[number].fault = _note(
                "worker-killed", "The worker processes were killed from outside.", "工作进程被外部终止。"
            )
            yield from self._end(News(ENDED, number, 0, -signal.SIGKILL, 0, 0))
        self._replace_zygote()


def _accept(job: _Job, frame: frames.Frame, subject: Subject) -> None:
    """Take one frame of a worker into its job, or raise `TouchstoneError`."""
    if frame.kind == "isolation":
        job.isolation = Isolation.from_bytes(frame.content, "isolation")
    elif frame.kind == "exhibit":
        digest = digest_of(frame.content)
        if digest != frame.about.get("digest"):
            raise TouchstoneError("an exhibit does not have the digest it claims")
        job.exhibits[digest] = frame.content
    elif frame.kind == "observation":
        observation = Observation.from_bytes(frame.content, "observation")
        item = job.item
        claimed = (observation.check, observation.system, observation.seed, observation.parameters)
        if claimed != (item.check, subject.digest, item.seed, item.parameters):
            raise TouchstoneError("an observation is about something else than was asked")
        if {exhibit.digest for exhibit in observation.exhibits} - set(job.exhibits):
            raise TouchstoneError("an observation names an exhibit that was not sent")
        job.observation = observation
    else:
        raise TouchstoneError(f"a frame of unknown kind {frame.kind[:40]!r}")


def _ending(news: News, limits: Limits) -> Note:
    """Why a worker ended without a result, as well as its exit status can tell."""
    if news.status == -signal.SIGXCPU or news.cpu_us >= limits.cpu_seconds * 1_000_000:
        return _note(
            "time-limit",
            f"The check used up its {limits.cpu_seconds} seconds of processor time.",
            f"检查项用尽了 {limits.cpu_seconds} 秒的处理器时间。",
        )
    if news.status < 0:
        name = signal.Signals(-news.status).name
        return _note("worker-killed", f"The worker was ended by {name}.", f"工作进程被信号 {name} 终止。")
    return _note(
        "worker-ended",
        f"The worker ended with status {news.status} and gave no result.",
        f"工作进程以状态 {news.status} 结束，未给出结果。",
    )


def _note(code: str, en: str, zh: str) -> Note:
    return Note(code=code, text=Text(en, zh))


def _fraction(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _kill(process: int | None) -> None:
    """End a worker and everything it may have forked: each worker leads a process group of its own."""
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)

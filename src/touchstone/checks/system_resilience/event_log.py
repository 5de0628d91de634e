"""Can a decision be traced from the log back to model, input and person, and is the log kept long enough (SR-11)?

The log of a trace exercise is handed in: rows of the test data, sent through the service in operation, with whatever
else it wrote. Traceable is a decision whose line stands in an unbroken chain, at a time that does not run backwards,
that names the model under test and an input of the test data, and that the model, asked again, answers as the log
says; and an override that names a person and an earlier decision.

How long logs are kept is what is configured, unless what the store holds contradicts it: a store in use for two years
whose oldest entry is of last month keeps a month.

Cannot tell: lines cut off at the end of the log leave no trace in it, and a log written anew as a whole is a chain too.

Source: RFC 9162 and Schneier and Kelsey 1999 (tamper-evident logs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

import numpy as np

from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.named_entries import entries_note, notes_by_reason
from touchstone.checks.register_controls import Audit, Plant, register_controls
from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.log_trace import (
    ANY,
    REASONS,
    Answers,
    Known,
    consistent_log,
    untraceable,
    written,
)
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.registers.event_log import LoggedEvent
from touchstone.system.registers.log_retention import LogRetention
from touchstone.system.registers.reading import parse_register
from touchstone.system.registers.releases import Release
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLE = 10_000
"""Most decisions that are traced; a lower bound of 99.9 % needs 2995 that all can be."""
DECISIONS = ("decision", "override")


@check(
    id="runtime.logging",
    version="1",
    title=Text("Event log and traceability", "事件日志与可追溯"),
    measures=Text(
        "For a sample of logged decisions, the share that can be traced: their line stands in an unbroken chain of "
        "digests in order of time, names the model under test and an input of the test data, and the model, asked "
        "again, gives the logged answer; an override names a person and the decision it changed. And for how many "
        "days logs are kept, as configured and as far as the oldest entry bears it out.",
        "抽取日志中的决策，计算可追溯的占比：所在行处于完整且按时间排列的摘要链中，指明被测模型与测试数据中的输入，"
        "且再次询问模型得到与日志一致的回答；改判须注明人员及所改判的决策。另测日志留存天数（以配置为准，并以所存最早条目印证）。",
    ),
    cannot_tell=Text(
        "Lines cut off at the end of the log leave no trace in it, and a log that was written anew as a whole is a "
        "chain too; only digests noted elsewhere at the time would show it. Requests that were never logged are not "
        "seen. Retention is what was recorded of the stores.",
        "日志末尾被截断的行不会留下痕迹，整体重写的日志同样构成摘要链；只有当时另行留存的摘要才能揭示。"
        "从未记入日志的请求无法发现。留存期以对存储的记录为准。",
    ),
    remedy=Text(
        "Log with each decision its number, time, the digest of the model file in service, the row or digest of the "
        "input, the answer, and the digest of the line before; note the latest digest elsewhere every day; keep logs "
        "for the period the law demands.",
        "每次决策均记录编号、时间、在用模型文件摘要、输入行标识或摘要、模型回答及前一行摘要；每日将最新摘要另行留存；"
        "按法定期限保存日志。",
    ),
    threats=("CWE-778", "CWE-223", "CWE-345"),
    source="Schneier and Kelsey 1999, ACM TISSEC 2; Regulation (EU) 2024/1689 Art. 12",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration("retention_days", "days", "higher", Text("days that logs are kept", "日志留存天数")),
        MetricDeclaration(
            "traceable_decisions",
            "share_of_sample",
            "higher",
            Text("logged decisions that can be traced", "可追溯的日志决策占比"),
        ),
    ),
)
def event_log(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Trace a sample of decisions, and read how long stores keep what they hold."""
    measured, missing = [], []
    for part in (_retention, _traceable):
        try:
            measured.append(part(subject, run))
        except UnavailableError as error:
            missing.append(error)
    if not measured:
        raise missing[0]
    metrics = tuple(metric for metrics, _ in measured for metric in metrics)
    notes = tuple(note for _, notes in measured for note in notes)
    unmeasured = tuple(Note(code="part-not-measured", text=error.what) for error in missing)
    return Measurement(metrics, _controls(run), warnings=(*unmeasured, *notes))


_Part = tuple[tuple[Metric, ...], tuple[Note, ...]]


def _retention(subject: Subject, run: Run) -> _Part:
    """The store that keeps least decides."""
    stores = subject.register(LogRetention)
    if not stores:
        raise UnavailableError(Text("no store of logs is recorded", "未登记任何日志存储"), "registers.log-retention")
    kept = {store.store: _days_kept(store) for store in stores}
    least = Metric(id="retention_days", unit="days", value=min(map(_days_kept, stores)), n=len(stores), better="higher")
    shorter = [store.store for store in stores if _days_kept(store) < store.days]
    young = [store.store for store in stores if _days_kept(store) > (store.as_of - store.in_use_since).days]
    notes = []
    if shorter:
        what = Text(
            "stores whose oldest entry does not bear out the configured days; what they hold counts",
            "最早条目与所配置天数不符的存储，按实际所存计",
        )
        notes.append(entries_note("retention-contradicted", shorter, what))
    if young:
        what = Text(
            "stores in use for less than they are to keep, so that the setting alone speaks",
            "启用时间短于留存期的存储，仅以配置为据",
        )
        notes.append(entries_note("retention-not-shown-yet", young, what))
    return (least, *_by_store(kept)), tuple(notes)


def _by_store(kept: Mapping[str, int]) -> tuple[Metric, ...]:
    return tuple(
        Metric(id="retention_days", unit="days", value=days, n=1, better="higher", slice=f"store={store}")
        for store, days in kept.items()
    )


def _days_kept(store: LogRetention) -> int:
    """As configured; where entries are gone, no more than what is held, and nothing where the dates are absurd."""
    if not store.in_use_since <= store.oldest_entry <= store.as_of:
        return 0
    if store.oldest_entry == store.in_use_since:
        return store.days
    return min(store.days, (store.as_of - store.oldest_entry).days)


def _traceable(subject: Subject, run: Run) -> _Part:
    events = subject.register(LoggedEvent)
    path = (subject.description.registers or {})[LoggedEvent.register]
    if not path.endswith(".jsonl"):
        raise UnavailableError(
            Text(
                "the event log is no JSON Lines, so its chain cannot be followed",
                "事件日志不是 JSON Lines，无法核验摘要链",
            ),
            path,
            Text("hand in the lines as the system wrote them", "请提交系统写入的原始行"),
        )
    lines = [line for line in subject.read(path).removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    decisions = [place for place, event in enumerate(events) if event.kind in DECISIONS]
    if not decisions:
        raise UnavailableError(
            Text("the event log holds no decision", "事件日志中没有决策"),
            path,
            Text(
                "send rows of the test data through the service and hand in what it logs",
                "请将测试数据行送入服务，并提交其日志",
            ),
        )
    chosen = run.generator("sample").permutation(len(decisions))[:SAMPLE]
    sample = sorted(decisions[place] for place in chosen)
    known = _known(subject)
    found = untraceable(lines, events, sample, known)
    traced = sum(reason is None for reason in found.values())
    share = share_metric("traceable_decisions", traced, len(found), "higher", unit="share_of_sample")
    notes = notes_by_reason(((events[place].id, reason) for place, reason in found.items()), REASONS)
    if ANY in known.ask:
        text = Text(
            "the model has no file here, so the digests that the log names could not be compared",
            "模型在此没有文件，无法比对日志所记的模型摘要",
        )
        notes = (Note(code="model-digest-not-compared", text=text), *notes)
    return (share,), notes


def _known(subject: Subject) -> Known:
    data = subject.data("test")
    model = subject.description.model
    ask: dict[str, Callable[[Sequence[int]], Answers]] = {}
    if model.file is None:
        ask[ANY] = _asking(subject.model, data)
    else:
        ask[subject.record(model.file).digest] = _asking(subject.model, data)
        for form in model.deployed or ():
            if form.file is not None:
                ask.setdefault(subject.record(form.file).digest, _asking(partial(subject.deployed, form), data))
    return Known(
        labels=model.output.labels,
        rows={name: place for place, name in enumerate(data.identifiers or ())},
        inputs={input_digest(one): place for place, one in enumerate(data.inputs)},
        ask=ask,
        in_service_since=_in_service_since(subject),
    )


def _in_service_since(subject: Subject) -> dict[str, datetime]:
    """From the record of releases, where there is one."""
    releases = subject.register_if_any(Release)
    return {each.model: each.released for each in sorted(releases, key=lambda each: each.released, reverse=True)}


def _asking(opened: Callable[[], ModelHandle], data: LabelledData) -> Callable[[Sequence[int]], Answers]:
    """How a model is asked about rows of the test data. Answers that were computed beforehand come all at once."""

    def ask(rows: Sequence[int]) -> Answers:
        handle, places = opened(), np.array(rows, dtype=np.int64)
        beforehand = Capability.ANY_INPUT not in handle.capabilities
        inputs, wanted = (data.inputs, places) if beforehand else (data.inputs[places], np.arange(len(places)))
        if Capability.PROBABILITIES not in handle.capabilities:
            return Answers(handle.labels(inputs)[wanted], None)
        probabilities = handle.probabilities(inputs)[wanted]
        classes = probabilities.argmax(axis=1)
        return Answers(classes, probabilities[np.arange(len(classes)), classes])

    return ask


def input_digest(one: object) -> str:
    """How a log names an input: SHA-256 of its little-endian 32-bit floats in the declared order, or of its text."""
    content = one.encode() if isinstance(one, str) else np.ascontiguousarray(one, dtype="<f4").tobytes()
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _controls(run: Run) -> tuple[ControlRun, ...]:
    """A log in which all can be traced, and the same with one defect of each kind."""
    entries, known = consistent_log(run.generator("made-up log"))

    def audit(lines: Sequence[bytes]) -> Audit:
        events = parse_register(b"\n".join(lines), "made-up.jsonl", LoggedEvent)
        decisions = [place for place, event in enumerate(events) if event.kind in DECISIONS]
        found = untraceable(lines, events, decisions, known)
        return Audit((), notes_by_reason(((events[place].id, reason) for place, reason in found.items()), REASONS))

    def changed(place: int, **change: object) -> list[bytes]:
        whole = [*entries[:place], {**entries[place], **change}, *entries[place + 1 :]]
        return written([{name: value for name, value in entry.items() if value is not None} for entry in whole])

    sound = written(entries)
    other = "no" if entries[5]["output"] == "yes" else "yes"
    plants = (
        Plant(
            Text("a line changed afterwards", "事后被改动的行"),
            [*sound[:5], sound[5].replace(b"made-up-5", b"changed"), *sound[6:]],
            "chain-broken",
        ),
        Plant(Text("a line taken out", "被删除的行"), [*sound[:5], *sound[6:]], "chain-broken"),
        Plant(Text("two lines exchanged", "互换的两行"), [*sound[:5], sound[6], sound[5], *sound[7:]], "chain-broken"),
        Plant(Text("a clock that ran back", "倒退的时钟"), changed(5, at="2025-12-31T00:00:00Z"), "clock-back"),
        Plant(Text("a number that stands twice", "重复的编号"), changed(5, id=entries[4]["id"]), "number-twice"),
        Plant(Text("another model", "其他模型"), changed(5, model=input_digest("another model")), "model-unknown"),
        Plant(
            Text("a model that was not yet in service", "尚未投入使用的模型"),
            changed(0, at="2025-12-31T00:00:00Z"),
            "model-not-in-service",
        ),
        Plant(Text("no model", "未注明模型"), changed(5, model=None), "model-unknown"),
        Plant(Text("a row of nobody", "不存在的数据行"), changed(5, row="row of nobody"), "input-unknown"),
        Plant(
            Text("two different inputs", "两个不同的输入"), changed(5, input=input_digest("another")), "input-unknown"
        ),
        Plant(Text("another answer", "不同的回答"), changed(5, output=other), "answer-differs"),
        Plant(
            Text("another probability", "不同的概率"),
            changed(5, probability=entries[5]["probability"] - 0.01),
            "answer-differs",
        ),
        Plant(Text("an override by nobody", "无人负责的改判"), changed(30, person=None), "override-incomplete"),
        Plant(
            Text("an override of nothing", "没有对象的改判"),
            changed(30, of="decision of nobody"),
            "override-incomplete",
        ),
    )
    return register_controls(audit, sound, plants)

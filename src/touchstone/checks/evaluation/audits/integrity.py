"""Is the evidence whole: every exhibit there, every signature good, the plan in the log? (EM-07)

Source: ISO/IEC 17025:2017, 7.5, 7.11, 8.4; RFC 9162 (inclusion in a log).
"""

from __future__ import annotations

from dataclasses import replace

from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST
from touchstone.checks.run_record import Lock, RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text

_Looked = list[tuple[Text, bool]]
"""Every piece of the evidence, and whether it verified."""


@audit(
    id="method.evidence",
    version="1",
    title=Text("Integrity of the evidence", "证据完整性"),
    measures=Text(
        "The share of pieces of evidence that verify: exhibits by their digests, observations by the plan and by the "
        "record of their run, reviews and plan by their signatures, and the plan by its inclusion in the log.",
        "通过验证的证据占比：物证核对摘要，观测核对方案与执行记录，评审与方案核对签名，方案核对其已列入日志。",
    ),
    cannot_tell=Text(
        "This looks at the evidence when the run ends: assessment, certificate and revocation are signed later, and "
        "`touchstone verify` checks them with keys that the verifier trusts. Here the laboratory's own keys are used.",
        "此处只在运行结束时查验证据：测评结论、证书与吊销在其后签署，由 `touchstone verify` "
        "以验证方信任的密钥核对；此处使用实验室自己的密钥。",
    ),
    remedy=Text(
        "Assess with --key, --log and --log-key, and change nothing by hand.",
        "以 --key、--log 与 --log-key 测评，且勿手工改动。",
    ),
    source="ISO/IEC 17025:2017, 7.5, 7.11, 8.4; RFC 9162",
    metrics=(
        MetricDeclaration("evidence_verified", "share", "higher", Text("Evidence that verifies", "通过验证的证据占比")),
    ),
)
def evidence(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    if record.lock is None or record.lock.logged is None:
        raise UnavailableError(
            Text("the plan is not signed and on a log", "方案未经签名并列入日志"),
            remedy=Text("assess with --key, --log and --log-key", "请以 --key、--log 与 --log-key 测评"),
        )
    looked = _looked(record, record.lock)
    broken = tuple(Note(code="does-not-verify", text=what) for what, good in looked if not good)
    return Measurement((_metric(looked),), controls=(_null(), _planted()), warnings=broken)


def _looked(record: RunRecord, lock: Lock) -> _Looked:
    found: _Looked = [
        (Text("the signature over the plan", "方案的签名"), lock.signed),
        (Text("the plan in the log", "日志中的方案"), bool(lock.logged)),
    ]
    planned = {item.check.id: item for item in record.items}
    for check, observation in sorted(record.observations.items()):
        item, execution = planned.get(check), record.executions.get(check)
        fits = item is not None and (observation.check, observation.system) == (item.check, record.plan.system)
        found.append((Text(f"the observation of {check}", f"{check} 的观测"), fits))
        complete = execution is not None and execution.check == observation.check
        found.append((Text(f"the record of running {check}", f"{check} 的执行记录"), complete))
        for exhibit in observation.exhibits:
            what = Text(f"exhibit {exhibit.name} of {check}", f"{check} 的物证 {exhibit.name}")
            found.append((what, exhibit.digest in record.exhibits))
    for read in record.reviews:
        what = Text(f"the signature over the review of {read.review.title}", f"《{read.review.title}》评审的签名")
        found.append((what, read.signer is not None))
    return found


def _metric(looked: _Looked) -> Metric:
    verified = sum(good for _, good in looked)
    return Metric(id="evidence_verified", unit="share", value=verified / len(looked), n=len(looked), better="higher")


def _null() -> ControlRun:
    return _control("null", HONEST, 0, Text("evidence in good order verifies", "秩序良好的证据应通过验证"))


def _planted() -> ControlRun:
    """An exhibit gone, a record of a run gone, a signature that does not fit."""
    forged = replace(
        HONEST,
        exhibits=frozenset(),
        executions={FIRST: HONEST.executions[FIRST]},
        reviews=tuple(replace(read, signer=None) for read in HONEST.reviews),
    )
    return _control("planted", forged, 4, Text("what is missing or unsigned is found", "应发现缺失或未签名之物"))


def _control(kind: str, record: RunRecord, broken: int, text: Text) -> ControlRun:
    assert record.lock is not None  # noqa: S101 - the made-up run has one
    found = sum(not good for _, good in _looked(record, record.lock))
    return ControlRun(
        kind="null" if kind == "null" else "planted",
        expected=text,
        seen=Text(f"{found} do not verify", f"{found} 项未通过"),
        passed=found == broken,
    )

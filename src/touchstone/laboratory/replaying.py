"""Adversarial samples of an evidence bundle, put to the model once more: each is a proof that anyone can repeat."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from touchstone.assessment.disclosure import unsalted
from touchstone.assessment.engine import Finished, run_in_workers
from touchstone.assessment.replay import ARRAYS, ReplayParameters, replay_item
from touchstone.canonical import digest_of, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.laboratory.recording import read_recorded
from touchstone.records import Observation
from touchstone.system.subject import Subject
from touchstone.text import Text

CHECK = "robust.adversarial"
THREAT = "threat_model.json"


@dataclass(frozen=True, slots=True)
class Replayed:
    """Stored samples; those that are made of the test data within the threat; those of these that are broken."""

    stored: int
    genuine: int
    broken: int


def replay(bundle: Bundle, subject: Subject) -> Replayed:
    """Ask the model of `subject` about every adversarial sample that the bundle stores, in a worker.

    Raises `EvidenceError` when the bundle is about another system, was changed, or stores no such samples.
    """
    recorded = read_recorded(bundle)
    if subject.digest != recorded.plan.system:
        raise EvidenceError(
            Text(
                f"is another system ({subject.digest}) than the one tested ({recorded.plan.system})",
                f"该系统（{subject.digest}）不是受测系统（{recorded.plan.system}）",
            ),
            subject.description.system.name,
        )
    observation = recorded.observations.get(CHECK)
    content = _exhibit(bundle, observation, ARRAYS)
    threat = unsalted(parse_json(_exhibit(bundle, observation, THREAT), THREAT))
    with tempfile.TemporaryDirectory(prefix="touchstone-replay-") as folder:
        file = Path(folder) / ARRAYS
        file.write_bytes(content)
        return _replayed(subject, _parameters(file, content, threat))


def _replayed(subject: Subject, parameters: ReplayParameters) -> Replayed:
    for event in run_in_workers(subject, [replay_item(subject, parameters)], "quick"):
        if isinstance(event, Finished):
            observation = event.measured.observation
            if observation.error is not None:
                raise EvidenceError(observation.error.text, ARRAYS)
            counts = {metric.id: int(metric.value) for metric in observation.metrics}
            return Replayed(**counts)
    raise EvidenceError(Text("the worker gave no answer", "工作进程未给出结果"), ARRAYS)


def _exhibit(bundle: Bundle, observation: Observation | None, name: str) -> bytes:
    exhibits = () if observation is None else observation.exhibits
    digests = [exhibit.digest for exhibit in exhibits if exhibit.name == name]
    if not digests:
        raise EvidenceError(
            Text("stores no adversarial samples", "未存有对抗样本"),
            bundle.manifest_file,
            Text(
                f"they are stored where {CHECK} broke a sample and the test data may be shown",
                f"仅当 {CHECK} 攻破了样本且测试数据可公开时才会存储",
            ),
        )
    entry = next(entry for entry in bundle.entries if entry.digest == digests[0])
    return bundle.read(entry.name)


def _parameters(file: Path, content: bytes, threat: object) -> ReplayParameters:
    given = threat if isinstance(threat, dict) else {}
    try:
        return ReplayParameters.model_validate(
            {
                "file": str(file),
                "digest": digest_of(content),
                "norm": given.get("norm"),
                "epsilon": given.get("epsilon"),
            }
        )
    except ValidationError:
        raise EvidenceError(Text("is no threat model", "不是威胁模型"), THREAT) from None

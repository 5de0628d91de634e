"""What the adversarial check leaves behind: threat model, report, adversarial samples, and remarks for the reader.

Whoever wants to verify an adversarial sample asks the model for one answer: the arrays hold the sample, the original
and the answer, the report says where it comes from.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.attack_findings import Find, unconfirmed
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.declared_threat import radius_in_words
from touchstone.checks.system_resilience.inputs import Samples, may_be_shown, range_not_declared
from touchstone.checks.system_resilience.pictures import arrays_file, picture_sheet
from touchstone.records import Exhibit, Note, number, plain
from touchstone.system.subject import Subject
from touchstone.text import Text

SHOWN = 8
"""Adversarial samples on the sheet of pictures."""
RANKED = 64
"""Adversarial samples of which the clearest are chosen."""
UPPER_BOUND = Text(
    "robust accuracy is an upper bound on true robustness: attacks prove that a sample can be turned, never that it "
    "cannot",
    "鲁棒准确率只是真实鲁棒性的上界：攻击能证明样本可被翻转，不能证明其不可被翻转",
)


def exhibits(subject: Subject, attacker: Attacker, run: Run) -> tuple[Exhibit, ...]:
    """Threat model and report; adversarial samples only where the test data may be shown."""
    finds = sorted(attacker.finds, key=lambda find: (find.index, find.knowledge))
    stored = [find for find in finds if find.adversarial is not None] if may_be_shown(subject) else []
    kept = [
        run.exhibit("threat_model.json", "application/json", canonical_json(_threat_json(attacker))),
        run.exhibit("attack_report.json", "application/json", canonical_json(_report_json(attacker, finds, stored))),
    ]
    if not stored:
        return tuple(kept)
    rows = np.array([find.index for find in stored], dtype=np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "row": attacker.order[rows],
        "target": attacker.y[rows],
        "answer": np.array([find.answer for find in stored], dtype=np.int64),
        "original": attacker.original(attacker.samples_at(rows)),
        "adversarial": attacker.original(
            np.stack([find.adversarial for find in stored if find.adversarial is not None])
        ),
    }
    kept.append(run.exhibit("adversarial_examples.npz", "application/x-npz", arrays_file(arrays)))
    if attacker.kind == "image":
        kept.append(run.exhibit("adversarial_examples.png", "image/png", _gallery(subject, attacker, stored)))
    return tuple(kept)


def remarks(attacker: Attacker) -> tuple[Note, ...]:
    """What a reader of the numbers has to know."""
    notes = []
    if attacker.kind == "image" and not attacker.range.declared:
        notes.append(range_not_declared(attacker.range))
    if attacker.kind != "image" and attacker.parameters.norm == "linf":
        notes.append(_immutable(attacker))
    if attacker.unconfirmed:
        notes.append(unconfirmed(attacker.unconfirmed))
    if attacker.saturated:
        notes.append(_SATURATED)
    if attacker.masked:
        notes.append(_masked(attacker.only_search, len(attacker.attacked)))
    if len(attacker.attacked):
        notes.append(Note(code="upper-bound", text=UPPER_BOUND))
        notes.append(_cost(attacker))
    notes.extend(_audit(attacker))
    return tuple(notes)


def _gallery(subject: Subject, attacker: Attacker, stored: list[Find]) -> bytes:
    """Original, perturbation (the radius stretched to full contrast) and adversarial picture of the clearest finds."""
    low, width = np.float32(attacker.range.low), np.float32(attacker.range.high - attacker.range.low)
    labels = subject.description.model.output.labels
    sheet: dict[str, list[Samples]] = {}
    for find, after in _clearest(attacker, stored):
        before = attacker.samples_at(np.array([find.index]))[0]
        radius = attacker.threat.epsilon.max() if attacker.threat.norm == "linf" else np.abs(after - before).max()
        stretched = (after - before) / np.float32(2 * radius) + np.float32(0.5)
        words = [
            f"row {attacker.order[find.index]}",
            *(_drawn(labels, c) for c in (attacker.y[find.index], find.answer)),
        ]
        sheet["\n".join([*words[:2], f"> {words[2]}"])] = [(before - low) / width, stretched, (after - low) / width]
    return picture_sheet(sheet)


def _clearest(attacker: Attacker, stored: list[Find]) -> list[tuple[Find, Samples]]:
    """One find for each of a few samples: where scores are free those it is most sure of, else the smallest changes."""
    found = {find.index: (find, find.adversarial) for find in stored if find.adversarial is not None}
    finds = list(found.values())[:RANKED]
    rank = np.array([find.distance for find, _ in finds])
    if attacker.gradients:  # the model is at hand: nobody counts its answers
        scores = attacker.scores(np.stack([after for _, after in finds]))
        rows = np.arange(len(finds))
        truth = attacker.y[[find.index for find, _ in finds]]
        rank = scores[rows, truth] - scores[rows, [find.answer for find, _ in finds]]
    return [finds[place] for place in np.argsort(rank, kind="stable")[:SHOWN]]


def _drawn(labels: list[str], index: int) -> str:
    """A class in letters that every font has, and short enough for a small picture."""
    name = labels[index] if 0 <= index < len(labels) else "?"
    return name[:12] if name.isascii() else f"class {index}"


def _threat_json(attacker: Attacker) -> dict[str, object]:
    return {
        "schema": "touchstone.threat-model/v1",
        "norm": attacker.parameters.norm,
        "radius": radius_in_words(attacker.kind, attacker.parameters, Decimal(1)),
        "low": _finite(attacker.range.low),
        "high": _finite(attacker.range.high),
        "epsilon": [plain(number(value)) for value in np.unique(attacker.threat.epsilon)]
        if attacker.kind == "image"
        else [plain(number(value)) for value in attacker.threat.epsilon.ravel()],
        "knowledge": [*(["scores"] if attacker.scored else ["labels"]), *(["gradients"] if attacker.gradients else [])],
        "targeted": False,
        "queries_per_sample": attacker.parameters.queries,
    }


def _report_json(attacker: Attacker, finds: list[Find], stored: list[Find]) -> dict[str, object]:
    place = {id(find): index for index, find in enumerate(stored)}
    return {
        "schema": "touchstone.attack-report/v2",
        "reading": {"en": UPPER_BOUND.en, "zh": UPPER_BOUND.zh},
        "samples": [
            {
                "row": int(attacker.order[index]),
                "correct": bool(attacker.correct[index]),
                "broken_by_search": bool(attacker.black[index]),
                "broken_by_gradient": bool(attacker.white[index]) and attacker.gradients,
                "broken_by_trees": bool(attacker.white[index]) and not attacker.gradients,
                "audited": bool(attacker.audited[index]),
                "queries": int(attacker.queries[index]),
            }
            for index in range(attacker.reached)
        ],
        "broken": [
            {
                "row": int(attacker.order[find.index]),
                "knowledge": find.knowledge,
                "attack": find.attack,
                "step": find.step,
                "seed": str(find.seed),
                "label_before": int(attacker.y[find.index]),
                "label_after": find.answer,
                "distance_in_radii": plain(number(find.distance)),
                "place_in_arrays": place.get(id(find)),
            }
            for find in finds
        ],
        "audit": [rung.name for rung in attacker.audit_rungs],
        "cost": _cost_json(attacker),
    }


def _cost_json(attacker: Attacker) -> dict[str, int]:
    cost = {
        "samples": attacker.reached,
        "samples_available": attacker.available,
        "queries": int(attacker.queries.sum()),
    }
    if attacker.white_box is not None:
        passes = attacker.white_box.passes
        cost |= {"forward": passes.forward, "forward_and_backward": passes.backward} | _ensemble(attacker)
    return cost


def _ensemble(attacker: Attacker) -> dict[str, int]:
    """What the fixed ensemble of attacks on 1,000 samples of a model like this one takes."""
    from touchstone.checks.system_resilience.white_box import ensemble_answers, ensemble_passes

    tally = attacker.tally()
    shares = tally.attacked / tally.reached, tally.standing / tally.reached
    return {"ensemble": ensemble_passes(*shares), "ensemble_answers": ensemble_answers(*shares)}


def _cost(attacker: Attacker) -> Note:
    cost = _cost_json(attacker)
    used, available, queries = cost["samples"], cost["samples_available"], cost["queries"]
    english = f"{used} of {available} samples were used, and the search asked {queries:,} questions"
    chinese = f"在 {available} 个样本中使用 {used} 个；搜索攻击共询问 {queries:,} 次"
    if attacker.white_box is not None:
        forward, both, ensemble = cost["forward"], cost["forward_and_backward"], cost["ensemble"]
        times = ensemble / attacker.white_box.passes.total
        english += (
            f"; the gradient attacks took {forward:,} forward passes and {both:,} forward and backward, where a fixed "
            f"ensemble on 1,000 samples takes about {ensemble:,} passes, {times:,.1f} times as many (forward and "
            "backward counted as three)"
        )
        chinese += (
            f"；梯度攻击用去前向 {forward:,} 次、前向加反向 {both:,} 次，"
            f"而对 1000 个样本的固定攻击组合约需 {ensemble:,} 次，"
            f"为其 {times:,.1f} 倍（前向加反向计为三次）"
        )
    return Note(
        code="cost",
        text=Text(english, chinese),
    )


def _audit(attacker: Attacker) -> list[Note]:
    if attacker.white_box is None or not len(attacker.attacked):
        return []
    left, tally = len(attacker.unaudited), attacker.tally()
    rungs = ", ".join(rung.name for rung in attacker.audit_rungs)
    notes = []
    if tally.part is not None:
        notes.append(
            Note(
                code="audited-in-part",
                text=Text(
                    f"{tally.part} random survivors were audited and stood; the bounds pay for the other {left}",
                    f"随机抽取 {tally.part} 个未攻破样本复核，均未被攻破；区间已计入其余 {left} 个未复核样本的不确定性",
                ),
            )
        )
    elif left:
        notes.append(
            Note(
                code="not-audited",
                text=Text(
                    f"{left} survivors of the quick gradient attacks were not audited, as the limits are missed "
                    "whatever an audit finds; a stronger attack may break more than the upper bounds say",
                    f"{left} 个未被快速梯度攻击攻破的样本未经复核，因为无论复核结果如何均已不满足限值；"
                    "更强的攻击可能攻破多于上界所示的样本",
                ),
            )
        )
    if attacker.shortened:
        notes.append(
            Note(
                code="audit-shortened",
                text=Text(
                    f"the quick budget audits survivors with a shortened ensemble ({rungs}), not with all of it",
                    f"快速预算以缩减的攻击组合（{rungs}）复核未攻破样本，并非完整组合",
                ),
            )
        )
    return notes


def _finite(value: float) -> str | None:
    return plain(number(value)) if np.isfinite(value) else None


def _immutable(attacker: Attacker) -> Note:
    movable = np.flatnonzero(attacker.threat.epsilon.ravel() > 0)
    total = attacker.threat.epsilon.size
    named = "" if attacker.columns is None else ": " + ", ".join(attacker.columns[index] for index in movable)[:300]
    return Note(
        code="perturbed-columns",
        text=Text(
            f"{len(movable)} of {total} elements are continuous and were perturbed{named}; whole-number columns "
            "(binary, one-hot, ordinal) were held fixed",
            f"{total} 个输入元素中有 {len(movable)} 个为连续型并被扰动{named}；整数列（二值、独热、序数）保持不变",
        ),
    )


_SATURATED = Note(
    code="scores-saturated",
    text=Text(
        "some answers give all classes but one a probability of exactly zero, which hides the way to the boundary; "
        "these samples were attacked by labels as well, with as many queries again",
        "部分输出中除一类外其余类别概率恰为零，掩盖了通向决策边界的方向；对这些样本另以同等查询次数做了基于标签的攻击",
    ),
)


def _masked(count: int, attacked: int) -> Note:
    return Note(
        code="gradients-masked",
        text=Text(
            f"the search broke {count} of {attacked} samples that the gradient did not: the gradients mislead, and "
            "white-box success is understated",
            f"{attacked} 个样本中有 {count} 个被搜索攻击攻破而梯度攻击未能攻破：梯度具有误导性，白盒成功率被低估",
        ),
    )

"""Are the labels right, and do the people who gave them agree?

A label is doubtful where models that learnt from the other rows contradict it. What share of wrong labels such models
contradict is measured with labels turned round on purpose. That share turns the count into an estimate with bounds.
Where several people's labels were handed in, Krippendorff's alpha says how far they agree.

Wrong labels are no backdoor and no poison: what somebody planted has a check of its own.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.inputs import Layout
from touchstone.errors import UnavailableError
from touchstone.methods.data_quality.agreement import krippendorff_alpha
from touchstone.methods.data_quality.label_errors import (
    LabelErrors,
    Turned,
    found_of_turned,
    label_errors,
    margins,
    out_of_fold,
    turn_round,
)
from touchstone.methods.data_quality.pictures import low_frequencies
from touchstone.records import ControlRun, Exhibit, Metric, Note, number
from touchstone.system.description import InputSpecification, Role
from touchstone.system.subject import Subject
from touchstone.text import Text

ROWS = {"quick": 1_500, "standard": 6_000, "full": 30_000}
"""Most rows of each data set."""
FEWEST = 100
"""Labelled rows below which models of them are worth nothing."""
MOST_COLUMNS = 512
FOUND = 0.5
"""Share of the labels turned round that must be found; the bounds account for the rest."""
CONTRADICTED = 0.1
"""Share of the labels that the models agree with which may be contradicted when learnt alone."""
LISTED = 10_000


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Rows of all labelled sets, one after another. `roles` and `places` say where each stands."""

    features: Any
    labels: NDArray[np.int64]
    roles: NDArray[np.str_]
    places: NDArray[np.int64]
    kind: Literal["numbers", "texts"]
    classes: int

    @property
    def vouched(self) -> NDArray[np.bool_] | None:
        """Rows of the reference data, whose labels count as right."""
        rows = np.asarray(self.roles == "reference")
        return rows if rows.any() else None

    def probabilities(self, labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
        """Of each class, by models that learnt from other rows."""
        return out_of_fold(self.features, labels, self.classes, generator, self.kind)


@check(
    id="data.label_quality",
    version="1",
    title=Text("Label quality", "标签质量"),
    measures=Text(
        "The estimated share of wrong labels in the training and test data: rows whose label is contradicted by models "
        "that learnt from the other rows, corrected by how many labels turned round on purpose are found. Where "
        "several people's labels are declared, their agreement beyond chance (Krippendorff's alpha).",
        "估计训练与测试数据中的错误标签比例：以其余数据训练的模型与该行标签相矛盾的比例，并按人为翻转标签的检出率校正。"
        "若声明了多名标注人员的标签，还给出其超出偶然的一致程度（Krippendorff α）。",
    ),
    cannot_tell=Text(
        "Labels that are wrong in a regular way, such as one kind of case always labelled alike, teach the models the "
        "same mistake and are not found. Where classes overlap, right labels are contradicted too: without vetted "
        "reference data the estimate is an upper one. People who agree may be wrong together.",
        "有规律的错误标签（例如某类个案总被标成同一类）会使模型学到同样的错误，无法发现。类别本身有重叠时，正确标签也会被质疑："
        "缺少已核实的参考数据时，估计值为上限。标注一致并不代表标注正确。",
    ),
    remedy=Text(
        "Have the listed rows labelled again by somebody who does not see the present label, the most doubtful first; "
        "sharpen the guideline where people disagree; hand in vetted reference data with labels.",
        "按可疑程度由高到低，请不知晓现有标签的人员重新标注清单中的行；在分歧处细化标注规范；提交带标签的已核实参考数据。",
    ),
    threats=("AML.T0020",),
    source="Northcutt, Jiang and Chuang 2021; Krippendorff 2018",
    needs=Needs(data=("test",), tasks=("classification",), inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "estimated_label_error", "share", "lower", Text("estimated share of wrong labels", "估计错误标签占比")
        ),
        MetricDeclaration(
            "krippendorff_alpha", "alpha", "higher", Text("agreement between people", "标注人员之间的一致性")
        ),
    ),
    cost=lambda _, __, budget: {"quick": 25, "standard": 90, "full": 400}[budget],
)
def label_quality(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Measure how well wrong labels are found, then estimate how many there are."""
    data = _labelled(subject, run)
    turned_labels, turned = turn_round(data.labels, data.classes, run.generator("turned"))
    power = found_of_turned(data.probabilities(turned_labels, run.generator("power")), turned_labels, turned)
    run.progress(0.35)
    probabilities = data.probabilities(data.labels, run.generator("folds"))
    errors = label_errors(probabilities, data.labels, power, data.vouched)
    run.progress(0.7)
    agreement, without = _agreement(subject, run)
    controls = (_null_control(data, probabilities, power, run), _planted_control(power))
    notes = (*([without] if without else []), *([] if data.vouched is not None else [_nothing_vouched()]))
    return Measurement(
        (_error_metric(errors, data), *agreement), controls, (_doubtful(data, errors, probabilities, run),), notes
    )


def _labelled(subject: Subject, run: Run) -> _Labelled:
    sets = subject.description.data
    present: tuple[Role, ...] = ("test", "train", "reference")
    inputs, labels, roles, places = [], [], [], []
    for role in present:
        if getattr(sets, role) is None:
            continue
        data = subject.data(role)
        if data.target is None:
            continue
        rows = np.sort(run.generator(f"rows/{role}").permutation(len(data))[: ROWS[run.budget]])
        inputs.append(data.inputs[rows])
        labels.append(data.target[rows])
        roles.append(np.full(len(rows), role))
        places.append(rows)
    given = np.concatenate(labels)
    if len(given) < FEWEST or len(np.unique(given)) < 2:
        raise UnavailableError(
            Text(
                f"{len(given)} labelled rows of {len(np.unique(given))} classes; {FEWEST} of two or more are needed",
                f"仅有 {len(given)} 个带标签的行、{len(np.unique(given))} 个类别，至少需要两个类别共 {FEWEST} 行",
            ),
            "data",
            Text("hand in more labelled rows", "请提交更多带标签的行"),
        )
    features, kind = _features(np.concatenate(inputs), subject.description.model.input)
    classes = len(subject.description.model.output.labels)
    return _Labelled(features, given, np.concatenate(roles), np.concatenate(places), kind, classes)


def _features(inputs: NDArray[Any], specification: InputSpecification) -> tuple[Any, Literal["numbers", "texts"]]:
    if specification.kind == "text":
        return inputs, "texts"
    if specification.kind == "image":
        return low_frequencies(Layout(specification, inputs.shape[1:]).channels_first(inputs)), "numbers"
    flat = inputs.reshape(len(inputs), -1)
    return flat[:, :: -(-flat.shape[1] // MOST_COLUMNS)], "numbers"


def _error_metric(errors: LabelErrors, data: _Labelled) -> Metric:
    judged = len(data.labels) if data.vouched is None else int((~data.vouched).sum())
    return Metric(
        id="estimated_label_error",
        unit="share",
        value=number(errors.rate),
        low=number(errors.low),
        high=number(errors.high),
        method="clopper-pearson/turned-labels",
        n=judged,
        better="lower",
    )


def _agreement(subject: Subject, run: Run) -> tuple[tuple[Metric, ...], Note | None]:
    """Of the data sets that hold several people's labels, together."""
    roles: tuple[Role, ...] = ("test", "train", "reference")
    declared = [role for role in roles if (one := getattr(subject.description.data, role)) and one.annotations]
    given = [people for role in declared if (people := subject.data(role).annotations) is not None]
    width = max((part.shape[1] for part in given), default=0)
    padded = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=-1) for part in given]
    found = krippendorff_alpha(np.concatenate(padded), run.generator("agreement")) if padded else None
    if found is None:
        return (), _nobody_to_compare(bool(given))
    return (
        Metric(
            id="krippendorff_alpha",
            unit="alpha",
            value=number(found.alpha),
            low=number(found.low),
            high=number(found.high),
            method="betting",
            n=found.units,
            better="higher",
        ),
    ), None


def _planted_control(power: Turned) -> ControlRun:
    return ControlRun(
        kind="planted",
        expected=Text("at least half of the labels turned round are found", "至少一半被翻转的标签被发现"),
        seen=Text(
            f"{power.found} of {power.n} found; they rank above the others with AUC {power.auc:.3f}",
            f"{power.n} 个中发现 {power.found} 个；排序 AUC 为 {power.auc:.3f}",
        ),
        passed=power.found >= FOUND * power.n,
    )


def _null_control(data: _Labelled, probabilities: NDArray[np.float64], power: Turned, run: Run) -> ControlRun:
    """Rows whose label the models themselves would give, without the others."""
    agreed = np.flatnonzero(probabilities.argmax(axis=1) == data.labels)
    alone = replace(data, features=data.features[agreed], labels=data.labels[agreed])
    again = alone.probabilities(alone.labels, run.generator("null"))
    share = float((margins(again, alone.labels) > power.threshold).mean())
    return ControlRun(
        kind="null",
        expected=Text(
            f"of rows whose label the models would give, learnt alone, at most {CONTRADICTED:.0%} are contradicted",
            f"仅保留模型认同其标签的行并重新学习，被质疑的不超过 {CONTRADICTED:.0%}",
        ),
        seen=Text(f"{share:.1%} contradicted", f"被质疑 {share:.1%}"),
        passed=share <= CONTRADICTED,
    )


def _doubtful(data: _Labelled, errors: LabelErrors, probabilities: NDArray[np.float64], run: Run) -> Exhibit:
    """Contradicted labels by place, the most doubtful first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("data", "row", "label", "likelier", "margin"))
    doubtful = np.flatnonzero(errors.contradicted)
    for at in doubtful[np.argsort(-errors.margin[doubtful], kind="stable")][:LISTED]:
        likelier = int(probabilities[at].argmax())
        writer.writerow(
            (data.roles[at], int(data.places[at]), int(data.labels[at]), likelier, f"{errors.margin[at]:.4f}")
        )
    return run.exhibit("doubtful_labels.csv", "text/csv", buffer.getvalue().encode())


def _nobody_to_compare(declared: bool) -> Note:
    if declared:
        return Note(
            code="nothing-to-compare",
            text=Text(
                "no two people labelled the same rows with different classes among them; agreement is not measured",
                "没有足够的共同标注行或类别差异，未测量一致性",
            ),
        )
    return Note(
        code="annotations-not-declared",
        text=Text(
            "no labels of single people were handed in, so their agreement is not measured; declare their columns "
            "under `annotations`",
            "未提交各标注人员的标签，因此未测量一致性；请在 `annotations` 中声明相应的列",
        ),
    )


def _nothing_vouched() -> Note:
    return Note(
        code="nothing-vouched",
        text=Text(
            "no vetted reference data with labels were handed in: labels that are only hard count as wrong, and the "
            "estimate is an upper one",
            "未提交带标签的已核实参考数据：难以判断的标签也被计为错误，估计值为上限",
        ),
    )

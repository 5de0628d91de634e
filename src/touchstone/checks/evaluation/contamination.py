"""Are the test data independent of the training data, or has the model seen some of them?

Every test row is looked for among all training rows: equal (digest), and near — the same picture stored again, dimmed,
noisy or mirrored; the same text with a word changed; the same measurements with another rounding. What counts as near
follows from how near strangers are, and an equal row of a table counts only where chance hardly makes two rows equal.

Two tests of the test: copies of training rows put among the test rows must be found, and rows that are nobody's copy
must not.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.evaluation.copies import Copies, Rows, find_copies, fingerprint
from touchstone.checks.evaluation.planted_copies import near_copies, strangers
from touchstone.records import ControlRun, Exhibit, Metric, Note, number
from touchstone.statistics import proportion_bounds
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES = {"quick": 2_000, "standard": 10_000, "full": 100_000}
"""Most test rows that are looked for; always among all training rows."""
PLANTED = 40
"""Most copies of each of two kinds that are planted."""
FOUND = 0.9
"""Share of the planted copies that must be found."""
LISTED = 10_000


@check(
    id="method.contamination",
    version="1",
    title=Text("Test data in the training data", "测试数据与训练数据重叠"),
    measures=Text(
        "The share of test rows that have an equal or a near duplicate among the training rows: pictures stored again, "
        "dimmed, noisy or mirrored, texts with a few words changed, measurements that differ in their last digits. "
        "Rows that are repeated within one set are counted as well.",
        "测试集中在训练集内存在相同或近似副本的行所占比例：重新存储、变暗、加噪或镜像的图像，改动个别字词的文本，"
        "仅末位数字不同的测量值。同时统计各数据集内部的重复行。",
    ),
    cannot_tell=Text(
        "Copies that were cropped, turned, translated or rewritten are not found, nor are two different pictures of "
        "one person or place. In tables of few columns a near copy cannot be told from a similar case; how many "
        "planted ones were found is said. Data the model has seen elsewhere were not handed in.",
        "经裁剪、旋转、翻译或改写的副本无法发现；同一人物或地点的不同照片亦不属于副本。"
        "列数较少的表格无法区分近似副本与相似个案，报告给出植入副本的检出数。未提交的其他训练数据不在检查范围内。",
    ),
    remedy=Text(
        "Remove the listed rows from the test data, or from the training data and train again; split by person, device "
        "or day instead of by row, before any augmentation.",
        "从测试集中删除所列的行，或从训练集中删除后重新训练；应在数据增强之前，按人、设备或日期而非按行划分数据集。",
    ),
    threats=("CWE-1426",),
    source="Broder 1997; Zauner 2010; Levina and Bickel 2004; Devlin and Roeder 1999",
    needs=Needs(data=("test", "train"), target=False, inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "near_duplicate_share",
            "share",
            "lower",
            Text("test rows with a copy among the training rows", "在训练集中存在副本的测试行占比"),
        ),
        MetricDeclaration(
            "repeated_row_share",
            "share",
            "lower",
            Text("rows equal to an earlier row of the same set", "与同一数据集中先前某行相同的行占比"),
        ),
    ),
    cost=lambda _, __, budget: {"quick": 10, "standard": 60, "full": 600}[budget],
)
def contamination(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Look for the test rows among the training rows, then test the search."""
    test, train = subject.data("test"), subject.data("train")
    specification = subject.description.model.input
    rows = np.sort(run.generator("rows").permutation(len(test))[: SAMPLES[run.budget]])
    copies = find_copies(test.inputs[rows], train.inputs, specification)
    run.progress(0.4)
    clean = rows[~copies.found]
    null = _null_control(subject, test.inputs[rows], train.inputs, run)
    run.progress(0.7)
    planted, power = _planted_control(subject, test.inputs[clean], train.inputs, run)
    metrics = (
        _share(copies.found, everything=len(rows) == len(test)),
        *(_repeated(data.role, data.inputs) for data in (test, train)),
    )
    return Measurement(metrics, (null, planted), (_pairs(rows, copies, run),), (*_remarks(copies), power))


def _share(found: NDArray[np.bool_], *, everything: bool) -> Metric:
    """Of all test rows the share is known; of a sample it has bounds."""
    count, n = int(found.sum()), len(found)
    low, high = (count / n, count / n) if everything else proportion_bounds(count, n)
    return Metric(
        id="near_duplicate_share",
        unit="share",
        value=number(count / n),
        low=number(low),
        high=number(high),
        method="census" if everything else "clopper-pearson",
        n=n,
        better="lower",
    )


def _repeated(role: str, rows: Rows) -> Metric:
    repeated = len(rows) - len({fingerprint(row) for row in rows})
    share = number(repeated / len(rows))
    return Metric(id="repeated_row_share", unit="share", value=share, n=len(rows), better="lower", slice=role)


def _null_control(subject: Subject, rows: Rows, others: Rows, run: Run) -> ControlRun:
    specification = subject.description.model.input
    found = int(find_copies(strangers(rows, specification, run.generator("null")), others, specification).found.sum())
    return ControlRun(
        kind="null",
        expected=Text(
            "rows put together from two or more test rows are taken for nobody's copy",
            "由多个测试行拼合而成的行不应被判为副本",
        ),
        seen=Text(f"{found} of {len(rows)} taken for copies", f"{len(rows)} 行中有 {found} 行被判为副本"),
        passed=found == 0,
    )


def _planted_control(subject: Subject, clean: Rows, train: Rows, run: Run) -> tuple[ControlRun, Note]:
    """Put copies of training rows in the place of test rows that are no copies, and look again."""
    specification, generator = subject.description.model.input, run.generator("planted")
    count = min(PLANTED, len(clean) // 4, len(train) // 2)
    chosen = generator.permutation(len(train))[: 2 * count]
    near = near_copies(train[chosen[count:]], specification, generator)
    found = find_copies(np.concatenate([train[chosen[:count]], near, clean[2 * count :]]), train, specification).found
    equal_found, near_found = int(found[:count].sum()), int(found[count : 2 * count].sum())
    # Two similar cases of a table are no copies; there only the equal ones are demanded.
    demanded = (equal_found, near_found) if specification.kind in ("image", "text") else (equal_found,)
    control = ControlRun(
        kind="planted",
        expected=Text(
            f"of {count} training rows copied into the test data at least nine in ten are found",
            f"将 {count} 个训练行复制到测试集后，至少九成被发现",
        ),
        seen=Text(
            f"{equal_found} equal and {near_found} near copies found, of {count} each",
            f"相同副本与近似副本各 {count} 个，分别发现 {equal_found} 个与 {near_found} 个",
        ),
        passed=count > 0 and all(each >= FOUND * count for each in demanded),
    )
    note = Note(
        code="planted-copies-found",
        text=Text(
            f"of planted copies, {equal_found} of {count} equal and {near_found} of {count} near ones were found",
            f"植入副本检出：相同 {equal_found}/{count}，近似 {near_found}/{count}",
        ),
    )
    return control, note


def _pairs(rows: NDArray[np.int64], copies: Copies, run: Run) -> Exhibit:
    """Which test row is a copy of which training row, by their places in the data."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("test_row", "train_row", "kind", "nearness"))
    for at in np.flatnonzero(copies.found)[:LISTED]:
        kind = "equal" if copies.equal[at] else "near" if copies.near[at] else "mirrored"
        writer.writerow((int(rows[at]), int(copies.place[at]), kind, f"{copies.nearness[at]:.6g}"))
    return run.exhibit("copies.csv", "text/csv", buffer.getvalue().encode())


def _remarks(copies: Copies) -> list[Note]:
    notes = []
    common = int(copies.common.sum())
    if common:
        notes.append(
            Note(
                code="equal-by-chance",
                text=Text(
                    f"{common} further test rows equal a training row, which so common a combination of values "
                    f"explains; they are not counted",
                    f"另有 {common} 个测试行与训练行相同，但其取值组合较为常见，可由偶然解释，未计入",
                ),
            )
        )
    if not copies.near_searched:
        notes.append(
            Note(
                code="near-copies-not-told",
                text=Text(
                    "too few rows, or columns that vary, to tell near copies from strangers; only equal rows count",
                    "行数或有变化的列过少，无法区分近似副本与无关行，仅统计相同行",
                ),
            )
        )
    return notes

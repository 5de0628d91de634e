"""Personal information in data sets and documents that nobody declared.

Threat: what a model saw in training it can give away, and what lies in files can be read (MITRE ATLAS AML.T0057, OWASP
LLM02). Records are drawn by lot; in every text of them, used by the model or not, recognisers that a pack declares look
for what is personal. The report names file, column and kind and shows shapes only (`某某` for a name), so that the
evidence gives nothing away itself.

Two tests of the test: made-up sentences of every kind must be found, and sentences with numbers that only look alike
must not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.recognisers import installed_scanner
from touchstone.checks.data_security.texts_of_system import Record, Texts, texts_of
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.methods.privacy.personal.made import Labelled, sentence
from touchstone.methods.privacy.personal.scanner import Finding, Scanner, masked
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.statistics import proportion_bounds
from touchstone.system.subject import Subject
from touchstone.text import Text

RECORDS = {"quick": 10_000, "standard": 50_000, "full": 1_000_000}
"""Most records of each file."""
TOGETHER = 4_096
"""Records searched together."""
CONTROL_SENTENCES = 100
PLANTED_RECALL, NULL_ALARMS = 0.95, 0.05
EXAMPLES = 3
LONGEST_EXAMPLE = 60
MOST_ROWS = 500


_UNREAD = {
    "not-text": Text(
        "{path} holds no text that can be read here and was not searched", "{path} 不含可在此读取的文本，未作检测"
    ),
    "too-large": Text("{path} is too large and was not searched", "{path} 过大，未作检测"),
    "unreadable": Text(
        "{path} is damaged, encrypted or too large unpacked, and was not searched",
        "{path} 已损坏、已加密或解压后过大，未作检测",
    ),
}


@dataclass(slots=True)
class _Count:
    """What was found of one kind in one column."""

    records: int = 0
    sensitive: bool = False
    declared: bool = False
    examples: list[str] = field(default_factory=list)


@check(
    id="privacy.pii_scan",
    version="2",
    title=Text("Undeclared personal information", "未申报的个人信息"),
    measures=Text(
        "Records of the data sets and documents, drawn by lot, are searched for names, identity and account numbers, "
        "telephone numbers, addresses and other personal information, English and Chinese; counted is what the "
        "description does not declare the file to hold.",
        "随机抽取数据集与文档中的记录，检测中英文姓名、证件与账户号码、电话、地址等个人信息；统计描述中未申报的部分。",
    ),
    cannot_tell=Text(
        "Names are recognised by a label, a title or listed given names, addresses by their shape: in free text many "
        "are missed, so a clean result does not show that there are none. Pictures, scanned pages and arrays "
        "are not read. That a declaration is lawful is not examined.",
        "姓名依标签、称谓或常用名词表识别，地址依格式识别：自由文本中会有较多遗漏，未检出不等于不存在。"
        "不读取图像、扫描页与数组；不审查申报本身的合法性。",
    ),
    remedy=Text(
        "Remove or pseudonymise what the purpose does not need, and declare the rest with its legal basis under "
        "`personal_information` of the data set.",
        "删除或假名化用途所不需要的内容，其余部分连同合法性基础在数据集的 `personal_information` 中申报。",
    ),
    threats=("AML.T0057", "CWE-359"),
    source="PIPL Art. 6, 28; GB 11643; ISO/IEC 7812-1; ISO 13616; ITU-T E.164",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "undeclared_spi_records",
            "count_in_sample",
            "lower",
            Text("records with undeclared sensitive personal information", "含未申报敏感个人信息的记录数"),
        ),
        MetricDeclaration(
            "undeclared_pi_rate",
            "share_of_records",
            "lower",
            Text("share of records with undeclared personal information", "含未申报个人信息的记录占比"),
        ),
    ),
    cost=lambda _, __, budget: {"quick": 5, "standard": 20, "full": 300}[budget],
)
def pii_scan(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Scan the drawn records of every text, and test the scanner on made-up ones."""
    scanner = installed_scanner()
    scan = _Scan(scanner)
    texts = list(texts_of(subject))
    for number_of, each in enumerate(texts):
        scan.read(each, RECORDS[run.budget], run.generator(f"records/{each.path}"))
        run.progress(0.8 * (number_of + 1) / len(texts))
    if not scan.records:
        raise UnavailableError(
            Text("no text was handed in that could be searched", "未提交可供检测的文本"),
            "data",
            Text(
                "hand in data sets or documents as CSV, Parquet, JSON Lines, text, PDF or office documents",
                "请以 CSV、Parquet、JSON Lines、文本、PDF 或办公文档提交数据集或文档",
            ),
        )
    report = run.exhibit("pii_scan_report.json", "application/json", canonical_json(scan.report()))
    return Measurement(scan.metrics(), _controls(scanner, run), (report,), tuple(scan.notes()))


class _Scan:
    """What was read, and what was found in it."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.counts: dict[tuple[str, str, str], _Count] = {}
        self.unread: list[Texts] = []
        self.records = self.of = self.undeclared = self.undeclared_sensitive = 0

    def read(self, texts: Texts, most: int, generator: np.random.Generator) -> None:
        """Search up to `most` records of a file, drawn by lot."""
        if texts.unread is not None:
            self.unread.append(texts)
            return
        self.of += len(texts.records)
        chosen = np.sort(generator.permutation(len(texts.records))[:most])
        self.records += len(chosen)
        for start in range(0, len(chosen), TOGETHER):
            self._search(texts, [texts.records[row] for row in chosen[start : start + TOGETHER]])

    def _search(self, texts: Texts, records: list[Record]) -> None:
        """Count what is found in some records."""
        cells = [(row, column, text) for row, record in enumerate(records) for column, text in record.items()]
        found = self.scanner.scan_all([text for _, _, text in cells], [column for _, column, _ in cells])
        undeclared: dict[int, bool] = {}
        seen: set[tuple[int, str, str]] = set()
        for cell, findings in found.items():
            row, column, text = cells[cell]
            for finding in findings:
                declared = _is_declared(finding.kind, texts.allowed)
                place = (texts.path, column, finding.kind)
                count = self.counts.setdefault(place, _Count(sensitive=finding.sensitive, declared=declared))
                count.records += (row, column, finding.kind) not in seen
                seen.add((row, column, finding.kind))
                if len(count.examples) < EXAMPLES:
                    count.examples.append(masked(text[finding.start : finding.end])[:LONGEST_EXAMPLE])
                if not declared:
                    undeclared[row] = undeclared.get(row, False) or finding.sensitive
        self.undeclared += len(undeclared)
        self.undeclared_sensitive += sum(undeclared.values())

    def metrics(self) -> tuple[Metric, ...]:
        """Counts, and the rate: bounded where only a part was read, exact where all was."""
        rate = self.undeclared / self.records
        whole = self.records == self.of
        low, high = (rate, rate) if whole else proportion_bounds(self.undeclared, self.records)
        return (
            Metric(
                id="undeclared_spi_records",
                unit="count_in_sample",
                value=number(self.undeclared_sensitive),
                n=self.records,
                better="lower",
            ),
            Metric(
                id="undeclared_pi_rate",
                unit="share_of_records",
                value=number(rate),
                low=number(low),
                high=number(high),
                method="exact" if whole else "clopper-pearson",
                n=self.records,
                better="lower",
            ),
        )

    def notes(self) -> list[Note]:
        """What was not read, and the kinds that were found undeclared."""
        kinds = Counter[str]()
        for (_, _, kind), count in self.counts.items():
            kinds[kind] += 0 if count.declared else count.records
        notes = [
            Note(
                code="not-searched",
                text=_UNREAD[each.unread or ""].format(path=each.path),
            )
            for each in self.unread
        ]
        if found := [(kind, count) for kind, count in kinds.most_common() if count]:
            listed = ", ".join(f"{kind} ({count})" for kind, count in found)
            notes.append(
                Note(
                    code="undeclared-kinds",
                    text=Text(f"found undeclared, with records: {listed}", f"检出未申报的种类（记录数）：{listed}"),
                )
            )
        return notes

    def report(self) -> dict[str, object]:
        """By file, column and kind; the shape of a few examples, never the examples."""
        rows = sorted(self.counts.items(), key=lambda item: (item[1].declared, -item[1].records, item[0]))
        return {
            "schema": "touchstone.pii-scan-report/v1",
            "records_searched": self.records,
            "records_in_files": self.of,
            "not_searched": sorted(each.path for each in self.unread),
            "found": [
                {
                    "file": path,
                    "column": column,
                    "kind": kind,
                    "records": count.records,
                    "sensitive": count.sensitive,
                    "declared": count.declared,
                    "shapes": count.examples,
                }
                for (path, column, kind), count in rows[:MOST_ROWS]
            ],
            "rows_left_out": max(0, len(rows) - MOST_ROWS),
        }


def _is_declared(kind: str, allowed: frozenset[str]) -> bool:
    """A kind is declared by its own name or by that of its family: `name` stands for every way a name is found."""
    return any(kind == each or kind.startswith(each + "-") for each in allowed)


def _controls(scanner: Scanner, run: Run) -> tuple[ControlRun, ControlRun]:
    generator = run.generator("made-up sentences")
    planted = [sentence(generator, language) for language in ("en", "zh") for _ in range(CONTROL_SENTENCES)]
    harmless = [
        sentence(generator, language, personal=False) for language in ("en", "zh") for _ in range(CONTROL_SENTENCES)
    ]
    seen = _scanned(scanner, planted)
    found = [
        any(finding.start < high and low < finding.end for finding in seen.get(number, []))
        for number, made in enumerate(planted)
        for _, low, high in made.items
    ]
    alarms = len(_scanned(scanner, harmless))
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                f"at least {PLANTED_RECALL:.0%} of {len(found)} made-up items are found",
                f"{len(found)} 项虚构个人信息至少检出 {PLANTED_RECALL:.0%}",
            ),
            seen=Text(f"{sum(found)} found", f"检出 {sum(found)} 项"),
            passed=sum(found) >= PLANTED_RECALL * len(found),
        ),
        ControlRun(
            kind="null",
            expected=Text(
                f"at most {NULL_ALARMS:.0%} of {len(harmless)} sentences without personal information are reported",
                f"{len(harmless)} 个不含个人信息的句子至多误报 {NULL_ALARMS:.0%}",
            ),
            seen=Text(f"{alarms} reported", f"误报 {alarms} 个"),
            passed=alarms <= NULL_ALARMS * len(harmless),
        ),
    )


def _scanned(scanner: Scanner, sentences: list[Labelled]) -> dict[int, list[Finding]]:
    return scanner.scan_all([made.text for made in sentences], [""] * len(sentences))

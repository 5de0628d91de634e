"""Is the training corpus of a generative model free of unlawful and harmful content?

Threat: what a model has read it can say again; a corpus with unlawful content makes a model that writes it, and one bad
source spoils the rest.

Measured, as TC260-003 asks: people read rows that were drawn by lot, tools search at least a tenth of the corpus, and
every source is judged by itself. The search is by lexicons of the 31 risks of its Appendix A, in English and Chinese,
on texts as a reader sees them.

Cannot tell: what a text means. A lexicon finds wording.

Source: TC260-003 5.1, 9.2, Appendix A; Wu and Manber 1994.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from touchstone.canonical import canonical_json, digest_of
from touchstone.checks.data_security.corpus_controls import flawed_reviews, search_controls, sound_review
from touchstone.checks.data_security.corpus_lexicons import ContentScanner, installed_content_scanner
from touchstone.checks.data_security.corpus_review import CorpusReview, DrawnRow, audit_review
from touchstone.checks.data_security.corpus_screening import screen
from touchstone.checks.data_security.corpus_sheet import corpus_of, rows_to_read
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.register_controls import Audit, register_controls
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Note
from touchstone.system.data.dataset import LabelledData
from touchstone.system.registers.corpus_review import RowReview
from touchstone.system.subject import Subject
from touchstone.text import Text


class CorpusSamples(Parameters):
    """How much of the corpus the standard wants read and searched."""

    n_min: int = Field(4000, ge=1)
    """Rows that people read; all of a smaller corpus."""
    sample_share_min: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the rows that is searched."""


@check(
    id="data.corpus_content",
    version="1",
    title=Text("Training corpus content", "训练语料内容安全"),
    measures=Text(
        "The share of rows, drawn by lot, that people passed who read them; the share of a tenth of the corpus or more"
        " in which a search for the vocabulary of the 31 risks of TC260-003 finds nothing; and the share of unfit rows"
        " in the worst source. The search sees through full-width, invisible, look-alike, traditional and separated"
        " characters. Whoever reports, judges, teaches or warns about a subject is not counted.",
        "抽签选出的语料行中人工判为合格的占比；以 TC260-003 附录 A 的 31 种风险词表检测至少十分之一语料，"
        "未命中行的占比；"
        "以及各来源中不良行占比的最高值。检测可识别全角、零宽、形近、繁体与间隔字符等伪装；"
        "对相关题材的报道、裁判、教学与警示内容不计入。",
    ),
    cannot_tell=Text(
        "A lexicon finds wording, not meaning: what is said in other words, by allusion, in other languages or with"
        " changed characters is missed, and a word of law or warning nearby hides what stands beside it. A register"
        " shows what was recorded, not that anybody read with care. Whoever may rearrange a corpus can try until a"
        " lot suits. Only the declared column of texts is read. A source of few rows fails by one of them. Rights in"
        " the texts, personal information and truth are not examined here.",
        "词表识别用语而非含义：换用说法、影射、其他语种或改写字形的内容会漏检，邻近的法律或警示用语也会掩盖其旁的内容。"
        "登记记录只说明记载了什么，不说明抽检是否认真。可任意调整语料者能反复尝试直至抽签结果合意。"
        "只读取所声明的文本列；行数很少的来源，一行不良即可超限。"
        "文本权属、个人信息与内容真实性不在此检查。",
    ),
    remedy=Text(
        "Remove the rows that were found and look for others like them; drop a source of which more than the limit is"
        " unfit; draw the sheet with `touchstone corpus sample`, have it read by people who know the risks, and hand"
        " it in as `corpus-review`.",
        "删除检出的行并查找同类内容；弃用不良占比超限的来源；用 `touchstone corpus sample` 抽取抽检单，"
        "由熟悉风险种类的人员阅读后以 `corpus-review` 提交。",
    ),
    threats=("AML.T0020", "AML.T0048"),
    source="TC260-003 5.1, 9.2, Appendix A; Wu and Manber 1994",
    needs=Needs(data=("train",), target=False, inputs=ANY_KIND),
    metrics=(
        MetricDeclaration("manual_pass_rate", "share", "higher", Text("rows that people passed", "人工抽检合格率")),
        MetricDeclaration(
            "technical_pass_rate", "share", "higher", Text("rows in which nothing was found", "技术抽检合格率")
        ),
        MetricDeclaration(
            "bad_share_per_source", "share", "lower", Text("unfit rows of the worst source", "单一来源不良占比最高值")
        ),
        MetricDeclaration(
            "reviewer_agreement",
            "share",
            "higher",
            Text("rows read twice with one verdict", "多人抽检意见一致率"),
        ),
    ),
    parameters=CorpusSamples,
    cost=lambda _, __, budget: {"quick": 10, "standard": 40, "full": 200}[budget],
)
def corpus_content(subject: Subject, parameters: CorpusSamples, run: Run) -> Measurement:
    """Search the corpus, and count what people found in it."""
    data = corpus_of(subject)
    scanner = installed_content_scanner()
    screening = screen(data, scanner, parameters.sample_share_min, run.budget, run.generator("rows"))
    run.progress(0.8)
    report = run.exhibit("corpus_content_report.json", "application/json", canonical_json(screening.report()))
    review, review_controls = _reviewed(subject, data, scanner, parameters.n_min, run)
    return Measurement(
        metrics=(*review.metrics, *screening.metrics()),
        controls=(*search_controls(scanner, run.generator("sentences")), *review_controls),
        exhibits=(report,),
        warnings=(*review.notes, *screening.notes()),
    )


def _reviewed(
    subject: Subject, data: LabelledData, scanner: ContentScanner, size: int, run: Run
) -> tuple[Audit, tuple[ControlRun, ...]]:
    """What people's review shows, if one was handed in."""
    try:
        entries = subject.register(RowReview)
    except UnavailableError as error:
        return Audit((), (Note(code="not-handed-in", text=error.what),)), ()
    sound = sound_review(run.generator("reviews"))
    controls = register_controls(audit_review, sound, tuple(flawed_reviews(sound)))
    rows = rows_to_read(subject, size)
    texts = [str(data.inputs[row]) for row in rows]
    found: dict[int, list[str]] = {}
    for hit in scanner.scan(texts):
        if hit.topic.unfit:
            found.setdefault(hit.text, []).append(hit.topic.name)
    drawn_rows = {
        row + 1: DrawnRow(
            digest_of(text.encode()),
            len(text),
            None if data.sites is None else str(data.sites[row]),
            tuple(found.get(place, ())),
        )
        for place, (row, text) in enumerate(zip(rows, texts, strict=True))
    }
    return audit_review(CorpusReview(drawn_rows, entries, len(data))), controls

"""Do generated outputs carry their labels when they leave the product, for people and for machines?

Threat: labels that exist in the product's interface and are gone from what users download, copy and share, so that
generated content spreads as if it were none (Measures for labelling, Art. 4, 5).

Measured, over exported outputs: the share with a label that people read, see or hear (a text that says it and nothing
else; a declared mark, found in the pixels, high enough and at an edge; a declared prompt, or "AI" in Morse code, found
in the sound), and the share with a label in the metadata that says all it has to, of a declared producer, with a number
of its own. Films cannot be decoded: that they carry a mark is never assumed.

Cannot tell: whether outputs that were not handed in are labelled.

Source: GB 45438-2025; Measures for labelling AI-generated content (in force 1 September 2025), Art. 4 and 5.
"""

from __future__ import annotations

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.governance.labelled_outputs import BESIDE
from touchstone.checks.governance.labelled_product import labelling_of, outputs_of
from touchstone.checks.governance.labelling_audit import EXPLICIT, IMPLICIT, UNIT, Sample, audit_sample, judge_outputs
from touchstone.checks.governance.labelling_controls import declared_controls, labelling_controls
from touchstone.checks.least_samples import LeastSamples
from touchstone.checks.named_entries import entries_note
from touchstone.errors import UnavailableError
from touchstone.records import Note
from touchstone.system.registers.exports import Export
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="content.labelling",
    version="1",
    title=Text("Labels of generated content", "生成内容标识"),
    measures=Text(
        "Over outputs that left the product on the way that users have: the share with a label for people (text, mark"
        " in the picture, spoken prompt or rhythm), and the share with a label in the metadata that is readable, names"
        " a declared producer and bears a number of its own. Files are read by their bytes; marks and prompts are"
        " looked for in pixels and sound.",
        "针对经用户使用的途径导出的内容：带有显式标识（文字、图片标识、语音或节奏标识）的占比，"
        "以及元数据中带有可读、写明所声明提供者且编号唯一的隐式标识的占比。"
        "文件按其字节读取；图片与语音标识在像素与声音中查找。",
    ),
    cannot_tell=Text(
        "The outputs were chosen by whoever handed them in, and of a label beside a text there is only what the"
        " register states. Whether other outputs are labelled, whether every way out of the product is among them, and"
        " whether labels stay when users edit, crop or re-encode a file, is not shown."
        " That the picture of a mark shows the text that is stated for it is for people to see. Text counts that is"
        " there but hidden by a style sheet; marks that hardly stand out are missed. Marks in films, labels in sound"
        " other than WAV, watermarks and the signatures of C2PA manifests are not looked at.",
        "样本由提交方挑选，随文本传递的标识仅为登记所述：其他内容是否带有标识、是否涵盖全部导出途径、"
        "用户编辑裁剪或转码后标识是否保留，均无从得知。"
        "标识图片是否确为所述文字，须由人员查看。存在但被样式表隐藏的文字仍会计入；与画面难以区分的标识会被漏检。"
        "不检查视频画面中的标识、WAV 以外格式的声音标识、数字水印以及 C2PA 凭证的签名。",
    ),
    remedy=Text(
        "Write the labels where files are made, not where they are shown, and look at them again in the file that comes"
        " out of every way of export; give each output a number of its own.",
        "在生成文件时而非展示时写入标识，并对每种导出途径所得的文件再行核对；为每个内容赋予唯一编号。",
    ),
    threats=(),
    source="GB 45438-2025; Measures for labelling AI-generated content Art. 4, 5",
    needs=Needs(),
    metrics=(
        MetricDeclaration(EXPLICIT, UNIT, "higher", Text("outputs with a label for people", "带显式标识的内容占比")),
        MetricDeclaration(
            IMPLICIT, UNIT, "higher", Text("outputs with a label in the metadata", "带隐式标识的内容占比")
        ),
    ),
    parameters=LeastSamples,
    cost=lambda _, __, ___: 60,
)
def labelling(subject: Subject, parameters: LeastSamples, run: Run) -> Measurement:
    """Look for both labels in every output that was handed in."""
    if subject.facts.get("model.generative") is False:
        raise UnavailableError(
            Text("the system generates nothing, so that there is nothing to label", "该系统不生成内容，无可标识之物"),
            remedy=Text(
                "hand in the notice to users as a document for GA-07, and have it reviewed",
                "请以文件形式为 GA-07 提交用户告知文本并接受评审",
            ),
        )
    product, remarks = labelling_of(subject)
    sample = judge_outputs(outputs_of(subject), product)
    audit = audit_sample(sample, parameters.n_min)
    return Measurement(
        metrics=audit.metrics,
        controls=(
            *labelling_controls(product.scheme, run.generator("controls")),
            *declared_controls(product, run.generator("declared marks")),
        ),
        exhibits=(run.exhibit("outputs.json", "application/json", _listing(sample)),),
        warnings=(*audit.notes, *remarks, *_stated(sample), *_unchanged(subject, sample)),
    )


def _stated(sample: Sample) -> tuple[Note, ...]:
    """A remark on labels that were seen in no file."""
    ids = [each.id for each in sample.found if each.label is not None and each.label.places == (BESIDE,)]
    what = Text(
        "the label beside the text is what the register states and was seen in no file",
        "随文本传递的标识仅为登记所述，未见于任何文件",
    )
    return (entries_note("label-stated", ids, what),) if ids else ()


def _unchanged(subject: Subject, sample: Sample) -> tuple[Note, ...]:
    """A remark on outputs that the export left as they were: it is not what puts labels into them."""
    digests = {each.id: each.digest for each in sample.found}
    same = [each.id for each in subject.register(Export) if each.before and each.before == digests.get(each.id)]
    what = Text("the export left files byte by byte as they were before", "导出前后文件逐字节相同")
    return (entries_note("unchanged-by-export", same, what),) if same else ()


def _listing(sample: Sample) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.labelled-outputs/v1",
            "outputs": [
                {
                    "id": each.id,
                    "medium": each.medium,
                    "file": each.name,
                    "digest": each.digest,
                    "explicit": each.explicit or "labelled",
                    "implicit": each.implicit or "labelled",
                    "number": None if each.label is None else each.label.number,
                    "places": [] if each.label is None else list(each.label.places),
                }
                for each in sample.found
            ],
        }
    )

"""Dockerfiles: instructions that build an image. Their commands run on whoever builds it."""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.script import LARGEST, examine_commands, without_comments
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

FETCHES: Final = Rule(
    id="dockerfile/fetches",
    severity="medium",
    nature="unreviewed",
    title=Text("Puts a file from the network into the image", "把网络上的文件放入镜像"),
    remedy=Text("Give its digest with ADD --checksum.", "请使用 ADD --checksum 指明摘要。"),
    references=("CWE-494",),
)
PLAIN_ADDRESS: Final = Rule(
    id="dockerfile/unprotected-address",
    severity="high",
    nature="threat",
    title=Text("Puts a file into the image that anyone on the way can change", "放入镜像的文件在传输途中可被篡改"),
    remedy=Text("Use https and a digest.", "请使用 https 并核对摘要。"),
    references=("CWE-319", "CWE-494"),
)
SECRET: Final = Rule(
    id="dockerfile/secret",
    severity="medium",
    nature="threat",
    title=Text("Writes a password or key into the image", "把密码或密钥写入镜像"),
    remedy=Text("Use build secrets, and change the password.", "请改用构建机密，并更换该密码。"),
    references=("CWE-798",),
)
UNPINNED: Final = Rule(
    id="dockerfile/unpinned-image",
    severity="information",
    nature="information",
    title=Text("The base image is not fixed by a digest", "基础镜像未以摘要固定"),
    remedy=Text("Name it with @sha256:….", "请以 @sha256:… 指定。"),
    references=(),
)
ROOT: Final = Rule(
    id="dockerfile/root",
    severity="information",
    nature="information",
    title=Text("The container runs as root", "容器以 root 身份运行"),
    remedy=Text("Add a USER instruction.", "请添加 USER 指令。"),
    references=("CWE-250",),
)
RULES: Final[tuple[Rule, ...]] = (FETCHES, PLAIN_ADDRESS, SECRET, UNPINNED, ROOT)

_INSTRUCTION: Final = re.compile(r"^[ \t]*([A-Za-z]+)[ \t]+([^\n]*)", re.MULTILINE)
_SECRET_VALUE: Final = re.compile(
    r"\b(\w{0,40}?(?:PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_KEY|TOKEN)\w{0,40})[= \t]{1,9}[\"']?([^\s\"'$]{8,})",
    re.IGNORECASE,
)
_HEREDOC: Final = re.compile(r"<<-?[\"']?(\w+)[\"']?")


def read_dockerfile(source: Source, examination: Examination) -> None:
    """Judge every instruction."""
    decoded = whole_text(source, LARGEST)
    examination.runs_code()
    user, stages = "root", set[str]()
    text = without_comments(decoded.text)
    offset, before = decoded.encoding.mark, 0
    for found in _INSTRUCTION.finditer(text):
        examination.budget.check_time()
        instruction, rest = found[1].upper(), found[2].strip()
        offset += len(decoded.text[before : found.start(1)].encode(decoded.encoding.name, "replace"))
        before = found.start(1)
        if instruction == "FROM":
            _note_image(rest, stages, examination, offset)
        elif instruction == "USER":
            user = rest.split(":")[0]
        elif instruction in {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"}:
            examine_commands(_with_heredoc(text, found), examination, offset=offset)
        elif instruction == "ADD":
            _judge_added(rest, examination, offset)
        elif instruction in {"ENV", "ARG"}:
            secret = _SECRET_VALUE.search(rest)
            if secret:
                examination.report(SECRET, f"{instruction} {secret[1]}", offset=offset)
    if user in {"root", "0"} and stages:
        examination.report(ROOT, f"USER {user}")


def _note_image(rest: str, stages: set[str], examination: Examination, offset: int) -> None:
    words = [word for word in rest.split() if not word.startswith("--")]
    image = words[0] if words else ""
    if image and image not in stages and image != "scratch" and not image.startswith("$"):
        examination.fact("dependency", f"docker:{image}")
        if "@sha256:" not in image:
            examination.report(UNPINNED, image, offset=offset)
    stages.add(words[2] if len(words) >= 3 and words[1].upper() == "AS" else image)


def _judge_added(rest: str, examination: Examination, offset: int) -> None:
    addresses = re.findall(r"\b(?:https?|git|ftp)://\S+", rest)
    for address in addresses:
        if address.startswith(("http://", "ftp://", "git://")):
            examination.report(PLAIN_ADDRESS, address, offset=offset)
        elif "--checksum=" not in rest:
            examination.report(FETCHES, address, offset=offset)


def _with_heredoc(text: str, instruction: re.Match[str]) -> str:
    """The commands of a RUN, with the lines of its here-document."""
    here = _HEREDOC.search(instruction[2])
    if here is None:
        return instruction[2]
    end = re.search(rf"^[ \t]*{here[1]}[ \t]*$", text[instruction.end() :], re.MULTILINE)
    return text[instruction.start(2) : instruction.end() + (end.end() if end else len(text))]

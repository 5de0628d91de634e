"""Settings of git that travel with a folder: `.git/config`, `.gitmodules`, `.lfsconfig`.

Git runs what some settings name, as soon as anything asks it for the state of the folder (git-config(1); Justin Steven,
"Git honours embedded bare repos", 2022; CVE-2022-24765).
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

RUNS_COMMAND: Final = Rule(
    id="git-settings/runs-command",
    severity="high",
    nature="threat",
    title=Text("Makes git run a command", "使 git 运行命令"),
    remedy=Text("Remove the setting before using git in this folder.", "在该目录使用 git 前请先删除该设置。"),
    references=("CVE-2022-24765", "CWE-829"),
)
OTHER_STORE: Final = Rule(
    id="git-settings/other-store",
    severity="medium",
    nature="threat",
    title=Text("Makes git fetch large files from a place of its own choice", "使 git 从其指定位置获取大文件"),
    remedy=Text(
        "Check the address, and compare what was fetched with the expected digests.", "请核对地址与所获文件的摘要。"
    ),
    references=("CWE-494",),
)
RULES: Final[tuple[Rule, ...]] = (RUNS_COMMAND, OTHER_STORE)

LARGEST: Final = 2**20

_SECTION: Final = re.compile(r"\[\s*([\w.-]+)(?:\s+\"((?:[^\"\\]|\\.)*)\")?\s*\]\s*(.*)")
_SETTING: Final = re.compile(r"([A-Za-z][\w-]*)\s*(?:=\s*(.*))?")
_RUN: Final = re.compile(
    r"core\.(sshcommand|editor|pager|askpass|gitproxy|hookspath|alternaterefscommand)|sequence\.editor|diff\.external"
    r"|gpg\.(.*\.)?program|(diff|merge|filter|difftool|mergetool|browser|man|pager|credential)\.(.*\.)?"
    r"(command|textconv|driver|clean|smudge|process|cmd|helper)|remote\..*\.(uploadpack|receivepack|vcs)"
    r"|uploadpack\.packobjectshook|lfs\.customtransfer\..*\.path|lfs\.extension\..*\.(clean|smudge)|init\.templatedir"
)
_HARMLESS: Final = re.compile(
    r"git-lfs (clean|smudge|filter-process).*|store|cache.*|manager.*|osxkeychain|wincred|less.*|cat|"
)


def read_settings(source: Source, examination: Examination) -> None:
    """Judge every setting."""
    decoded = whole_text(source, LARGEST)
    section, offset = "", decoded.encoding.mark
    for line in decoded.text.splitlines(keepends=True):
        examination.budget.check_time()
        start, offset = offset, offset + len(line.encode(decoded.encoding.name, "replace"))
        text = line.strip()
        header = _SECTION.match(text)
        if header:
            section = f"{header[1]}.{header[2]}" if header[2] else header[1]
            text = header[3]
        setting = _SETTING.match(text)
        if setting:
            key = f"{section.lower()}.{setting[1].lower()}"
            _judge(key, (setting[2] or "").strip().strip('"'), examination, start)


def _judge(key: str, value: str, examination: Examination, offset: int) -> None:
    shown = f"{key} = {value}"
    is_command = _RUN.fullmatch(key) is not None and not _HARMLESS.fullmatch(value)
    is_monitor = key == "core.fsmonitor" and value.lower() not in {"", "true", "false", "1", "0", "yes", "no"}
    is_alias = key.startswith("alias.") and value.startswith("!")
    is_transport = key.endswith(".url") and value.startswith(("ext::", "-", "fd::"))
    if is_command or is_monitor or is_alias or is_transport:
        examination.runs_code()
        examination.report(RUNS_COMMAND, shown, offset=offset)
    elif key in {"lfs.url", "lfs.pushurl"} or re.fullmatch(r"remote\..*\.lfsurl|url\..*\.insteadof", key):
        examination.report(OTHER_STORE, shown, offset=offset)
    elif key.endswith(".url") and value:
        examination.fact("source", value)

"""Names of archive members: where unpacking would write, and which names mean the same place to some unpacker.

Zip Slip (CWE-22), links that lead out (CWE-59), and names that differ only to a strict reader: PyTorch looks members
up without regard to case, macOS and Windows do so on disk, and macOS normalises accents.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, Severity
from touchstone.text import Text

ESCAPING_NAME: Final = Rule(
    id="archive/escaping-name",
    severity="high",
    nature="threat",
    title=Text("A member's path leads out of the folder it is unpacked into", "成员路径指向解包目录之外"),
    remedy=Text(
        "Do not unpack this archive; ask whoever made it for one with plain relative paths.",
        "不要解包该归档；请提供方改用普通的相对路径重新打包。",
    ),
    references=("CWE-22", "CVE-2007-4559"),
)
AMBIGUOUS_NAME: Final = Rule(
    id="archive/ambiguous-name",
    severity="medium",
    nature="threat",
    title=Text("A member's name means different places to different unpackers", "成员名称在不同解包器中含义不同"),
    remedy=Text(
        "Pack the files again with ordinary names that use `/` between folders.",
        "请使用以 `/` 分隔目录的普通名称重新打包。",
    ),
    references=("CWE-706",),
)
DUPLICATE_NAME: Final = Rule(
    id="archive/duplicate-name",
    severity="critical",
    nature="threat",
    title=Text(
        "Two members have the same name: unpackers differ in which one they use", "两个成员同名，不同解包器取用不同成员"
    ),
    remedy=Text(
        "Refuse the archive; no ordinary program writes one like it.", "拒绝该归档；正常程序不会生成这样的归档。"
    ),
    references=("CWE-436",),
)
ESCAPING_LINK: Final = Rule(
    id="archive/escaping-link",
    severity="high",
    nature="threat",
    title=Text("A link in the archive leads out of the folder it is unpacked into", "归档中的链接指向解包目录之外"),
    remedy=Text(
        "Do not unpack this archive; ask whoever made it for one without such links.",
        "不要解包该归档；请提供方重新打包并去除此类链接。",
    ),
    references=("CWE-59", "CVE-2007-4559"),
)
LINK: Final = Rule(
    id="archive/link",
    severity="low",
    nature="information",
    title=Text("A member is a link to another member", "成员是指向另一成员的链接"),
    remedy=Text("Nothing to do when the target is expected.", "若目标符合预期，则无需处理。"),
    references=("CWE-59",),
)
DEVICE: Final = Rule(
    id="archive/device",
    severity="high",
    nature="threat",
    title=Text("A member is a device, pipe or socket", "成员是设备、管道或套接字"),
    remedy=Text("Do not unpack this archive: models consist of files.", "不要解包该归档：模型只应由文件组成。"),
    references=("CWE-59",),
)

SET_USER_ID: Final = Rule(
    id="archive/set-user-id",
    severity="medium",
    nature="threat",
    title=Text(
        "A member would run with the rights of its owner, not of who starts it",
        "成员运行时将具有其属主的权限，而非启动者的权限",
    ),
    remedy=Text(
        "Unpack without permissions, or ask for an archive of plain files: models are not run.",
        "解包时不要还原权限，或要求提供只含普通文件的归档：模型无需运行权限。",
    ),
    references=("CWE-250",),
)
RULES: Final[tuple[Rule, ...]] = (
    ESCAPING_NAME,
    AMBIGUOUS_NAME,
    DUPLICATE_NAME,
    ESCAPING_LINK,
    LINK,
    DEVICE,
    SET_USER_ID,
)


_STRANGE: Final = re.compile(
    r"[\x00-\x1f\x7f\\\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # controls, backslash, changes of direction
    r"|(?:^|/)(?:con|prn|aux|nul|com\d|lpt\d)(?:/|$)"  # devices on Windows
    r"|(?:^|/)(?!\.\.?(?:/|$))[^/]*[. ](?:/|$)",  # ends that Windows leaves out
    re.IGNORECASE,
)


class Names:
    """The names of one archive's members, judged one after the other.

    `twice` is how bad a second member of the same name is; `twice_folded`, of a name that is the same to some.
    """

    def __init__(self, examination: Examination, *, twice: Severity, twice_folded: Severity | None) -> None:
        self._examination = examination
        self._twice, self._twice_folded = twice, twice_folded
        self._seen: dict[str, str] = {}

    def judge(self, name: str, offset: int) -> None:
        """Report what is wrong with a member's name; `offset` is where its entry stands."""
        if unpacks_outside(name):
            self._examination.report(ESCAPING_NAME, name, offset=offset)
        elif not name.strip("/") or _STRANGE.search(name):
            self._examination.report(AMBIGUOUS_NAME, name, offset=offset)
        if name.endswith("/"):
            return
        folded = folded_name(name)
        earlier = self._seen.get(folded)
        if earlier is None:
            self._seen[folded] = name
            return
        severity = self._twice if earlier == name else self._twice_folded
        if severity is not None:
            self._examination.report(DUPLICATE_NAME, name, offset=offset, severity=severity)


def judge_mode(name: str, mode: int, offset: int, examination: Examination) -> None:
    """Report permissions that go beyond reading, writing and running."""
    if mode & (stat.S_ISUID | stat.S_ISGID):
        examination.report(SET_USER_ID, f"{name} {stat.filemode(mode)}", offset=offset)


def folded_name(name: str) -> str:
    """The same text for all names that some file system or loader takes for one."""
    if "//" in name or "./" in name:
        name = "/".join(part for part in name.split("/") if part not in ("", "."))
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def unpacks_outside(name: str) -> bool:
    """Whether unpacking a member of this name could write outside the folder."""
    slashed = name.replace("\\", "/")
    return slashed.startswith("/") or slashed[1:2] == ":" or ".." in slashed.split("/")


def judge_link(name: str, target: str, offset: int, examination: Examination, *, from_top: bool = False) -> None:
    """Report a link. Its target counts from the link's own folder, that of a hard link in a tar from the top."""
    rule = ESCAPING_LINK if _link_leads_out("" if from_top else name, target) else LINK
    examination.report(rule, f"{name} -> {target}", offset=offset)


def _link_leads_out(name: str, target: str) -> bool:
    """Whether a symbolic link of this name with this target leaves the folder that the archive is unpacked into."""
    slashed = target.replace("\\", "/")
    if slashed.startswith("/") or slashed[1:2] == ":" or "\x00" in slashed:
        return True
    depth = len([part for part in name.split("/")[:-1] if part not in ("", ".")])
    for part in slashed.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False

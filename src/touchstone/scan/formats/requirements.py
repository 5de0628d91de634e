"""What a project has installed: pip requirements, setup.cfg, and the lists of conda.

Each requirement becomes a fact, so that known weaknesses, malicious packages and names made to be mistaken can be
looked for over the whole folder (`dependencies`). Reported here is where packages would come from: another index than
those everybody knows, an address, a connection anyone can change. A requirement without an exact version is the
ordinary case and only noted.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

OTHER_INDEX: Final = Rule(
    id="requirements/other-index",
    severity="medium",
    nature="threat",
    title=Text("Installs packages from an index that is not generally known", "从并非公认的软件源安装软件包"),
    remedy=Text(
        "Use PyPI or a mirror of it, and fix every package by its hash.",
        "请使用 PyPI 或其镜像，并以哈希固定每个软件包。",
    ),
    references=("CWE-427", "CWE-829", "MITRE ATLAS AML.T0010.001"),
)
UNPROTECTED: Final = Rule(
    id="requirements/unprotected-address",
    severity="high",
    nature="threat",
    title=Text("Installs over a connection that anyone on the way can change", "安装时使用可被途中篡改的连接"),
    remedy=Text("Use https, without --trusted-host.", "请使用 https，且不要使用 --trusted-host。"),
    references=("CWE-319", "CWE-494"),
)
UNVERIFIED_HOST: Final = Rule(
    id="requirements/trusted-host",
    severity="medium",
    nature="threat",
    title=Text("Switches off the check that the index is who it says it is", "关闭了对软件源身份的校验"),
    remedy=Text("Remove --trusted-host.", "请删除 --trusted-host。"),
    references=("CWE-295",),
)
FROM_ADDRESS: Final = Rule(
    id="requirements/from-address",
    severity="low",
    nature="unreviewed",
    title=Text("Installs whatever an address holds at the time", "安装某地址当时所提供的内容"),
    remedy=Text("Name a commit or a hash, or a release on PyPI.", "请指明提交号或哈希，或改用 PyPI 上的发布版本。"),
    references=("CWE-494",),
)
FIXED_ADDRESS: Final = Rule(
    id="requirements/fixed-address",
    severity="information",
    nature="information",
    title=Text("Installs a fixed revision from an address", "从某地址安装固定版本"),
    remedy=Text("Check that the address is the author's own.", "请确认该地址属于作者本人。"),
    references=(),
)
UNPINNED: Final = Rule(
    id="requirements/unpinned",
    severity="information",
    nature="information",
    title=Text("Packages without an exact version", "软件包未固定确切版本"),
    remedy=Text("Fix versions, best with hashes.", "请固定版本，最好附带哈希。"),
    references=("CWE-1104",),
)
RULES: Final[tuple[Rule, ...]] = (OTHER_INDEX, UNPROTECTED, UNVERIFIED_HOST, FROM_ADDRESS, FIXED_ADDRESS, UNPINNED)

LARGEST: Final = 4 * 2**20
_LONGEST_LINE: Final = 20_000
"""Characters of a requirement with many hashes."""

_KNOWN_INDEXES: Final = frozenset(
    {
        "pypi.org",
        "pypi.python.org",
        "files.pythonhosted.org",
        "test.pypi.org",
        "download.pytorch.org",
        "pypi.nvidia.com",
        "pypi.ngc.nvidia.com",
        "data.pyg.org",
        "flashinfer.ai",
        "wheels.vllm.ai",
        "abetlen.github.io",
        "storage.googleapis.com",
        "conda.anaconda.org",
        "repo.anaconda.com",
        "pypi.tuna.tsinghua.edu.cn",
        "mirrors.tuna.tsinghua.edu.cn",
        "mirror.sjtu.edu.cn",
        "mirrors.aliyun.com",
        "pypi.mirrors.ustc.edu.cn",
        "mirrors.ustc.edu.cn",
        "pypi.doubanio.com",
        "pypi.douban.com",
        "mirrors.cloud.tencent.com",
        "repo.huaweicloud.com",
        "mirrors.huaweicloud.com",
        "mirror.baidu.com",
        "mirrors.163.com",
        "www.paddlepaddle.org.cn",
        "paddle-wheel.bj.bcebos.com",
        "modelscope.oss-cn-beijing.aliyuncs.com",
        "download.openmmlab.com",
    }
)
"""PyPI, its public mirrors, and the indexes of the frameworks themselves."""
_OPTION: Final = re.compile(r"(--?[A-Za-z][\w-]*)(?:[ \t=]+(\S+))?")
_ADDRESS: Final = re.compile(
    r"(?:[\w.\-\[\],]+\s*@\s*)?((?:git|hg|svn|bzr)\+[\w+]+:\S+|https?://\S+|ftp://\S+|file:\S+)"
)
_REQUIREMENT: Final = re.compile(
    r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(\[[^\]]{0,200}\])?\s*\(?((?>[=<>!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*+)\)?\s*(;.*)?"
)
_COMMIT: Final = re.compile(r"@[0-9a-f]{40}\b|#sha(256|384|512)=|@v?\d+\.\d+")


def read_requirements(source: Source, examination: Examination) -> None:
    """A requirements file, a constraints file, or setup.cfg."""
    text = whole_text(source, LARGEST).text
    if examination.name.lower() == "setup.cfg":
        lines = _of_setup_cfg(text)
    else:
        text = re.sub(r"\\[ \t]*\r?\n", " ", text)
        lines = text.splitlines()
    examine_requirements(lines, examination)


def examine_requirements(lines: list[str], examination: Examination) -> None:
    """Judge requirements, one in each line, as pip reads them."""
    unpinned = []
    for written in lines:
        examination.budget.check_time()
        line = re.sub(r"(^|\s)#.*", "", written).strip()
        if not line:
            continue
        if len(line) > _LONGEST_LINE:
            examination.gap(Text("has a line that is too long to be read", "某行过长，无法解析"), "limit")
        elif line.startswith("-"):
            _judge_option(line, examination)
        elif (address := _ADDRESS.match(line)) is not None:
            judge_address(line, address[1], examination)
        elif (requirement := _REQUIREMENT.fullmatch(re.sub(r"\s--\w[\w-]*=.*", "", line).strip())) is not None:
            name, extras, versions, marker = (part or "" for part in requirement.groups())
            examination.fact("dependency", f"{name}{extras}{''.join(versions.split())}{marker}")
            if "==" not in versions:
                unpinned.append(name)
        elif re.fullmatch(r"[\w./\\~-]+(\[[\w,]+\])?", line):
            examination.report(FROM_ADDRESS, line)  # a folder or wheel beside this file
    if unpinned:
        examination.report(UNPINNED, ", ".join(unpinned))


def examine_install(arguments: str, examination: Examination) -> None:
    """What stands behind `pip install` in a command: where it installs from, not what."""
    _judge_option(arguments, examination)
    for word in arguments.split():
        address = _ADDRESS.fullmatch(word.strip("\"'"))
        if address is not None and not arguments[: arguments.index(word)].rstrip().endswith(
            ("-url", "-i", "-f", "-links")
        ):
            judge_address(word, address[1], examination)


def examine_conda(dependencies: list[Any], examination: Examination) -> None:
    """The `dependencies` of an environment.yml: conda's own, and those for pip."""
    for entry in dependencies:
        if isinstance(entry, str) and entry != "pip":
            name, _, version = entry.replace(" ", "").rpartition("::")[2].partition("=")
            version = version.strip("=").split("=")[0]
            examination.fact("dependency", f"conda:{name}@{version}" if version else f"conda:{name}")
        elif isinstance(entry, dict) and isinstance(entry.get("pip"), list):
            examine_requirements([line for line in entry["pip"] if isinstance(line, str)], examination)


def judge_index(address: str, examination: Examination) -> None:
    """An index that packages are taken from."""
    parts = _split(address)
    if parts[0] in {"http", "ftp"}:
        examination.report(UNPROTECTED, address)
    if parts[1] not in _KNOWN_INDEXES:
        examination.report(OTHER_INDEX, address)


def judge_address(line: str, address: str, examination: Examination) -> None:
    """A requirement that is fetched from an address."""
    scheme = _split(address)[0]
    examination.fact("dependency", line)
    if scheme in {"http", "ftp", "git+http", "git+git", "svn+http", "hg+http", "git"}:
        examination.report(UNPROTECTED, line)
    elif _COMMIT.search(address):
        examination.report(FIXED_ADDRESS, line)
    else:
        examination.report(FROM_ADDRESS, line)


def _split(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return parts.scheme.lower(), (parts.hostname or "").lower()
    except ValueError:
        return "", ""


def _judge_option(line: str, examination: Examination) -> None:
    for option, value in _OPTION.findall(line):
        if option in {"-i", "--index-url", "--extra-index-url", "--pypi-url", "-f", "--find-links"}:
            if "://" in value or option not in {"-f", "--find-links"}:
                judge_index(value, examination)
        elif option == "--trusted-host":
            known = value.split(":")[0].lower() in _KNOWN_INDEXES
            examination.report(UNVERIFIED_HOST, value, severity="low" if known else None)
        elif option in {"-e", "--editable"}:
            address = _ADDRESS.match(value)
            if address is not None:
                judge_address(value, address[1], examination)
        elif option in {"-r", "--requirement", "-c", "--constraint"} and value and "://" not in value:
            examination.refers_to(value, "data")


def _of_setup_cfg(text: str) -> list[str]:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError):
        return []
    lines: list[str] = []
    for section, key in (("options", "install_requires"), ("options", "setup_requires"), ("options", "tests_require")):
        lines.extend(parser.get(section, key, fallback="").splitlines() if parser.has_section(section) else ())
    if parser.has_section("options.extras_require"):
        for _, value in parser.items("options.extras_require"):
            lines.extend((value or "").splitlines())
    return lines

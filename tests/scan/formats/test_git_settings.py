"""Settings of git: those of every clone are clean, those that run something are found."""

from __future__ import annotations

import pytest

from touchstone.scan.file import scan_bytes

CLONE = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tfsmonitor = true
[remote "origin"]
\turl = https://huggingface.co/owner/model
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
[lfs]
\trepositoryformatversion = 0
[lfs "https://huggingface.co/owner/model.git/info/lfs"]
\taccess = basic
[filter "lfs"]
\tclean = git-lfs clean -- %f
\tsmudge = git-lfs smudge -- %f
\tprocess = git-lfs filter-process
\trequired = true
[alias]
\tst = status
"""


def test_the_settings_of_a_clone_are_clean() -> None:
    result = scan_bytes(CLONE.encode(), ".git/config")
    assert (result.format, result.verdict, result.findings) == ("git-settings", "clean", ())
    assert [fact.value for fact in result.facts] == ["https://huggingface.co/owner/model"]


@pytest.mark.parametrize(
    "setting",
    [
        "[core]\n\tfsmonitor = echo planted",
        "[core]\n\tsshCommand = echo planted",
        "[core] pager = echo planted",
        "[CORE]\n\thooksPath = hooks",
        "[alias]\n\tst = !echo planted",
        '[filter "x"]\n\tsmudge = echo planted',
        '[diff "x"]\n\ttextconv = echo planted',
        '[submodule "x"]\n\turl = ext::sh -c planted',
        "[credential]\n\thelper = !echo planted",
        "[gpg]\n\tprogram = planted",
    ],
)
def test_settings_that_run_something(setting: str) -> None:
    content = f"[core]\n\tbare = false\n{setting}\n".encode()
    (finding,) = scan_bytes(content, ".git/config").findings
    assert (finding.rule, finding.severity) == ("git-settings/runs-command", "high")


def test_large_files_from_elsewhere() -> None:
    result = scan_bytes(b"[lfs]\n\turl = https://planted.example/lfs\n", ".lfsconfig")
    assert [finding.rule for finding in result.findings] == ["git-settings/other-store"]

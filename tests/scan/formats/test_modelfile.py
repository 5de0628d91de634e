"""Modelfiles of Ollama: what a model is made from."""

from __future__ import annotations

from touchstone.scan.file import scan_bytes


def test_parts_and_base_model() -> None:
    content = b'FROM llama3.2\nADAPTER ./adapter.gguf\nPARAMETER temperature 1\nTEMPLATE """{{ .Prompt }}"""\n'
    result = scan_bytes(content, "Modelfile")
    assert (result.format, result.verdict) == ("modelfile", "clean")
    assert [(fact.name, fact.value) for fact in result.facts] == [("base-model", "llama3.2")]
    assert [(reference.path, reference.role) for reference in result.references] == [("./adapter.gguf", "shard")]


def test_parts_outside_the_folder() -> None:
    result = scan_bytes(b"FROM ../../planted.gguf\n", "Modelfile")
    assert [(finding.rule, finding.severity) for finding in result.findings] == [
        ("configuration/path-leads-out", "medium")
    ]

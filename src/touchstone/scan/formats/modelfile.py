"""Modelfiles of Ollama: which weights and adapters a model consists of (ollama, docs/modelfile.md)."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from touchstone.scan.configuration_rules import LEADS_OUT
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import whole_text

RULES: Final[tuple[Rule, ...]] = ()

LARGEST: Final = 2**20
_MOST_PARTS: Final = 1000

_WEIGHTS: Final = re.compile(r"^[ \t]*(FROM|ADAPTER)[ \t]+(\S[^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_PATH: Final = re.compile(r"[./~].*|.*\.(gguf|bin|safetensors)", re.IGNORECASE)


def read_modelfile(source: Source, examination: Examination) -> None:
    """State what the model is made from. Templates of Ollama are Go templates, which cannot reach code."""
    decoded = whole_text(source, LARGEST)
    for found in islice(_WEIGHTS.finditer(decoded.text), _MOST_PARTS):
        named = found[2].strip().strip('"')
        if not _PATH.fullmatch(named):
            examination.fact("base-model", named)
            continue
        if leads_out(named):
            examination.report(
                LEADS_OUT, f"{found[1]} {named}", offset=decoded.offset(found.start()), severity="medium"
            )
        examination.refers_to(named, "shard")

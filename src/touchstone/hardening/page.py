"""The report of a hardening: one self-contained page in one language."""

from __future__ import annotations

from touchstone import pages
from touchstone.hardening.outcome import Hardening, percent
from touchstone.system.description import Identity
from touchstone.text import Language, Text

RECIPES = {
    "adversarial-training": Text("adversarial training", "对抗训练"),
    "smoothing": Text("randomised smoothing", "随机平滑"),
}
PROOFS = {
    "crown": Text("proven by CROWN bounds of the network", "由网络的 CROWN 界证明"),
    "smoothing": Text("certified of the smoothed model, with unlimited votes", "平滑模型（票数不限）的认证"),
}
TONES = {"up": "pass", "down": "fail", "open": "inconclusive"}
HEADLINES = {
    "up": Text("more robust", "鲁棒性提升"),
    "down": Text("less robust", "鲁棒性下降"),
    "open": Text("no gain shown", "未显示提升"),
}


def render(report: Hardening, identity: Identity, language: Language) -> str:
    """The page."""
    template = pages.templates("touchstone.hardening", language).get_template("hardening.html.j2")
    return template.render(
        r=report,
        identity=identity,
        language=language,
        percent=percent,
        recipe=RECIPES[report.recipe],
        proof=None if report.proof is None else PROOFS[report.proof.method],
        tone=TONES[report.robust.direction],
        headline=HEADLINES[report.robust.direction],
    )

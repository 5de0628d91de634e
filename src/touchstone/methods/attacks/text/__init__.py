"""Attacks on classifiers of text, English and Chinese: small changes that a reader sees through and a model may not."""

from touchstone.methods.attacks.text.families import FAMILIES
from touchstone.methods.attacks.text.search import TextResult, TextThreat, attack_texts

__all__ = ["FAMILIES", "TextResult", "TextThreat", "attack_texts"]

"""SentencePiece's tokenizer model: pieces with their scores, and how text is prepared. Nothing in it runs.

Source: `sentencepiece_model.proto` of https://github.com/google/sentencepiece.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Schema, Walk
from touchstone.scan.source import Source
from touchstone.text import Text

RULES: Final[tuple[Rule, ...]] = ()

_SCHEMA: Final = Schema(
    {
        "Model": "1 pieces* Piece, 2 trainer_spec Trainer, 3 normalizer_spec Normalizer, 4 self_test_data SelfTest,"
        " 5 denormalizer_spec Normalizer",
        "Piece": "1 piece text, 2 score float, 3 type int",
        "SelfTest": "1 samples* Sample",
        "Sample": "1 input text, 2 expected text",
        "Normalizer": "1 name text, 2 precompiled_charsmap bytes, 3 add_dummy_prefix int,"
        " 4 remove_extra_whitespaces int, 5 escape_whitespaces int, 6 normalization_rule_tsv text",
        "Trainer": "1 input* text, 2 model_prefix text, 3 model_type int, 4 vocab_size int, 5 accept_language* text,"
        " 6 self_test_sample_size int, 7 input_format text, 10 character_coverage float, 11 input_sentence_size int,"
        " 12 mining_sentence_size int, 13 training_sentence_size int, 14 seed_sentencepiece_size int,"
        " 15 shrinking_factor float, 16 num_threads int, 17 num_sub_iterations int, 18 max_sentence_length int,"
        " 19 shuffle_input_sentence int, 20 max_sentencepiece_length int, 21 split_by_unicode_script int,"
        " 22 split_by_whitespace int, 23 split_by_number int, 24 treat_whitespace_as_suffix int, 25 split_digits int,"
        " 26 allow_whitespace_only_pieces int, 30 control_symbols* text, 31 user_defined_symbols* text,"
        " 32 vocabulary_output_piece_score int, 33 hard_vocab_limit int, 34 use_all_vocab int, 35 byte_fallback int,"
        " 36 required_chars text, 40 unk_id int, 41 bos_id int, 42 eos_id int, 43 pad_id int, 44 unk_surface text,"
        " 45 unk_piece text, 46 bos_piece text, 47 eos_piece text, 48 pad_piece text,"
        " 49 train_extremely_large_corpus int, 50 enable_differential_privacy int,"
        " 51 differential_privacy_noise_level float, 52 differential_privacy_clipping_threshold int,"
        " 53 pretokenization_delimiter text, 54 seed_sentencepieces_file text",
    }
)
_KINDS: Final = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


def read_sentencepiece(source: Source, examination: Examination) -> None:
    """Every field must be one of the tokenizer's."""
    examination.fact("framework", "sentencepiece")
    pieces = 0

    def piece(message: Message) -> None:
        nonlocal pieces
        pieces += 1
        for _ in walk.fields(message, "Piece"):
            pass

    def trainer(message: Message) -> None:
        for name, field in walk.fields(message, "Trainer"):
            if name == "model_type":
                examination.fact("architecture", _KINDS.get(field.integer(), "unigram"))
            elif name == "accept_language":
                examination.fact("language", field.text())

    walk = Walk(_SCHEMA, examination, {"Piece": piece, "Trainer": trainer})
    walk.message(message_of(source, examination.budget), "Model")
    examination.fact("hyper-parameter", f"vocab_size={pieces}")
    if pieces == 0:
        examination.gap(Text("has no pieces", "没有词元"))

"""Language libraries: nltk, gensim, SentencePiece."""

from __future__ import annotations

import pickle

from benign_room import SEED, Room

TEXTS = [
    "Dr. Smith made a model. It was small.",
    "Models are made of numbers, e.g. weights.",
    "Files hold the numbers. Loaders read the files.",
]


def make(room: Room) -> None:
    """Trained on three sentences."""
    _nltk(room)
    _gensim(room)
    _sentencepiece(room)


def _nltk(room: Room) -> None:
    from nltk.classify import NaiveBayesClassifier
    from nltk.probability import ConditionalFreqDist, FreqDist
    from nltk.tag import DefaultTagger, UnigramTagger
    from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer

    things = {
        "punkt": PunktSentenceTokenizer(PunktTrainer("\n".join(TEXTS * 20)).get_params()),
        "frequencies": [FreqDist("abca"), ConditionalFreqDist([("a", "b"), ("a", "c")])],
        "bayes": NaiveBayesClassifier.train([({"long": True}, "yes"), ({"long": False}, "no")]),
        "tagger": UnigramTagger([[("a", "DT"), ("model", "NN")]], backoff=DefaultTagger("NN")),
    }
    for name, thing in things.items():
        room.file(f"language/nltk-{name}.pickle", "pickle", "nltk").write_bytes(pickle.dumps(thing))


def _gensim(room: Room) -> None:
    from gensim.corpora import Dictionary
    from gensim.models import Doc2Vec, FastText, LdaModel, TfidfModel, Word2Vec
    from gensim.models.doc2vec import TaggedDocument

    sentences = [text.lower().split() for text in TEXTS]
    small = {"vector_size": 8, "min_count": 1, "workers": 1, "seed": SEED, "epochs": 1}
    words = Word2Vec(sentences, **small)
    words.save(str(room.file("language/gensim-word2vec.model", "pickle", "gensim")))
    words.wv.save(str(room.file("language/gensim-vectors.kv", "pickle", "gensim")))
    words.wv.save_word2vec_format(str(room.file("language/word2vec.bin", "word2vec", "gensim")), binary=True)
    words.wv.save_word2vec_format(str(room.file("language/word2vec.txt", "word2vec", "gensim")))
    FastText(sentences, bucket=50, **small).save(str(room.file("language/gensim-fasttext.model", "pickle", "gensim")))
    tagged = [TaggedDocument(sentence, [number]) for number, sentence in enumerate(sentences)]
    Doc2Vec(tagged, **small).save(str(room.file("language/gensim-doc2vec.model", "pickle", "gensim")))
    dictionary = Dictionary(sentences)
    dictionary.save(str(room.file("language/gensim-dictionary.dict", "pickle", "gensim")))
    bags = [dictionary.doc2bow(sentence) for sentence in sentences]
    TfidfModel(bags).save(str(room.file("language/gensim-tfidf.model", "pickle", "gensim")))
    topics = LdaModel(bags, num_topics=2, id2word=dictionary, random_state=SEED)
    topics.save(str(room.folder("language/gensim-lda", "pickle", "gensim") / "lda.model"))


def _sentencepiece(room: Room) -> None:
    import io

    import sentencepiece

    for kind in ("unigram", "bpe"):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXTS * 10), model_writer=model, vocab_size=40, model_type=kind, minloglevel=2
        )
        room.file(f"language/{kind}.model", "sentencepiece", "sentencepiece").write_bytes(model.getvalue())

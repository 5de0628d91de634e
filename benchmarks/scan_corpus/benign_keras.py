"""Keras 3 without TensorFlow: `.keras` archives, `.weights.h5` and the older `.h5`."""

from __future__ import annotations

import os
import warnings
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from benign_room import SEED, Room
from keras import layers


def make(room: Room) -> None:
    """Sequential and functional models with the usual layers, compiled and not."""
    warnings.simplefilter("ignore")
    keras.utils.set_random_seed(SEED)
    for name, model in _models().items():
        model.save(room.file(f"keras/{name}.keras", "keras", "keras"))
        model.save(room.file(f"keras/{name}.h5", "keras-h5", "keras"))
        model.save_weights(room.file(f"keras/{name}.weights.h5", "keras-weights", "keras"))
        room.file(f"keras/{name}.json", "keras-config", "keras").write_text(model.to_json())


def _models() -> dict[str, Any]:
    dense = keras.Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(2, "softmax")])
    dense.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    dense.fit(np.ones((4, 4)), np.array([0, 1, 0, 1]), epochs=1, verbose=0)

    convolution = keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    convolution.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse")

    words = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Embedding(20, 8, mask_zero=True),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.GRU(4),
            layers.Dense(3),
        ]
    )
    left, right = layers.Input((3,), name="left"), layers.Input((3,), name="right")
    shared = layers.Dense(4, activation="gelu")
    merged = layers.concatenate([shared(left), shared(right)])
    functional = keras.Model([left, right], layers.Dense(1)(layers.LayerNormalization()(merged)))
    functional.compile("rmsprop", keras.losses.Huber(), metrics=[keras.metrics.MeanAbsoluteError()])

    source = layers.Input((5, 8))
    attended = layers.MultiHeadAttention(2, 4)(source, source)
    attention = keras.Model(source, layers.add([source, attended]))
    return {
        "dense": dense,
        "convolution": convolution,
        "words": words,
        "functional": functional,
        "attention": attention,
    }

"""TensorFlow: SavedModel, checkpoints, frozen graphs, TFLite, TFRecord. Runs in an environment of its own."""

from __future__ import annotations

import tensorflow as tf
from benign_room import SEED, Room


def make(room: Room) -> None:
    """A small network in each format TensorFlow writes."""
    tf.keras.utils.set_random_seed(SEED)
    network = tf.keras.Sequential(
        [
            tf.keras.layers.Input((8, 8, 1)),
            tf.keras.layers.Conv2D(2, 3, activation="relu"),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(3),
        ]
    )
    network.export(str(room.folder("tensorflow/exported", "saved-model", "tensorflow-cpu")), verbose=False)
    module = _Module()
    tf.saved_model.save(module, str(room.folder("tensorflow/module", "saved-model", "tensorflow-cpu")))
    folder = room.folder("tensorflow/checkpoint", "tensorflow-checkpoint", "tensorflow-cpu")
    tf.train.Checkpoint(step=tf.Variable(3), module=module).save(str(folder / "ckpt"))
    for name, options in (("float", []), ("quantised", [tf.lite.Optimize.DEFAULT])):
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = options
        room.file(f"tensorflow/{name}.tflite", "tflite", "tensorflow-cpu").write_bytes(converter.convert())
    graph = tf.function(lambda x: tf.nn.relu(tf.matmul(x, tf.ones((4, 3))))).get_concrete_function(
        tf.TensorSpec([None, 4], tf.float32)
    )
    frozen = room.file("tensorflow/graph.pb", "tensorflow-graph", "tensorflow-cpu")
    frozen.write_bytes(graph.graph.as_graph_def().SerializeToString())
    with tf.io.TFRecordWriter(str(room.file("tensorflow/data.tfrecord", "tfrecord", "tensorflow-cpu"))) as writer:
        writer.write(tf.train.Example().SerializeToString())
    network.save(room.file("tensorflow/network.keras", "keras", "tensorflow-cpu"))
    network.save(room.file("tensorflow/network.h5", "keras-h5", "tensorflow-cpu"))


class _Module(tf.Module):
    """A variable and a function with a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(tf.ones((4, 3)))

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def __call__(self, data: tf.Tensor) -> tf.Tensor:
        """Apply the weight, and half of it when the input is negative."""
        answer = tf.matmul(data, self.weight)
        return tf.cond(tf.reduce_sum(data) > 0, lambda: answer, lambda: answer / 2)

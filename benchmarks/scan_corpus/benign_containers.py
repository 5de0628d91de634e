"""Archives and compressed files that hold models, and tables in columns."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from benign_room import SEED, Room


def make(room: Room) -> None:
    """Plain archives, the archives of NeMo and TorchServe, and single compressed files."""
    model = pickle.dumps({"weights": np.random.default_rng(SEED).standard_normal(50), "classes": ["a", "b"]})
    files = {"model/model.pkl": model, "model/labels.txt": b"a\nb\n", "model/config.json": b'{"layers": 2}\n'}
    _zips(room, files)
    _tars(room, files)
    for ending, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zlib", zlib.compress)):
        room.file(f"containers/model.pkl.{ending}", "compressed", "python").write_bytes(pack(model))
    _nemo(room)
    _columns(room)


def _zips(room: Room, files: dict[str, bytes]) -> None:
    for name, method in (
        ("stored", zipfile.ZIP_STORED),
        ("deflated", zipfile.ZIP_DEFLATED),
        ("lzma", zipfile.ZIP_LZMA),
    ):
        with zipfile.ZipFile(room.file(f"containers/{name}.zip", "zip", "python"), "w", method) as archive:
            for path, data in files.items():
                archive.writestr(path, data)
    with zipfile.ZipFile(room.file("containers/folders-and-comment.zip", "zip", "python"), "w") as archive:
        archive.mkdir("model")
        archive.comment = b"made by hand"
        for path, data in files.items():
            archive.writestr(path, data)
    with zipfile.ZipFile(room.file("containers/nested.zip", "zip", "python"), "w") as archive:
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as within:
            within.writestr("model.pkl", files["model/model.pkl"])
        archive.writestr("inner.zip", inner.getvalue())
    model = {"modelName": "tiny", "serializedFile": "model.pkl", "handler": "image_classifier"}
    manifest = json.dumps({"createdOn": "01/02/2026", "model": model})
    with zipfile.ZipFile(room.file("containers/torchserve.mar", "zip", "python"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("MAR-INF/MANIFEST.json", manifest)
        archive.writestr("model.pkl", files["model/model.pkl"])


def _tars(room: Room, files: dict[str, bytes]) -> None:
    formats = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}
    for name, kind in formats.items():
        with tarfile.open(room.file(f"containers/{name}.tar", "tar", "python"), "w", format=kind) as archive:
            _fill(archive, files)
    for ending in ("gz", "bz2", "xz"):
        place = room.file(f"containers/model.tar.{ending}", "tar", "python")
        with tarfile.open(place, f"w:{ending}") as archive:
            _fill(archive, files)
    long = {"/".join(["folder" * 5] * 6) + "/model.pkl": files["model/model.pkl"]}
    with tarfile.open(
        room.file("containers/long-names.tar", "tar", "python"), "w", format=tarfile.GNU_FORMAT
    ) as archive:
        _fill(archive, long)


def _fill(archive: tarfile.TarFile, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        entry.mtime = 1767225600
        archive.addfile(entry, io.BytesIO(data))


def _nemo(room: Room) -> None:
    """The layout of a `.nemo` file: a tar of a configuration and a checkpoint. Hand-made."""
    import torch

    weights = io.BytesIO()
    torch.save(torch.nn.Linear(3, 2).state_dict(), weights)
    settings = (
        b"target: nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE\nnemo_version: 2.0.0\n"
        b"preprocessor:\n  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor\n  features: 80\n"
        b"encoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n  d_model: 16\n"
        b"optim:\n  name: adamw\n  lr: 0.001\n"
    )
    with tarfile.open(room.file("containers/tiny.nemo", "nemo", "hand-made"), "w") as archive:
        _fill(archive, {"./model_config.yaml": settings, "./model_weights.ckpt": weights.getvalue()})


def _columns(room: Room) -> None:
    import pandas
    import pyarrow.feather

    table = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    table.to_parquet(room.file("containers/table.parquet", "parquet", "pyarrow"))
    pyarrow.feather.write_feather(table, str(room.file("containers/table.arrow", "arrow", "pyarrow")), "uncompressed")
    Path(room.file("containers/empty.bin", "empty", "python")).write_bytes(b"")

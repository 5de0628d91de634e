"""Caffe's messages as far as they matter here, and the layers it and its common offspring have."""

from __future__ import annotations

from typing import Final

from touchstone.scan.protobuf_schema import Schema

_READS_FILES: Final = {107: "data", 112: "hdf5_data", 115: "image_data", 116: "infogain_loss", 129: "window_data"}
_OTHERS: Final = ", ".join(
    f"{number} {_READS_FILES[number]} FileParameter" if number in _READS_FILES else f"{number} settings{number}* bytes"
    for number in range(100, 1000)
    if number not in {113, 130}
)
"""Settings of a layer. Offspring of Caffe number theirs as they like, and most only hold numbers."""

SCHEMA: Final = Schema(
    {
        "NetParameter": (
            "1 name text, 2 layers* V1LayerParameter, 3 input* text, 4 input_dim ints, 5 force_backward int, "
            "6 state NetState, 7 debug_info int, 8 input_shape* BlobShape, 100 layer* LayerParameter"
        ),
        "LayerParameter": (
            "1 name text, 2 type text, 3 bottom* text, 4 top* text, 5 loss_weight floats, 6 param* ParamSpec, "
            "7 blobs* BlobProto, 8 include* NetStateRule, 9 exclude* NetStateRule, 10 phase int, "
            f"11 propagate_down ints, 113 hdf5_output HDF5OutputParameter, 130 python PythonParameter, {_OTHERS}"
        ),
        "V1LayerParameter": (
            "1 layer bytes, 2 bottom* text, 3 top* text, 4 name text, 5 type int, 6 blobs* BlobProto, "
            "7 blobs_lr floats, 8 weight_decay floats, 32 include* NetStateRule, 33 exclude* NetStateRule, "
            "35 loss_weight floats, 1001 param* text, 1002 blob_share_mode ints, "
            + ", ".join(f"{number} parameters{number}* bytes" for number in (*range(9, 32), 34, *range(36, 100)))
        ),
        "BlobProto": (
            "1 num int, 2 channels int, 3 height int, 4 width int, 5 data floats, 6 diff floats, 7 shape BlobShape, "
            "8 double_data doubles, 9 double_diff doubles, 10 raw_data_type int, 11 raw_diff_type int, "
            "12 raw_data bytes, 13 raw_diff bytes"
        ),
        "BlobShape": "1 dim ints",
        "ParamSpec": "1 name text, 2 share_mode int, 3 lr_mult float, 4 decay_mult float",
        "NetState": "1 phase int, 2 level int, 3 stage* text",
        "NetStateRule": "1 phase int, 2 min_level int, 3 max_level int, 4 stage* text, 5 not_stage* text",
        "PythonParameter": "1 module text, 2 layer text, 3 param_str text, 4 share_in_parallel int",
        "HDF5OutputParameter": "1 file_name text",
        "FileParameter": "",
    }
)

_LAYERS: Final = """
absval accuracy annotateddata argmax axpy batchnorm batchreindex bias bn bnll clip concat contrastiveloss convolution
convolutiondepthwise correlation crop cudnnbatchnorm cudnnconvolution customdata data deconvolution
deformableconvolution depthwiseconvolution detectionevaluate detectionoutput dropout dummydata eltwise elu embed
euclideanloss exp filter flatten focalloss hdf5data hingeloss im2col imagedata infogainloss innerproduct input interp
l1loss log lrn lstm lstmunit matmul memorydata multiboxloss multinomiallogisticloss mvn noop normalize parameter permute
pooling power prelu priorbox proposal psroipooling recurrent reduction relu relu6 reorg reshape resize rnn roialign
roipooling scale segdata shufflechannel sigmoid sigmoidcrossentropyloss silence slice smoothl1loss softmax softmaxloss
softmaxwithloss split spp swish tanh threshold tile triplet tripletloss upsample videodata windowdata yolov3
yolov3detectionoutput
"""
KNOWN_LAYERS: Final = frozenset(_LAYERS.split())
"""Of BVLC Caffe, and of the SSD, R-FCN, Faster R-CNN and segmentation offspring; in lower case, without underscores."""

"""Graph formats: ONNX, OpenVINO, Core ML."""

from __future__ import annotations

import numpy as np
import onnx
from benign_room import SEED, Room
from onnx import TensorProto, helper, numpy_helper


def make(room: Room) -> None:
    """ONNX by hand and by PyTorch's exporter, and what other converters make of it."""
    _onnx(room)
    _onnx_from_torch(room)
    _openvino(room)
    _coreml(room)


def _onnx(room: Room) -> None:
    random = np.random.default_rng(SEED)
    weights = numpy_helper.from_array(random.standard_normal((4, 3)).astype(np.float32), "weights")
    model = _model(
        [helper.make_node("MatMul", ["x", "weights"], ["m"]), helper.make_node("Relu", ["m"], ["y"])], [weights]
    )
    onnx.save(model, room.file("onnx/perceptron.onnx", "onnx", "onnx"))
    branch = helper.make_graph(
        [helper.make_node("Identity", ["m"], ["z"])], "then", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["m"]),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("c", TensorProto.BOOL, [], [True])),
        helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch),
    ]
    onnx.save(_model(nodes, [weights]), room.file("onnx/branches.onnx", "onnx", "onnx"))
    folder = room.folder("onnx/external", "onnx", "onnx")
    onnx.save(
        _model([helper.make_node("MatMul", ["x", "weights"], ["y"])], [weights]),
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    kinds = {"int8": np.int8, "uint8": np.uint8, "int64": np.int64, "double": np.float64, "half": np.float16}
    constants = [numpy_helper.from_array(np.arange(4).astype(kind), name) for name, kind in kinds.items()]
    nodes = [helper.make_node("Cast", [name], [f"{name}-f"], to=TensorProto.FLOAT) for name in kinds]
    nodes.append(helper.make_node("Sum", [f"{name}-f" for name in kinds], ["s"]))
    nodes += [helper.make_node("MatMul", ["x", "weights"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    typed = _model(nodes, [*constants, weights])
    typed.metadata_props.add(key="source", value="https://example.com/model")
    onnx.save(typed, room.file("onnx/types-and-metadata.onnx", "onnx", "onnx"))
    double = helper.make_function(
        "touchstone.local",
        "Double",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    nodes = [helper.make_node("Double", ["x"], ["d"], domain="touchstone.local")]
    nodes.append(helper.make_node("MatMul", ["d", "weights"], ["y"]))
    function = _model(nodes, [weights], functions=[double], domains=["touchstone.local"])
    onnx.save(function, room.file("onnx/local-function.onnx", "onnx", "onnx"))


def _model(
    nodes: list[onnx.NodeProto],
    initialisers: list[onnx.TensorProto],
    functions: list[onnx.FunctionProto] | None = None,
    domains: list[str] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
        initialisers,
    )
    imports = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains or [])]
    model = helper.make_model(graph, producer_name="touchstone", opset_imports=imports, functions=functions or [])
    onnx.checker.check_model(model)
    return model


def _onnx_from_torch(room: Room) -> None:
    import warnings

    import torch
    from torch import nn

    warnings.simplefilter("ignore")
    torch.manual_seed(SEED)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    torch.onnx.export(
        network,
        (torch.ones(1, 1, 8, 8),),
        room.file("onnx/from-torch.onnx", "onnx", "torch"),
        dynamo=False,
        input_names=["picture"],
        dynamic_axes={"picture": {0: "batch"}},
    )
    recurrent = nn.LSTM(3, 4, batch_first=True)
    torch.onnx.export(
        recurrent, (torch.ones(1, 2, 3),), room.file("onnx/recurrent-from-torch.onnx", "onnx", "torch"), dynamo=False
    )


def _openvino(room: Room) -> None:
    import openvino

    for name in ("perceptron", "from-torch"):
        model = openvino.convert_model(str(room.root / f"onnx/{name}.onnx"))
        folder = room.folder(f"openvino/{name}", "openvino", "openvino")
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=name == "from-torch")


def _coreml(room: Room) -> None:
    import coremltools

    if not hasattr(coremltools.models.neural_network, "NeuralNetworkBuilder"):
        return
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    builder = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", datatypes.Array(3))])
    random = np.random.default_rng(SEED)
    builder.add_inner_product(
        "dense", random.standard_normal((3, 4)), np.zeros(3), 4, 3, has_bias=True, input_name="x", output_name="m"
    )
    builder.add_activation("relu", "RELU", "m", "y")
    builder.spec.description.metadata.shortDescription = "a tiny network"
    coremltools.models.utils.save_spec(builder.spec, str(room.file("coreml/network.mlmodel", "coreml", "coremltools")))

"""Model graphs of the smaller frameworks: foreign layers, paths, XML that reads files."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hostile_opcodes import getpid, push, stream
from hostile_protobuf_writer import message
from hostile_units import Class, Unit


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _coreml()
    yield from _paddle()
    yield from _mindspore()
    yield from _caffe()
    yield from _mxnet()
    yield from _xml()


def _coreml() -> Iterator[Unit]:
    """Source: coremltools/mlmodel/format/Model.proto, NeuralNetwork.proto, MIL.proto."""
    custom_layer = message(
        (1, "planted"), (2, "x"), (3, "y"), (500, message((10, "PlantedLayer"), (40, "loads code of the application")))
    )
    network = message((1, custom_layer))
    forms = {
        "custom-layer": message((1, 4), (2, message()), (500, network)),
        "custom-layer-classifier": message((1, 4), (2, message()), (403, network)),
        "custom-layer-regressor": message((1, 4), (2, message()), (303, network)),
        "custom-model": message((1, 4), (2, message()), (555, message((10, "PlantedModel")))),
        "custom-model-in-pipeline": message(
            (1, 4), (2, message()), (202, message((1, message((1, 4), (555, message((10, "PlantedModel")))))))
        ),
        "custom-layer-in-pipeline": message(
            (1, 4), (2, message()), (202, message((1, message((1, 4), (500, network)))))
        ),
    }
    for name, data in forms.items():
        yield _code(
            f"coreml/{name}.mlmodel",
            data,
            "coreml",
            "a layer or model whose code the application must bring",
            "Core ML",
            "custom layer or model",
        )
    path = message((2, "../../planted"))
    linked = message((1, 4), (2, message()), (556, message((1, message((1, message((2, "planted"))), (2, path))))))
    yield _odd("coreml/linked-model.mlmodel", linked, "coreml", "links to a model outside", "Core ML", "linked model")
    yield _odd(
        "coreml/tail.mlmodel",
        message((1, 4), (2, message())) + b"\0planted" * 30,
        "coreml",
        "bytes follow the message",
        "Core ML",
        "bytes after the message",
    )


def _paddle() -> Iterator[Unit]:
    """Source: paddle/fluid/framework/framework.proto."""

    def program(operator: str, *attributes: bytes) -> bytes:
        op = message(
            (1, message((1, "X"), (2, "x"))),
            (2, message((1, "Out"), (2, "y"))),
            (3, operator),
            *[(4, part) for part in attributes],
        )
        return message((1, message((1, 0), (2, 0), (4, op))), (4, message((1, 0))))

    path = message((1, "file_path"), (2, 2), (5, "/nonexistent/planted"))
    handle = message((1, "forward_callable_id"), (2, 0), (3, 7))
    forms = {
        "py-func": (program("py_func", handle), "calls Python"),
        "py-layer": (program("pylayer", handle), "calls Python"),
        "load": (program("load", path), "reads any file"),
        "load-combine": (program("load_combine", path), "reads any file"),
        "save": (program("save", path), "writes any file"),
        "save-combine": (program("save_combine", path), "writes any file"),
        "run-program": (program("run_program"), "runs another program"),
        "serve": (program("listen_and_serv"), "opens a port"),
        "send": (program("send"), "connects to a server"),
        "custom": (program("planted_operator"), "an operator of a library that must be loaded"),
    }
    for name, (data, does) in forms.items():
        yield _code(
            f"paddle/{name}.pdmodel", data, "paddle", f"the program {does}", "paddle.inference", "operator that acts"
        )
    body = push({"linear.weight": [0.5], "StructuredToParameterName@@": {}, "planted": getpid()})
    yield Unit(
        "pickle/paddle/model.pdparams",
        stream(body),
        "code",
        "pickle",
        "pickled parameters that call",
        "paddle.load",
        "call of os.getpid",
        "pickle",
        "os:getpid",
    )
    yield Unit(
        "pickle/paddle/model.pdopt",
        stream(body, protocol=4),
        "code",
        "pickle",
        "a pickled optimiser state that calls",
        "paddle.load",
        "call of os.getpid",
        "pickle",
        "os:getpid",
    )


def _mindspore() -> Iterator[Unit]:
    """Source: mindspore/core/proto/mind_ir.proto, mindspore/ccsrc/utils/checkpoint.proto."""

    def mindir(*nodes: bytes, tensors: tuple[bytes, ...] = ()) -> bytes:
        graph = message(*[(1, part) for part in nodes], (2, "g"), *[(3, part) for part in tensors])
        return message((1, "0.1.1"), (2, "MindSpore"), (3, "2.3.0"), (7, graph))

    external = message((1, 2), (2, 1), (7, "w"), (12, message((1, "../../planted"), (2, 0), (3, 8))))
    operator = message(
        (1, "x"), (2, "y"), (3, "n"), (4, "REF::Custom"), (5, message((1, "func_type"), (5, b"pyfunc"), (20, 8)))
    )
    python = message((1, "x"), (2, "y"), (3, "n"), (4, "PyFunc"))
    yield _code(
        "mindspore/external.mindir",
        mindir(tensors=(external,)),
        "mindspore",
        "weights are read from a file above",
        "mindspore.load",
        "external data outside the folder",
    )
    yield _code(
        "mindspore/custom.mindir",
        mindir(operator),
        "mindspore",
        "a custom operator that calls Python or a library",
        "mindspore.load",
        "custom operator",
    )
    yield _code(
        "mindspore/pyfunc.mindir",
        mindir(python),
        "mindspore",
        "PyFunc calls Python",
        "mindspore.load",
        "custom operator",
    )
    parameter = message((1, "w"), (2, message((1, 2**20), (1, 2**20), (2, "Float32"), (3, bytes(8)))))
    yield _odd(
        "mindspore/size-mismatch.ckpt",
        message((1, parameter)),
        "mindspore",
        "a parameter has fewer bytes than its shape",
        "mindspore.load_checkpoint",
        "size mismatch",
    )


def _caffe() -> Iterator[Unit]:
    """Source: caffe/src/caffe/proto/caffe.proto."""
    layer = 'layer {{\n  name: "p"\n  type: "{type}"\n  bottom: "data"\n  top: "out"\n  {param}\n}}\n'
    head = 'name: "planted"\ninput: "data"\ninput_shape { dim: 1 dim: 3 dim: 8 dim: 8 }\n'
    python = layer.format(type="Python", param='python_param { module: "os" layer: "getpid" param_str: "planted" }')
    forms = {
        "python.prototxt": (head + python, "a Python layer of any module"),
        "python-among.prototxt": (
            head + layer.format(type="ReLU", param="") * 20 + python,
            "a Python layer among others",
        ),
        "data-source.prototxt": (
            head + layer.format(type="Data", param='data_param { source: "/etc/planted" backend: LMDB }'),
            "a data layer reads a database anywhere",
        ),
        "image-source.prototxt": (
            head + layer.format(type="ImageData", param='image_data_param { source: "/etc/planted" }'),
            "an image layer reads a list anywhere",
        ),
        "hdf5-output.prototxt": (
            head + layer.format(type="HDF5Output", param='hdf5_output_param { file_name: "/nonexistent/planted" }'),
            "an output layer writes a file",
        ),
        "unknown.prototxt": (
            head + layer.format(type="PlantedLayer", param=""),
            "a layer of a library that must be loaded",
        ),
    }
    for name, (text, threat) in forms.items():
        yield _code(f"caffe/{name}", text.encode(), "prototxt", threat, "caffe.Net", threat)
    net = message(
        (1, "planted"),
        (100, message((1, "p"), (2, "Python"), (130, message((1, "os"), (2, "getpid"), (3, "planted"))))),
    )
    yield _code("caffe/python.caffemodel", net, "caffe", "a Python layer of any module", "caffe.Net", "a Python layer")
    solver = 'net: "../../planted.prototxt"\nsnapshot_prefix: "/nonexistent/planted"\nbase_lr: 0.1\n'
    yield _odd(
        "caffe/solver.prototxt",
        solver.encode(),
        "prototxt",
        "a solver with paths outside",
        "caffe train",
        "paths outside the folder",
    )


def _mxnet() -> Iterator[Unit]:
    """Source: nnvm/src/pass/saveload_json.cc; python/mxnet/operator.py."""

    def symbol(operator: str, **attributes: str) -> bytes:
        nodes = [
            {"op": "null", "name": "data", "inputs": []},
            {"op": operator, "name": "p", "attrs": attributes, "inputs": [[0, 0, 0]]},
        ]
        return json.dumps(
            {
                "nodes": nodes,
                "arg_nodes": [0],
                "node_row_ptr": [0, 1, 2],
                "heads": [[1, 0, 0]],
                "attrs": {"mxnet_version": ["int", 10900]},
            }
        ).encode()

    forms = {
        "custom": (symbol("Custom", op_type="planted"), "an operator that is written in Python"),
        "native": (symbol("_Native", info="0x41414141"), "an operator given as an address in memory"),
        "ndarray": (symbol("_NDArray", info="0x41414141"), "an operator given as an address in memory"),
        "foreign": (symbol("_contrib_planted"), "an operator of a library that must be loaded"),
    }
    for name, (data, threat) in forms.items():
        yield _code(f"mxnet/{name}-symbol.json", data, "mxnet", threat, "mxnet.symbol.load", threat)


def _xml() -> Iterator[Unit]:
    pmml = '<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary/>{body}</PMML>'
    files = {
        "xxe-file.pmml": (
            '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/planted">]>'
            + pmml.format(body="<Extension>&x;</Extension>"),
            "an entity reads a file",
        ),
        "xxe-network.pmml": (
            '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "http://127.0.0.1:9/planted">]>'
            + pmml.format(body="&x;"),
            "an entity fetches a URL",
        ),
        "xxe-parameter.pmml": (
            '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY % x SYSTEM "http://127.0.0.1:9/planted.dtd"> %x;]>'
            + pmml.format(body=""),
            "a parameter entity fetches a URL",
        ),
        "external-dtd.pmml": (
            '<?xml version="1.0"?><!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/planted.dtd">' + pmml.format(body=""),
            "the document type is fetched",
        ),
        "xinclude.pmml": (
            '<?xml version="1.0"?>'
            + pmml.format(
                body='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/planted" parse="text"/>'
            ),
            "an inclusion reads a file",
        ),
        "entity-in-attribute.pmml": (
            '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/planted">]><PMML version="&x;"/>',
            "an entity reads a file, within an attribute",
        ),
        "stylesheet.pmml": (
            '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/planted.xsl"?>'
            + pmml.format(body=""),
            "a style sheet is fetched",
        ),
        "xxe.xml": (
            '<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM '
            '"file:///etc/planted">]><net name="&x;" version="11"><layers/></net>',
            "an entity reads a file, in an OpenVINO graph",
        ),
    }
    for name, (text, threat) in files.items():
        make = _odd if name == "stylesheet.pmml" else _code
        yield make(f"xml/{name}", text.encode(), "xml", threat, "XML readers that resolve entities", threat)
    utf16 = files["xxe-file.pmml"][0].replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")
    yield _code(
        "xml/xxe-utf16.pmml",
        utf16,
        "xml",
        "an entity reads a file; the text is UTF-16",
        "XML readers that resolve entities",
        "an entity reads a file",
    )
    script = pmml.format(
        body='<Extension name="script" value="java.lang.Runtime.getRuntime().exec(&quot;echo '
        'planted&quot;)"/><DefineFunction name="p"><Apply function="lib:planted.Exec"/></DefineFunction>'
    )
    yield _odd(
        "xml/script.pmml",
        ('<?xml version="1.0"?>' + script).encode(),
        "xml",
        "an extension carries a script",
        "evaluators with Java functions",
        "script in an extension",
    )
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a0 "ha">{laughs}]>' + pmml.format(body="&a9;")
    yield Unit(
        "xml/billion-laughs.pmml",
        bomb.encode(),
        "resource",
        "xml",
        "entities that grow tenfold nine times",
        "XML readers",
        "entity expansion",
    )
    quadratic = f'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "{"x" * 50_000}">]>' + pmml.format(body="&a;" * 20_000)
    yield Unit(
        "xml/quadratic.pmml",
        quadratic.encode(),
        "resource",
        "xml",
        "one long entity twenty thousand times",
        "XML readers",
        "entity expansion",
    )
    nested = pmml.format(body="<a>" * 100_000 + "</a>" * 100_000)
    yield Unit(
        "xml/nesting.pmml", nested.encode(), "resource", "xml", "elements nested 100,000 deep", "XML readers", "nesting"
    )
    yield from _openvino()


def _openvino() -> Iterator[Unit]:
    """Source: OpenVINO IR v11."""

    def net(layer: str) -> bytes:
        parameter = (
            '<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>'
            '<output><port id="0" precision="FP32"><dim>1</dim><dim>4</dim></port></output></layer>'
        )
        return (
            f'<?xml version="1.0"?><net name="planted" version="11">'
            f"<layers>{parameter}{layer}</layers><edges/></net>".encode()
        )

    custom = {
        "extension-layer": '<layer id="1" name="p" type="Planted" version="extension"/>',
        "custom-opset": '<layer id="1" name="p" type="Run" version="planted_opset"/>',
        "python-layer": '<layer id="1" name="p" type="PythonOp" version="custom_opset"/>',
    }
    for name, layer in custom.items():
        yield _code(
            f"openvino/{name}.xml",
            net(layer),
            "openvino",
            "a layer of an extension library that must be loaded",
            "openvino.Core.add_extension",
            "layer outside the standard operator sets",
        )
    outside = (
        '<layer id="1" name="c" type="Const" version="opset1"><data '
        'element_type="f32" shape="4" offset="1099511627776" size="16"/></layer>'
    )
    yield Unit(
        "openvino/const-beyond",
        {"model.xml": net(outside), "model.bin": bytes(16)},
        "integrity",
        "openvino",
        "a constant beyond the weights' file",
        "openvino",
        "offset beyond the file",
    )


def _code(path: str, data: bytes, format_: str, threat: str, loader: str, expect: str) -> Unit:
    return Unit(path, data, "code", format_, threat, loader, expect)


def _odd(
    path: str, data: bytes, format_: str, threat: str, loader: str, expect: str, kind: Class = "integrity"
) -> Unit:
    return Unit(path, data, kind, format_, threat, loader, expect)

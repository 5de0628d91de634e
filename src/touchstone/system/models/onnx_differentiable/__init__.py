"""ONNX graphs as differentiable functions of PyTorch tensors.

The graph is read as data (:mod:`touchstone.system.models.onnx_graph`) and followed operator by operator. Nothing
here is believed because it was written carefully: before a gradient is used, the answers are compared with those of
ONNX Runtime on inputs from the legal range (:mod:`touchstone.system.models.onnx_differentiable.agreement`). A graph
that uses what is not followed has no gradients, and says why.

Source: the operators of ONNX (https://onnx.ai/onnx/operators/), versions 7 to 25 of the standard domain.
"""

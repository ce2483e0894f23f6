"""Writes a backbone as an ONNX file: `image` [N, 3, H, W] in, `features` [N, F] (of the last map and of one of stride 16) and maps at strides 8, 16, 32 out.

Usage: python -m pretraining.export FOLDER    every family with fresh weights, for pretraining/measure.ts
"""

import argparse
import io
import json
import warnings
from pathlib import Path

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from pretraining.networks import FAMILIES, STRIDES, Backbone, InvertedBlock, build

# Pixels are scaled to 0–1, then normalised per channel (RGB) by these.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class WithMiddle(Backbone):
    """A backbone whose features are its own and the means of its widest map of stride 16: on small sets a head gains by them
    (RESULTS.md). Shares the weights, and their names."""

    def __init__(self, network: Backbone):
        nn.Module.__init__(self)
        self.stem, self.stages, self.last = network.stem, network.stages, network.last
        first = self.stages[-1][0]
        self.expands = isinstance(first, InvertedBlock)
        self.features = network.features + (first.body[0][0].out_channels if self.expands else network.widths[1])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages[:-1]:
            x = stage(x)
            maps.append(x)
        first, *others = self.stages[-1]
        if self.expands:
            wide = first.body[0](x)
            x = first.body[1:](wide)
        else:
            wide, x = x, first(x)
        for block in others:
            x = block(x)
        features = torch.cat([self.last(x).mean((2, 3)), wide.mean((2, 3))], 1)
        return features, *maps[-2:], x


def to_onnx(network: Backbone, metadata: dict | None = None) -> onnx.ModelProto:
    """The network in float32, unfused: batch normalisations stay nodes of their own, so that it can be trained further."""
    network = WithMiddle(network)
    outputs = ["features", *(f"stride{s}" for s in STRIDES)]
    axes = {"image": {0: "N", 2: "H", 3: "W"}, "features": {0: "N"}}
    axes |= {name: {0: "N", 2: f"H{name[6:]}", 3: f"W{name[6:]}"} for name in outputs[1:]}
    network.cpu().float().eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(1, 3, 96, 96),), buffer, dynamo=False, opset_version=18, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=outputs, dynamic_axes=axes,
        )
    model = onnx.load_from_string(buffer.getvalue())
    helper.set_model_props(model, {"ocellus.backbone": json.dumps(metadata)} if metadata else {})
    onnx.checker.check_model(model, full_check=True)
    return model


def half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with kernels and matrices stored in half precision, each behind a Cast: computation stays in float32.
    Vectors (scales, statistics) are small and stay as they are. Throws ValueError when a weight is too large for it."""
    half = onnx.ModelProto.FromString(model.SerializeToString())
    casts = []
    for tensor in half.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        values = numpy_helper.to_array(tensor)
        if not numpy.isfinite(values.astype(numpy.float16)).all():
            raise ValueError(f"{tensor.name} does not fit half precision")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(numpy.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    onnx.checker.check_model(half, full_check=True)
    return half


def write(network: Backbone, folder: Path, name: str, metadata: dict | None = None) -> Path:
    """Writes NAME.onnx with weights in half precision, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(half_weights(to_onnx(network, metadata)), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for family in FAMILIES:
        torch.manual_seed(0)
        path = write(build(family), folder, family)
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

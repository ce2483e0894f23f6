"""Exports networks with random weights to ONNX, with PyTorch's loss and gradients on one batch.

Usage: python reference.py FOLDER          writes FOLDER/NAME.{onnx,json,bin} for each network
       python reference.py FOLDER --time   also times PyTorch's training step (forward, backward, AdamW)
Needs: torch, timm, onnx, onnxscript.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy
import timm
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from pretraining import networks  # noqa: E402

warnings.filterwarnings("ignore")
NETWORKS = {
    "resnet18": {},
    "resnet10t": {},
    "mobilenetv3_small_100": {},
    "efficientnet_b0": {},
    "tf_efficientnet_lite0": {},
    "regnety_002": {},
    "convnext_atto": {},
    "convnextv2_atto": {},
    "vit_tiny_patch16_224": {"img_size": 64},
    "deit_tiny_patch16_224": {"img_size": 64},
    "vit_small_patch14_dinov2": {"img_size": 56},
    # The backbone that ships.
    "ocellus_residual": {"img_size": 128},
}
CLASSES = 5


class Classifier(torch.nn.Module):
    """A network of pretraining/networks.py with a head."""

    def __init__(self, family: str):
        super().__init__()
        self.backbone = networks.build(family)
        self.head = torch.nn.Linear(self.backbone.features, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x)[0])


def build(name: str, options: dict) -> torch.nn.Module:
    torch.manual_seed(0)
    if name.startswith("ocellus_"):
        model = Classifier(name.removeprefix("ocellus_"))
    else:
        model = timm.create_model(name, num_classes=CLASSES, drop_rate=0.0, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def export(model: torch.nn.Module, x: torch.Tensor, path: Path, dynamo: bool) -> None:
    model.eval()
    if dynamo:
        torch.onnx.export(model, (x,), path, dynamo=True, opset_version=18, external_data=False, verbose=False,
                          dynamic_shapes=({0: torch.export.Dim("N", min=1)},))
        return
    torch.onnx.export(model, (x,), path, dynamo=False, opset_version=18, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE, input_names=["input"],
                      dynamic_axes={"input": {0: "N"}})


def reference(model: torch.nn.Module, x: torch.Tensor, labels: torch.Tensor) -> tuple[float, dict]:
    model.train()
    model.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(x), labels)
    loss.backward()
    return loss.item(), {k: p.grad.numpy() for k, p in model.named_parameters() if p.grad is not None}


def step_time(model: torch.nn.Module, size: int, batch: int) -> float:
    """Seconds of one training step, the best of several."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    x, labels = torch.randn(batch, 3, size, size), torch.randint(CLASSES, (batch,))
    best = float("inf")
    for _ in range(8):
        begun = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
        best = min(best, time.perf_counter() - begun)
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, options in NETWORKS.items():
        size, batch = options.get("img_size", 64), 8
        model = build(name, options)
        x, labels = torch.randn(batch, 3, size, size), torch.arange(batch) % CLASSES
        for exporter in ("script", "dynamo"):
            path = arguments.folder / f"{name}.{exporter}.onnx"
            try:
                export(model, x, path, exporter == "dynamo")
            except Exception as error:  # An exporter's limit, not ours: say so and go on.
                path.unlink(missing_ok=True)
                print(f"{name}: {exporter} export failed: {str(error).splitlines()[0]}")
        loss, gradients = reference(model, x, labels)
        tensors = {"input": x.numpy(), **gradients}
        index, offset = {}, 0
        for key, value in tensors.items():
            index[key] = {"shape": list(value.shape), "offset": offset}
            offset += value.size
        numpy.concatenate([value.ravel() for value in tensors.values()]).astype("<f4").tofile(
            arguments.folder / f"{name}.bin")
        seconds = step_time(build(name, options), size, 16) if arguments.time else None
        record = {"loss": loss, "labels": labels.tolist(), "tensors": index, "stepSeconds": seconds, "torch": torch.__version__,
                  "batchNorm": any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())}
        (arguments.folder / f"{name}.json").write_text(json.dumps(record))
        print(f"{name}: {sum(p.numel() for p in model.parameters())} weights", flush=True)


main()

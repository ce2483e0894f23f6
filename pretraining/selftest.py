"""Checks the recipe without data and without a GPU, in about a minute: python -m pretraining.selftest"""

import hashlib
import io
import json
import tempfile
from pathlib import Path

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from PIL import Image
from torch import Tensor

from pretraining import pack, probe, publish, train
from pretraining.augment import STD, mix, random_views, whole_views
from pretraining.data import load_pack
from pretraining.export import WithMiddle, half_weights, to_onnx
from pretraining.formula import KINDS, Formulas
from pretraining.losses import Heads, sinkhorn
from pretraining.networks import FAMILIES, build, weight_count

CPU = torch.device("cpu")
# What src/vision/graph can differentiate or lowers to something that it can.
OPERATORS = set("Concat Conv BatchNormalization LayerNormalization Relu HardSwish HardSigmoid Erf Mul Add Div ReduceMean Transpose "
                "MatMul Gemm Cast Identity Constant".split())


def pictures(count: int, side: int, seed: int) -> Tensor:
    """Smooth random pictures, bytes [count, 3, side, side]."""
    noise = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return (F.interpolate(noise, (side, side), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)


def encoded(picture: Tensor, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_pack(path: Path, names: list[str], side: int = 40) -> None:
    """A pack of 12 pictures per source in three classes; the last of every class is for testing."""
    images = pictures(12 * len(names), side, 1)
    jobs = [(encoded(image), i // 12, i % 3, i % 12 >= 9) for i, image in enumerate(images)]
    entries = [{"name": name, "labels": ["a", "b", "c"], "weight": 1.0} for name in names]
    pack.save(path, pack.pack(jobs, side, 80), entries, side)


def check_networks() -> None:
    for family in FAMILIES:
        network = build(family).eval()
        assert 3e6 < weight_count(network) < 6e6, family
        with torch.no_grad():
            features, *maps = network(torch.randn(2, 3, 96, 64))
        assert features.shape == (2, network.features)
        assert [m.shape[1:] for m in maps] == [(w, 96 // s, 64 // s) for w, s in zip(network.widths, (8, 16, 32))]
        model = to_onnx(network)
        used = {node.op_type for node in model.graph.node}
        assert used <= OPERATORS, f"{family} uses {used - OPERATORS}"
        assert [output.name for output in model.graph.output] == ["features", "stride8", "stride16", "stride32"]
        half = half_weights(model)
        assert len(half.SerializeToString()) < 12e6, family


def check_export() -> None:
    """The file computes what the network computes, at a size other than the exporter's."""
    network = build("residual").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
        x = torch.randn(2, 3, 64, 32)
        expected = WithMiddle(network)(x)
    for model, tolerance in ((to_onnx(network), 1e-4), (half_weights(to_onnx(network)), 2e-2)):
        onnx.checker.check_model(model)
        found = ReferenceEvaluator(model).run(None, {"image": x.numpy()})
        for a, b in zip(found, expected):
            assert numpy.abs(a - b.numpy()).max() < tolerance * b.abs().max().item()


def check_losses() -> None:
    heads = Heads(8, torch.tensor([0, 0, 1, 1, 1]))
    logits, target = torch.randn(4, 5), torch.tensor([0, 1, 2, 4])
    expected = torch.cat([
        F.cross_entropy(logits[:2, :2], target[:2], label_smoothing=0.1, reduction="none"),
        F.cross_entropy(logits[2:, 2:], target[2:] - 2, label_smoothing=0.1, reduction="none"),
    ])
    assert torch.allclose(heads.loss(logits, target, 0.1), expected, atol=1e-5)
    assert torch.allclose(sinkhorn(torch.randn(64, 16) * 0.1).sum(1), torch.ones(64), atol=1e-4)


def check_views() -> None:
    generator = torch.Generator().manual_seed(0)
    images = pictures(32, 40, 2)
    views = random_views(images, 64, generator)
    assert views.shape == (32, 3, 64, 64) and views.isfinite().all()
    mixed, partner, own = mix(views, 1.0, generator)
    assert ((own >= 0) & (own <= 1)).all() and own.std() > 0.1
    flat = torch.stack([torch.full((3, 64, 64), float(i)) for i in range(32)])
    mixed, partner, own = mix(flat, 1.0, generator)
    assert torch.allclose(mixed.mean((1, 2, 3)), own * flat[:, 0, 0, 0] + (1 - own) * flat[partner, 0, 0, 0], atol=1e-3)
    assert torch.allclose(whole_views(images, 40).std((0, 2, 3)) * torch.tensor(STD), (images / 255).std((0, 2, 3)), atol=1e-3)


def check_formulas() -> None:
    labels = torch.arange(16)
    for kind in KINDS:
        first, again = (Formulas(16, 48, CPU).make(kind, labels, torch.Generator().manual_seed(3)) for _ in range(2))
        assert torch.equal(first, again), kind
        assert (first.float().std((2, 3)).amax(1) > 2).float().mean() > 0.8, f"{kind} are empty"


def check_repeats() -> None:
    """Pictures that were scaled, encoded again or mirrored are found; others are not."""
    images = pictures(8, 96, 5)
    measured = pack.pack([(encoded(image), 0, 0, False) for image in images[:4]], 32, 70)
    smaller = F.interpolate(images.float(), (64, 72)).to(torch.uint8)
    jobs = [(encoded(picture, 60), 0, 0, False) for picture in (smaller[0], images[1].flip(2), smaller[5], images[6])]
    assert [(a, b) for a, b, _ in pack.repeats(pack.pack(jobs, 32, 70), measured)] == [(0, 0), (1, 1)]


def check_training(folder: Path) -> None:
    write_pack(folder / "pretrain.npz", ["caltech101", "fruits360", "sports100"])
    write_pack(folder / "benchmark.npz", ["clothing", "flowers"])
    assert load_pack(folder / "pretrain.npz", {"sports100"}).source.tolist() == [0] * 12
    small = ["--packs", str(folder), "--batch", "16", "--sizes", "32", "--turns", "", "--formula-images", "64", "--formula-classes", "8"]
    out = ["--out", str(folder / "run"), "--save-minutes", "0.001"]
    agreement = ["--agreement", "0.5"]
    first = train.main([*small, *out, *agreement, "--minutes", "1", "--stop-minutes", "0.01", "--variant", "strict"])
    assert "sports100" not in first.pool.names and 0 < first.progress() < 1
    second = train.main([*small, *out, *agreement, "--minutes", str(first.spent / 60 + 0.01), "--variant", "strict"])
    assert second.step > first.step and second.progress() == 1
    card = json.loads((folder / "run" / "run.json").read_text())
    assert [s["name"] for s in card["sources"]] == ["caltech101", "fruits360", *KINDS]
    onnx.checker.check_model(onnx.load(folder / "run" / "run.onnx"))
    again = ["--initial", str(folder / "run" / "weights.pt"), "--out", str(folder / "formula")]
    train.main([*small, *again, "--minutes", "0.01", "--variant", "formula"])
    rows = probe.main(["--weights", str(folder / "run" / "weights.pt"), "--packs", str(folder), "--out", str(folder / "results.jsonl"),
                       "--sets", "clothing", "--tasks", "linear,few,tune", "--size", "32", "--epochs", "2", "--seeds", "1"])
    assert [row["task"] for row in rows] == ["linear", "few", "tune"]
    target = folder / "models"
    publish.main([str(folder / "run"), "--as", "tiny-v1", "--input-size", "64", "--results", str(folder / "results.jsonl"),
                  "--folder", str(target)])
    added = json.loads((target / "added.json").read_text())
    assert added["checksum"] == hashlib.sha256((target / "backbone.onnx").read_bytes()).hexdigest()
    assert json.loads((target / "backbone.json").read_text()).items() >= {"name": "tiny-v1", "inputSize": 64}.items()
    assert [figure["task"] for figure in json.loads((target / "card.json").read_text())["figures"]] == ["linear", "few", "tune"]
    assert f"| clothing | tune | 32 | {rows[2]['mean']:.3f} |" in (target / "README.md").read_text()


def main() -> None:
    torch.set_num_threads(2)
    for check in (check_losses, check_views, check_formulas, check_repeats, check_networks, check_export):
        check()
        print(f"{check.__name__}: well", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        check_training(Path(folder))
    print("check_training: well")


if __name__ == "__main__":
    main()

"""What people use instead, on the same images and the same backbone. Called by run.ts.

Usage: python peers.py ORDER.json      prints {"scores": [[0-1 per label] per test image], "seconds", "about"}

sklearn-logistic  logistic regression on features that Ocellus computed; C by cross-validation over the images
pytorch-tune      the backbone fine-tuned in PyTorch: AdamW, cosine with warm-up, crops and mirror images, label
                  smoothing, moving average of the weights
pytorch-scratch   the same network from fresh weights, for as many seconds as Ocellus took
A name with -bf16 at its end computes in bfloat16 where the processor has instructions for it.
"""

import copy
import json
import math
import sys
import time
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).parents[2]))

# sklearn-logistic
STRENGTHS = tuple(10.0**e for e in range(-5, 1))
FOLDS = 5

# PyTorch
BATCH = 32
# Smaller sets are shown as often as one of so many pictures.
FEWEST = 200
RATE = {"tune": 5e-4, "scratch": 2e-3}
HEAD_FACTOR = 4
WEIGHT_DECAY = 0.05
WARMUP = 0.1
SMOOTHING = 0.1
# Share of a picture's area that a crop has at least.
CROP = {"tune": 0.4, "scratch": 0.5}
AVERAGE = 0.99
# Pictures are kept larger than views, which are cut from them, as Ocellus keeps them.
MARGIN = 2**0.5


def targets(pictures: list[dict], labels: int) -> numpy.ndarray:
    """[images, labels] of 0 and 1."""
    rows = numpy.zeros((len(pictures), labels), numpy.float32)
    for row, picture in zip(rows, pictures):
        row[picture["labels"]] = 1
    return rows


def sklearn_logistic(order: dict) -> tuple[numpy.ndarray, dict]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    given, exclusive = order["features"], order["exclusive"]
    x, test_x = (numpy.fromfile(given[each], numpy.float32).reshape(-1, given["width"]) for each in ("training", "testing"))
    truth = targets(order["training"], len(order["labels"]))
    rows = numpy.repeat(truth, given["views"], 0)
    y = rows.argmax(1) if exclusive else rows
    groups = numpy.repeat(numpy.arange(len(truth)), given["views"])

    def fit(strength: float, chosen: numpy.ndarray):
        model = LogisticRegression(C=strength, max_iter=1000)
        model = make_pipeline(StandardScaler(), model if exclusive else OneVsRestClassifier(model))
        return model.fit(x[chosen], y[chosen])

    folds = min(FOLDS, int(truth.sum(0).min()))
    if exclusive:
        splits = list(StratifiedGroupKFold(folds, shuffle=True, random_state=order["seed"]).split(x, y, groups))
    else:
        splits = list(GroupKFold(folds, shuffle=True, random_state=order["seed"]).split(x, y, groups))

    def loss(strength: float) -> float:
        found = 0.0
        for a, b in splits:
            scores = fit(strength, a).predict_proba(x[b])
            if exclusive:
                found += log_loss(y[b], scores, labels=range(truth.shape[1])) / folds
            else:
                found += sum(log_loss(y[b][:, c], scores[:, c], labels=(0, 1)) for c in range(truth.shape[1])) / folds
        return found

    strength = min(STRENGTHS, key=loss)
    return fit(strength, numpy.arange(len(x))).predict_proba(test_x), {"C": strength}


def decode(pictures: list[dict], side: int):
    """Pictures squeezed to squares, as Ocellus does it: bytes [N, 3, side, side]."""
    import torch
    from PIL import Image

    images = torch.empty((len(pictures), 3, side, side), dtype=torch.uint8)
    for row, picture in zip(images, pictures):
        image = Image.open(picture["file"]).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        row.copy_(torch.from_numpy(numpy.array(image)).permute(2, 0, 1))
    return images


def read_weights(network, path: str) -> None:
    """Takes the weights from the ONNX file, which keeps PyTorch's names. Throws RuntimeError unless all are there."""
    import onnx
    import torch
    from onnx import numpy_helper

    found = {tensor.name.removesuffix(".half"): torch.from_numpy(numpy_helper.to_array(tensor).astype(numpy.float32))
             for tensor in onnx.load(path).graph.initializer}
    own = network.state_dict()
    wanted = {key: found[key] if key in found else value for key, value in own.items()}
    missing = [key for key in own if key not in found and not key.endswith("num_batches_tracked")]
    if missing:
        raise RuntimeError(f"{path} lacks {missing}")
    network.load_state_dict(wanted)


def pytorch(order: dict, kind: str, half: bool, begun: float) -> tuple[numpy.ndarray, dict]:
    import torch
    import torch.nn.functional as F
    from pretraining.networks import build
    from torch import nn
    from torchvision.transforms import v2

    torch.manual_seed(order["seed"])
    description, exclusive, classes = order["description"], order["exclusive"], len(order["labels"])
    side = description["inputSize"]
    images = decode(order["training"], round(side * MARGIN))
    truth = torch.from_numpy(targets(order["training"], classes))
    backbone = build(order["family"])
    if kind == "tune":
        read_weights(backbone, order["backbone"])
    network = nn.Sequential(backbone, nn.Linear(backbone.features, classes)).to(memory_format=torch.channels_last)
    nn.init.zeros_(network[1].weight)
    nn.init.zeros_(network[1].bias)
    average = copy.deepcopy(network)
    mean, std = (torch.tensor(description[each]).view(3, 1, 1) for each in ("mean", "std"))
    crop = v2.Compose([v2.RandomResizedCrop(side, scale=(CROP[kind], 1), antialias=True), v2.RandomHorizontalFlip()])

    def logits(of, views):
        views = ((views.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return of[1](of[0](views)[0]).float()

    rate = RATE[kind]
    optimizer = torch.optim.AdamW(
        [{"params": backbone.parameters(), "lr": rate},
         {"params": network[1].parameters(), "lr": rate * (HEAD_FACTOR if kind == "tune" else 1)}],
        weight_decay=WEIGHT_DECAY)
    highest = [group["lr"] for group in optimizer.param_groups]
    batch = min(BATCH, len(images))
    steps = math.ceil(order["epochs"] * max(len(images), FEWEST) / batch)
    step, seen = 0, torch.empty(0, dtype=torch.long)
    training_begun = time.perf_counter()

    def progress() -> float:
        if kind == "tune":
            return step / steps
        return (time.perf_counter() - training_begun) / (order["seconds"] - (training_begun - begun))

    network.train()
    while (done := progress()) < 1:
        factor = min(1, (done + 1e-3) / WARMUP) if done < WARMUP else 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))
        for group, value in zip(optimizer.param_groups, highest):
            group["lr"] = value * factor
        if len(seen) < batch:
            seen = torch.randperm(len(images))
        chosen, seen = seen[:batch], seen[batch:]
        found = logits(network, torch.stack([crop(image) for image in images[chosen]]))
        if exclusive:
            loss = F.cross_entropy(found, truth[chosen], label_smoothing=SMOOTHING)
        else:
            loss = F.binary_cross_entropy_with_logits(found, truth[chosen] * (1 - SMOOTHING) + SMOOTHING / 2)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        keep = min(AVERAGE, (1 + step) / (10 + step))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), network.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
        step += 1
    seconds = time.perf_counter() - begun
    average.eval()
    resize = v2.Resize((side, side), antialias=True)
    with torch.no_grad():
        parts = [logits(average, resize(part)) for part in decode(order["testing"], round(side * MARGIN)).split(64)]
    scores = torch.cat(parts).softmax(1) if exclusive else torch.cat(parts).sigmoid()
    return scores.numpy(), {"views": step * batch, "half": half, "seconds": seconds}


def main() -> None:
    begun = time.perf_counter()
    order = json.loads(Path(sys.argv[1]).read_text())
    name = order["contender"].removesuffix("-bf16")
    half = name != order["contender"]
    if name == "sklearn-logistic":
        scores, about = sklearn_logistic(order)
    elif name in ("pytorch-tune", "pytorch-scratch"):
        scores, about = pytorch(order, name.removeprefix("pytorch-"), half, begun)
    else:
        raise SystemExit(f"unknown contender {name}")
    seconds = about.pop("seconds", time.perf_counter() - begun)
    print(json.dumps({"scores": scores.astype(float).tolist(), "seconds": seconds, "about": about}))


if __name__ == "__main__":
    main()

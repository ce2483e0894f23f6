"""Measures a backbone on the six classification sets: macro-F1 on their test images.

Usage: python -m pretraining.probe --weights pretraining/runs/NAME/weights.pt [--tasks linear,few,tune] [--seeds 3]
       python -m pretraining.probe --family residual      fresh weights, for comparison

linear: logistic regression on the pooled features of the whole images and their mirror images, regularised as
cross-validation on the training images says. few: the same on 10 images per class, five draws. tune: the whole network
is trained further, for a fixed number of epochs. Appends to results.jsonl and prints rows for RESULTS.md.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from pretraining.augment import Strength, mix, random_views, whole_views
from pretraining.data import Pack, load_pack
from pretraining.export import WithMiddle
from pretraining.networks import FAMILIES, Backbone, build
from pretraining.sources import BENCHMARKS

REGULARISATION = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FEW_SETS = ("clothing", "flowers", "plant-disease")
FEW = 10
DRAWS = 5


def load_backbone(weights: Path | None, family: str, seed: int = 0) -> Backbone:
    """A backbone with the weights of a run's weights.pt, or with fresh ones."""
    torch.manual_seed(seed)
    if weights is None:
        return build(family)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    backbone = build(state["family"])
    prefix = "backbone."
    backbone.load_state_dict({key[len(prefix) :]: value.float() for key, value in state["networks"].items() if key.startswith(prefix)})
    return backbone


@torch.no_grad()
def features(backbone: Backbone, images: Tensor, size: int) -> numpy.ndarray:
    """Pooled features [2, N, F] of the images and their mirror images."""
    device = next(backbone.parameters()).device
    backbone.eval()
    rows = []
    for part in images.split(64):
        views = whole_views(part.to(device), size)
        both = torch.cat([views, views.flip(3)]).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            pooled, *_ = backbone(both)
        rows.append(pooled.float().view(2, len(part), -1).cpu())
    return torch.cat(rows, 1).numpy()


def classifier(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=300, tol=1e-3)


def fit(x: numpy.ndarray, y: numpy.ndarray, strength: float):
    """Logistic regression on features [2, N, F] and labels [N]."""
    scaler = StandardScaler().fit(x.reshape(-1, x.shape[2]))
    flat = scaler.transform(x.reshape(-1, x.shape[2]))
    model = classifier(strength).fit(flat, numpy.concatenate([y, y]))
    return lambda z: model.classes_[sum(model.predict_proba(scaler.transform(each)) for each in z).argmax(1)]


def linear(x: numpy.ndarray, y: numpy.ndarray, folds: int = 3):
    """The same with the regularisation that cross-validation chooses."""
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(x[0], y))
    def score(strength: float) -> float:
        return sum((fit(x[:, a], y[a], strength)(x[:, b]) == y[b]).mean() for a, b in splits)
    return fit(x, y, max(REGULARISATION, key=score))


def macro_f1(truth: numpy.ndarray, predicted: numpy.ndarray) -> float:
    return float(f1_score(truth, predicted, average="macro"))


def few_shot(x: numpy.ndarray, y: numpy.ndarray, test_x: numpy.ndarray, test_y: numpy.ndarray) -> list[float]:
    scores = []
    for draw in range(DRAWS):
        order = numpy.random.default_rng(draw).permutation(len(y))
        chosen = numpy.concatenate([order[y[order] == label][:FEW] for label in numpy.unique(y)])
        scores.append(macro_f1(test_y, linear(x[:, chosen], y[chosen])(test_x)))
    return scores


def tune(backbone: Backbone, pack: Pack, size: int, epochs: int, rate: float, seed: int, device: torch.device) -> float:
    """Trains a copy of the whole network and a fresh linear layer; macro-F1 on the test images."""
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    images, labels = pack.images[~pack.test].to(device), pack.label[~pack.test].to(device)
    classes, batch = int(pack.label.max()) + 1, min(32, len(labels))
    network = copy.deepcopy(backbone).to(device, memory_format=torch.channels_last)
    head = nn.Linear(backbone.features, classes).to(device)
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.AdamW([{"params": network.parameters(), "lr": rate}, {"params": head.parameters(), "lr": 4 * rate}],
                                  weight_decay=0.05, fused=True)
    steps = epochs * (len(labels) // batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / (0.1 * steps)) * 0.5 * (1 + math.cos(math.pi * step / steps)))
    strength = Strength(area=(0.4, 1.0))
    half = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    order = torch.empty(0, dtype=torch.long, device=device)
    network.train()
    for _ in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(labels), device=device, generator=generator)
        chosen, order = order[:batch], order[batch:]
        views = random_views(images[chosen], size, generator, strength)
        views, partner, own = mix(views, 0.3, generator)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = head(network(views.contiguous(memory_format=torch.channels_last))[0]).float()
        y = labels[chosen]
        parts = [F.cross_entropy(logits, target, label_smoothing=0.1, reduction="none") for target in (y, y[partner])]
        (own * parts[0] + (1 - own) * parts[1]).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    found = torch.from_numpy(features(network, pack.images[pack.test], size)).to(device)
    with torch.no_grad():
        predicted = sum(F.log_softmax(head(each), 1) for each in found).argmax(1)
    return macro_f1(pack.label[pack.test].numpy(), predicted.cpu().numpy())


def measure(backbone: Backbone, pack: Pack, name: str, options: argparse.Namespace, device: torch.device):
    """Yields one record per task."""
    backbone.to(device)
    y, test_y = pack.label[~pack.test].numpy(), pack.label[pack.test].numpy()
    tasks = [task for task in options.tasks.split(",") if task != "few" or name in FEW_SETS]
    if "linear" in tasks or "few" in tasks:
        x, test_x = (features(WithMiddle(backbone), pack.images[chosen], options.size) for chosen in (~pack.test, pack.test))
    for task in tasks:
        begun = time.perf_counter()
        if task == "linear":
            scores = [macro_f1(test_y, linear(x, y)(test_x))]
        elif task == "few":
            scores = few_shot(x, y, test_x, test_y)
        else:
            rate = options.rate or (5e-4 if options.weights else 2e-3)
            scores = [tune(backbone, pack, options.size, options.epochs, rate, seed, device) for seed in range(options.seeds)]
        yield {"task": task, "set": name, "mean": round(float(numpy.mean(scores)), 4),
               "scores": [round(score, 4) for score in scores], "seconds": round(time.perf_counter() - begun, 1)}


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--family", choices=list(FAMILIES), default="residual")
    parser.add_argument("--name", help="of the row; else that of the weights' folder")
    parser.add_argument("--packs", type=Path, default=Path("pretraining/packs"))
    parser.add_argument("--out", type=Path, default=Path("pretraining/runs/results.jsonl"))
    parser.add_argument("--sets", default=",".join(BENCHMARKS))
    parser.add_argument("--tasks", default="linear,few")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, help="of fine-tuning; else 5e-4, or 2e-3 from fresh weights")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = load_backbone(options.weights, options.family)
    name = options.name or (options.weights.parent.name if options.weights else f"{options.family}, fresh weights")
    records = []
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for each in options.sets.split(","):
        for record in measure(backbone, load_pack(options.packs / "benchmark.npz", {each}), each, options, device):
            records.append({"name": name, "size": options.size, **record})
            with open(options.out, "a") as file:
                file.write(json.dumps(records[-1]) + "\n")
            print(json.dumps(records[-1]), flush=True)
    for task in options.tasks.split(","):
        cells = [f"{record['mean']:.3f}" for record in records if record["task"] == task]
        print(f"| {name} | {task} {options.size} px | {' | '.join(cells)} |", flush=True)
    return records


if __name__ == "__main__":
    main()

"""A peer of the detector: torchvision's FCOS with a feature pyramid on the same backbone, AdamW, cosine with warm-up,
mirror images, several sizes, for as many seconds as Ocellus took. Called by peers.ts.

Usage: python torchvision-fcos.py ORDER.json      prints {"seconds", "about", "detections": [[[label, score, left, top, width,
                                                  height], ...] per test image]}, boxes as shares of the image
"""

import json
import math
import random
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.transforms.functional import hflip, pil_to_tensor

sys.path.insert(0, str(Path(__file__).parents[2]))
from pretraining.export import MEAN, STD
from pretraining.networks import build
from pretraining.train import onnx_weights

BATCH = 4
RATE = 5e-4
BACKBONE_FACTOR = 0.3
WEIGHT_DECAY = 0.05
WARMUP = 0.05
# Longer sides of the training images, as shares of that of prediction.
SIZES = (0.6, 0.75, 0.9, 1.0, 1.1)
# Channels of pyramid and head, as Ocellus has them, and the head's convolutions: with FCOS's own (256 and 4) a step takes so long
# on two cores that nothing small is found in the time given.
WIDTH = 64
CONVOLUTIONS = 2


class Pyramid(nn.Module):
    """The backbone's three maps, merged."""

    def __init__(self, order: dict):
        super().__init__()
        self.backbone = build(order["family"])
        weights = onnx_weights(Path(order["backbone"]))
        own = self.backbone.state_dict()
        self.backbone.load_state_dict({name: weights.get(f"backbone.{name}", value).float() for name, value in own.items()})
        self.pyramid = FeaturePyramidNetwork(self.backbone.widths, WIDTH)
        self.out_channels = WIDTH

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.pyramid({str(level): each for level, each in enumerate(self.backbone.maps(x))})


def load(picture: dict) -> tuple[Tensor, dict]:
    """An image, bytes [3, h, w], with its boxes in pixels."""
    image = pil_to_tensor(Image.open(picture["file"]).convert("RGB"))
    height, width = image.shape[1:]
    sides = [[b["left"] * width, b["top"] * height, (b["left"] + b["width"]) * width, (b["top"] + b["height"]) * height]
             for b in picture["boxes"]]
    return image, {"boxes": torch.tensor(sides).reshape(-1, 4), "labels": torch.tensor([b["label"] for b in picture["boxes"]]).long()}


def mirrored(image: Tensor, target: dict) -> tuple[Tensor, dict]:
    x0, y0, x1, y1 = target["boxes"].unbind(1)
    width = image.shape[2]
    return hflip(image), {**target, "boxes": torch.stack([width - x1, y0, width - x0, y1], 1)}


def train(model: FCOS, order: dict, begun: float) -> int:
    """Trains until the time is up; returns the number of images shown."""
    pictures = [load(picture) for picture in order["training"]]
    backbone = [p for name, p in model.named_parameters() if name.startswith("backbone.backbone.")]
    taken = {id(p) for p in backbone}
    rest = [p for p in model.parameters() if id(p) not in taken]
    groups = [{"params": rest, "share": 1.0}, {"params": backbone, "share": BACKBONE_FACTOR}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=WEIGHT_DECAY)
    model.train()
    steps, waiting = 0, []
    while (progress := (time.perf_counter() - begun) / order["seconds"]) < 1:
        if len(waiting) < BATCH:
            waiting += random.sample(pictures, len(pictures))
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        batch = [mirrored(*each) if random.random() < 0.5 else each for each in batch]
        model.transform.min_size = (round(random.choice(SIZES) * order["side"]),)
        losses = model([image.float() / 255 for image, _ in batch], [target for _, target in batch])
        optimizer.zero_grad()
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        schedule = progress / WARMUP if progress < WARMUP else 0.5 * (1 + math.cos(math.pi * progress))
        for group in optimizer.param_groups:
            group["lr"] = RATE * schedule * group["share"]
        optimizer.step()
        steps += 1
    return steps * BATCH


@torch.no_grad()
def detect(model: FCOS, order: dict) -> list[list[list[float]]]:
    model.eval()
    model.transform.min_size = (order["side"],)
    found = []
    for picture in order["testing"]:
        image, _ = load(picture)
        height, width = image.shape[1:]
        result = model([image.float() / 255])[0]
        rows = zip(result["labels"].tolist(), result["scores"].tolist(), result["boxes"].tolist())
        found.append([[label, score, x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]
                      for label, score, (x0, y0, x1, y1) in rows])
    return found


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text())
    random.seed(order["seed"])
    torch.manual_seed(order["seed"])
    begun = time.perf_counter()
    anchors = AnchorGenerator(sizes=((8,), (16,), (32,)), aspect_ratios=((1.0,),) * 3)
    head = FCOSHead(WIDTH, 1, len(order["labels"]), CONVOLUTIONS)
    model = FCOS(Pyramid(order), len(order["labels"]), anchor_generator=anchors, head=head, image_mean=MEAN, image_std=STD,
                 min_size=order["side"], max_size=round(1.5 * order["side"]), score_thresh=0.01)
    shown = train(model, order, begun)
    seconds = time.perf_counter() - begun
    about = f"torchvision FCOS, {shown} images shown"
    print(json.dumps({"seconds": seconds, "about": about, "detections": detect(model, order)}))


if __name__ == "__main__":
    main()

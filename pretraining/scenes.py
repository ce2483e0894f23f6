"""Scenes pasted together from cut-out objects, whose boxes are known: what the detector's pyramid and head first learn from.

Usage: python -m pretraining.scenes FOLDER [--count 3000] [--size 256]
"""

import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pretraining.augment import Random, Strength, colours, crops, sharpness
from pretraining.data import Pool, load_pack
from pretraining.formula import Formulas

# Objects in a scene at most.
OBJECTS = 8
# Half an object's size at the least and at the most, as shares of the scene's.
SMALLEST, LARGEST = 0.04, 0.35
# Formula images tell so many labels apart.
SHAPES = 32
# Photographs cut out on white: their ground can be made transparent.
CUT_OUTS = "fruits360"


class Scenes:
    """Objects with transparency [M, 4, side, side], the boxes of what is opaque [M, 4] (centre, half size; −1 to 1), and
    labels [M]: shapes of each kind, then the cut-out photographs' own."""

    def __init__(self, pool: Pool, generator: torch.Generator, each: int = 512):
        self.pool, self.side, self.device = pool, pool.side, pool.device
        formulas = Formulas(SHAPES, pool.side, pool.device)
        kinds = ("contours", "fractals")
        self.names = [f"{kind} {i}" for kind in kinds for i in range(SHAPES)]
        parts, classes = [], []
        for shapes in (torch.arange(each, device=pool.device) % SHAPES).split(64):
            for number, kind in enumerate(kinds):
                cover = getattr(formulas, kind)(shapes, generator)[:, None]
                parts.append(torch.cat([formulas.paint(shapes, generator), cover], 1))
                classes.append(shapes + number * SHAPES)
        if CUT_OUTS in pool.names:
            source = pool.names.index(CUT_OUTS)
            first, count = pool.first_image_of[source], int(pool.sizes[source])
            index = first + torch.randint(count, (2 * each,), device=pool.device, generator=generator)
            own = pool.all_labels[index] - sum(pool.classes[:source])
            classes.append(own + len(self.names))
            self.names += [f"{CUT_OUTS} {i}" for i in range(pool.classes[source])]
            images = pool.all_images[index].float() / 255
            white = F.avg_pool2d(images.amin(1, keepdim=True), 3, 1, 1)
            parts.append(torch.cat([images, ((0.96 - white) * 12).clamp(0, 1)], 1))
        objects = torch.cat(parts)
        boxes, seen = opaque_boxes(objects[:, 3])
        self.objects, self.boxes, self.labels = objects[seen], boxes[seen], torch.cat(classes)[seen]

    def make(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Scenes [count, 3, size, size], 0–1, and their boxes [count, OBJECTS, 6]: x0, y0, x1, y1 in pixels, 1 where the
        object is there and mostly visible, and its label."""
        random = Random(count, self.device, generator)
        images, _ = self.pool.draw(count, generator)
        grid = F.affine_grid(crops(random, Strength(area=(0.3, 1.0))), [count, 3, size, size], align_corners=False)
        scene = F.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)
        # A flatter ground: objects of the photograph itself have no boxes.
        ground = F.interpolate(F.adaptive_avg_pool2d(scene, 6), (size, size), mode="bilinear")
        scene = torch.where((random.uniform() < 0.7)[:, None, None, None], 0.75 * ground + 0.25 * scene, scene)
        there = random.uniform(1, OBJECTS + 1).long()
        boxes, covers = [], []
        for number in range(OBJECTS):
            pasted, cover, box, label = self.paste(random, size, generator)
            cover = cover * (number < there).float()[:, None, None, None]
            scene = scene * (1 - cover) + pasted * cover
            covers = [earlier * (1 - cover) for earlier in covers] + [cover]
            boxes.append((box, cover.sum((1, 2, 3)), label))
        rows = []
        for (box, full, label), cover in zip(boxes, covers):
            visible = (cover.sum((1, 2, 3)) > 0.4 * full) & (full > 4)
            rows.append(torch.cat([box, visible[:, None].float(), label[:, None].float()], 1))
        strength = Strength()
        return sharpness(colours(scene, random, strength), random, strength).clamp(0, 1), torch.stack(rows, 1)

    def paste(self, random: Random, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One object per scene, on the scene's canvas: colours, coverage, its box in pixels [count, 4], its label [count]."""
        index = torch.randint(len(self.objects), (random.batch,), device=self.device, generator=generator)
        box = self.boxes[index]
        half = SMALLEST * torch.exp(random.uniform() * math.log(LARGEST / SMALLEST))
        stretch = torch.exp(random.uniform(-0.25, 0.25))
        aspect = (box[:, 2] / box[:, 3]).sqrt()
        w, h = (half * stretch * aspect).clamp(SMALLEST / 2, 0.6), (half / stretch / aspect).clamp(SMALLEST / 2, 0.6)
        x, y = random.uniform(-1, 1) * (1 - w), random.uniform(-1, 1) * (1 - h)
        mirror = 1 - 2 * random.chosen(0.5)
        zero = torch.zeros_like(w)
        scale_x, scale_y = box[:, 2] / w * mirror, box[:, 3] / h
        rows = [torch.stack([scale_x, zero, box[:, 0] - x * scale_x], 1), torch.stack([zero, scale_y, box[:, 1] - y * scale_y], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [random.batch, 4, size, size], align_corners=False)
        pasted = F.grid_sample(self.objects[index], grid, align_corners=False)
        sides = torch.stack([x - w, y - h, x + w, y + h], 1)
        return pasted[:, :3], pasted[:, 3:], (sides + 1) / 2 * size, self.labels[index]


def opaque_boxes(cover: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (centre, half size; −1 to 1) of what covers more than 0.3, and which objects have one of some size."""
    side = cover.shape[-1]
    opaque = cover > 0.3
    places = torch.arange(side, device=cover.device)
    ends = []
    for axis in (1, 2):
        line = opaque.any(axis)
        first = torch.where(line, places, side).amin(1)
        last = torch.where(line, places + 1, 0).amax(1)
        ends.append((first / side * 2 - 1, last / side * 2 - 1))
    (x0, x1), (y0, y1) = ends
    seen = (x1 - x0 > 0.2) & (y1 - y0 > 0.2)
    return torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2], 1), seen


def write_scenes(packs: Path, folder: Path, count: int, size: int, seed: int) -> None:
    """Writes scenes as JPEG files, and scenes.json: `labels`, and `images` with `file` and `boxes` (`label`, and `left`,
    `top`, `width`, `height` as shares of the picture)."""
    device = torch.device("cpu")
    generator = torch.Generator().manual_seed(seed)
    pool = Pool(device)
    pack = load_pack(packs / "pretrain.npz")
    pool.side = pack.images.shape[-1]
    pool.add_pack(pack)
    pool.finish()
    scenes = Scenes(pool, generator)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for first in range(0, count, 32):
        pictures, boxes = scenes.make(min(32, count - first), size, generator)
        for i, (picture, found) in enumerate(zip(pictures, boxes), first):
            file = f"{i:05}.jpg"
            data = (picture * 255).to(torch.uint8).permute(1, 2, 0).numpy()
            Image.fromarray(data).save(folder / file, quality=92)
            lines.append({"file": file, "boxes": [to_line(box, size) for box in found.tolist() if box[4] > 0]})
    (folder / "scenes.json").write_text(json.dumps({"labels": scenes.names, "images": lines}))


def to_line(box: list[float], size: int) -> dict:
    left, top, right, bottom, _, label = box
    sides = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return {"label": int(label), **{name: round(value / size, 5) for name, value in sides.items()}}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packs", type=Path, default=Path("pretraining/packs"))
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    write_scenes(options.packs, options.folder, options.count, options.size, options.seed)


if __name__ == "__main__":
    main()

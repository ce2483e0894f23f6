"""Scenes pasted together from cut-out objects, whose boxes are known, and a dense head that finds them.

The head is a feature pyramid (Lin et al. 2017) with one anchor-free output per cell (FCOS, Tian et al. 2019): whether an
object's centre is near, and the distances to its four sides. It knows no classes: a detector adds its own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretraining.augment import Random, Strength, colours, crops, normalise, sharpness
from pretraining.data import Pool
from pretraining.formula import Formulas
from pretraining.networks import STRIDES, conv_norm

OBJECTS = 5
# Photographs cut out on white: their ground can be made transparent.
CUT_OUTS = "fruits360"


class Scenes:
    """Objects with transparency [M, 4, side, side] and the boxes of what is opaque [M, 4] (centre, half size; −1 to 1)."""

    def __init__(self, pool: Pool, generator: torch.Generator, each: int = 512):
        self.pool, self.side, self.device = pool, pool.side, pool.device
        formulas = Formulas(each, pool.side, pool.device)
        parts = []
        for labels in torch.arange(each, device=pool.device).split(64):
            for kind in ("contours", "fractals"):
                cover = getattr(formulas, kind)(labels, generator)[:, None]
                parts.append(torch.cat([formulas.paint(labels, generator), cover], 1))
        if CUT_OUTS in pool.names:
            source = pool.names.index(CUT_OUTS)
            first, count = pool.first_image_of[source], int(pool.sizes[source])
            index = first + torch.randint(count, (2 * each,), device=pool.device, generator=generator)
            images = pool.all_images[index].float() / 255
            white = F.avg_pool2d(images.amin(1, keepdim=True), 3, 1, 1)
            parts.append(torch.cat([images, ((0.96 - white) * 12).clamp(0, 1)], 1))
        objects = torch.cat(parts)
        boxes, seen = opaque_boxes(objects[:, 3])
        self.objects, self.boxes = objects[seen], boxes[seen]

    def make(self, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Normalised scenes [count, 3, size, size] and their boxes [count, OBJECTS, 5]: x0, y0, x1, y1 in pixels, and 1
        where the object is there and mostly visible."""
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
            pasted, cover, box = self.paste(random, size, generator)
            cover = cover * (number < there).float()[:, None, None, None]
            scene = scene * (1 - cover) + pasted * cover
            covers = [earlier * (1 - cover) for earlier in covers] + [cover]
            boxes.append((box, cover.sum((1, 2, 3))))
        rows = []
        for (box, full), cover in zip(boxes, covers):
            visible = (cover.sum((1, 2, 3)) > 0.4 * full) & (full > 4)
            rows.append(torch.cat([box, visible[:, None].float()], 1))
        strength = Strength()
        return normalise(sharpness(colours(scene, random, strength), random, strength)), torch.stack(rows, 1)

    def paste(self, random: Random, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """One object per scene, on the scene's canvas: colours, coverage, and its box in pixels [count, 4]."""
        index = torch.randint(len(self.objects), (random.batch,), device=self.device, generator=generator)
        box = self.boxes[index]
        half = 0.07 * torch.exp(random.uniform() * 2.1)
        stretch = torch.exp(random.uniform(-0.25, 0.25))
        aspect = (box[:, 2] / box[:, 3]).sqrt()
        w, h = (half * stretch * aspect).clamp(0.05, 0.6), (half / stretch / aspect).clamp(0.05, 0.6)
        x, y = random.uniform(-1, 1) * (1 - w), random.uniform(-1, 1) * (1 - h)
        mirror = 1 - 2 * random.chosen(0.5)
        zero = torch.zeros_like(w)
        scale_x, scale_y = box[:, 2] / w * mirror, box[:, 3] / h
        rows = [torch.stack([scale_x, zero, box[:, 0] - x * scale_x], 1), torch.stack([zero, scale_y, box[:, 1] - y * scale_y], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [random.batch, 4, size, size], align_corners=False)
        pasted = F.grid_sample(self.objects[index], grid, align_corners=False)
        sides = torch.stack([x - w, y - h, x + w, y + h], 1)
        return pasted[:, :3], pasted[:, 3:], (sides + 1) / 2 * size


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


class DenseHead(nn.Module):
    """Per level, [N, 5, H, W]: a logit for an object's centre, and the logarithms of the distances (left, top, right,
    bottom; in strides) to its sides."""

    def __init__(self, widths: list[int], width: int = 96):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in widths)
        self.smooth = nn.ModuleList(nn.Sequential(conv_norm(width, width, 3), conv_norm(width, width, 3)) for _ in widths)
        self.output = nn.ModuleList(nn.Conv2d(width, 5, 1) for _ in widths)
        for output in self.output:
            nn.init.normal_(output.weight, std=0.01)
            nn.init.zeros_(output.bias)
            nn.init.constant_(output.bias[:1], -4.0)

    def forward(self, maps: tuple[Tensor, ...]) -> list[Tensor]:
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps)]
        for level in (1, 0):
            merged[level] = merged[level] + F.interpolate(merged[level + 1], merged[level].shape[2:])
        return [output(smooth(x)) for output, smooth, x in zip(self.output, self.smooth, merged)]

    def loss(self, maps: tuple[Tensor, ...], boxes: Tensor) -> Tensor:
        """Focal loss of the centres and generalised intersection over union of the boxes, per object cell."""
        logits, guesses, targets = [], [], []
        for level, (stride, out) in enumerate(zip(STRIDES, self.forward(maps))):
            out = out.float().flatten(2).transpose(1, 2)
            logits.append(out[:, :, 0])
            guesses.append(out[:, :, 1:].clamp(-6, 6).exp() * stride)
            height, width = maps[level].shape[2:]
            targets.append(cell_targets(boxes, stride, height, width, level))
        logits, guesses, targets = torch.cat(logits, 1), torch.cat(guesses, 1), torch.cat(targets, 1)
        positive = (targets.amin(2) > 0).float()
        count = positive.sum().clamp(min=1)
        chance = torch.sigmoid(logits)
        wrong = torch.where(positive > 0, 1 - chance, chance)
        share = torch.where(positive > 0, 0.25, 0.75)
        focal = share * wrong**2 * F.binary_cross_entropy_with_logits(logits, positive, reduction="none")
        return focal.sum() / count + (positive * (1 - generalised_overlap(guesses, targets))).sum() / count


def cell_targets(boxes: Tensor, stride: int, height: int, width: int, level: int) -> Tensor:
    """Distances from each cell's centre to the sides of its object [N, H·W, 4]; a cell has an object when its centre is
    within a stride of the centre of one of this level's size, and the smallest wins. Others have −1."""
    x = (torch.arange(width, device=boxes.device) + 0.5).repeat(height) * stride
    y = (torch.arange(height, device=boxes.device) + 0.5).repeat_interleave(width) * stride
    x0, y0, x1, y1, there = (column[:, :, None] for column in boxes.unbind(2))
    distances = torch.stack([x - x0, y - y0, x1 - x, y1 - y], 3)
    longest = torch.maximum(x1 - x0, y1 - y0)
    low, high = ((0, 4 * STRIDES[0]), (4 * STRIDES[0], 4 * STRIDES[1]), (4 * STRIDES[1], 1e9))[level]
    near = ((x - (x0 + x1) / 2).abs() < stride) & ((y - (y0 + y1) / 2).abs() < stride)
    fits = near & (distances.amin(3) > 0) & (longest >= low) & (longest < high) & (there > 0)
    area = torch.where(fits, (x1 - x0) * (y1 - y0), 1e9)
    smallest = area.argmin(1, keepdim=True)
    chosen = distances.gather(1, smallest[..., None].expand(-1, -1, -1, 4))[:, 0]
    return torch.where(fits.any(1)[..., None], chosen, -1.0)


def generalised_overlap(a: Tensor, b: Tensor) -> Tensor:
    """GIoU (Rezatofighi et al. 2019) of boxes given as distances [..., 4] from one point."""
    b = b.clamp(min=1e-3)
    area_a, area_b = ((d[..., 0] + d[..., 2]) * (d[..., 1] + d[..., 3]) for d in (a, b))
    inner, outer = torch.minimum(a, b), torch.maximum(a, b)
    common = (inner[..., 0] + inner[..., 2]) * (inner[..., 1] + inner[..., 3])
    hull = (outer[..., 0] + outer[..., 2]) * (outer[..., 1] + outer[..., 3])
    union = area_a + area_b - common
    return common / union - (hull - union) / hull

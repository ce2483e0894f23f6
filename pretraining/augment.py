"""Random views of images, as batched tensor operations on the images' own device."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pretraining.export import MEAN, STD


@dataclass(frozen=True)
class Strength:
    """How far views differ. Shares are of the images that an operation is applied to."""

    area: tuple[float, float] = (0.2, 1.0)
    ratio: float = 4 / 3
    rotate: float = 15.0
    shear: float = 0.15
    warped: float = 0.4
    light: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.6
    hue: float = 0.08
    coloured: float = 0.7
    grey: float = 0.05
    solarize: float = 0.05
    posterize: float = 0.05
    sharpness: float = 0.25
    noise: float = 0.1


class Random:
    """Batches of random numbers from one generator."""

    def __init__(self, batch: int, device: torch.device, generator: torch.Generator):
        self.batch, self.device, self.generator = batch, device, generator

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(self.batch, device=self.device, generator=self.generator) * (high - low) + low

    def chosen(self, share: float) -> Tensor:
        """1.0 for about `share` of the batch, else 0.0."""
        return (self.uniform() < share).float()


def crops(random: Random, strength: Strength) -> Tensor:
    """Affine maps [B, 2, 3] from the view's coordinates (−1 to 1) to the image's: crop, mirror, rotation, shear."""
    area = random.uniform(*strength.area)
    ratio = torch.exp(random.uniform(-1, 1) * math.log(strength.ratio))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    x, y = random.uniform(-1, 1) * (1 - width), random.uniform(-1, 1) * (1 - height)
    mirror = 1 - 2 * random.chosen(0.5)
    warped = random.chosen(strength.warped)
    angle = random.uniform(-1, 1) * math.radians(strength.rotate) * warped
    shear = random.uniform(-1, 1) * strength.shear * warped
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [
        torch.stack([cos * width * mirror, (shear * cos - sin) * height, x], 1),
        torch.stack([sin * width * mirror, (shear * sin + cos) * height, y], 1),
    ]
    return torch.stack(rows, 1)


def colours(x: Tensor, random: Random, strength: Strength) -> Tensor:
    """Brightness, contrast, saturation and hue as one 3×3 matrix and offset per image; then solarize and posterize."""
    on = random.chosen(strength.coloured)
    gain = 1 + random.uniform(-1, 1) * strength.light * on
    contrast = 1 + random.uniform(-1, 1) * strength.contrast * on
    saturation = (1 + random.uniform(-1, 1) * strength.saturation * on) * (1 - random.chosen(strength.grey))
    turn = random.uniform(-1, 1) * strength.hue * 2 * math.pi * on
    luma = torch.tensor([0.299, 0.587, 0.114], device=x.device)
    eye = torch.eye(3, device=x.device)
    grey = luma.expand(3, 3)
    # Rotation about the grey axis (Rodrigues): turns the hue and keeps greys.
    axis = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=x.device) / math.sqrt(3)
    cos, sin = torch.cos(turn)[:, None, None], torch.sin(turn)[:, None, None]
    rotation = cos * eye + (1 - cos) / 3 + sin * axis
    saturate = saturation[:, None, None] * eye + (1 - saturation[:, None, None]) * grey
    matrix = rotation @ saturate * (gain * contrast)[:, None, None]
    mean = (x.mean((2, 3)) @ luma) * gain
    offset = (mean * (1 - contrast))[:, None].expand(-1, 3)
    b, _, h, w = x.shape
    x = torch.baddbmm(offset[:, :, None], matrix, x.reshape(b, 3, h * w)).reshape(x.shape).clamp(0, 1)
    threshold = torch.where(random.chosen(strength.solarize) > 0, random.uniform(0.4, 0.9), 2.0)[:, None, None, None]
    x = torch.where(x > threshold, 1 - x, x)
    levels = torch.where(random.chosen(strength.posterize) > 0, 8.0, 255.0)[:, None, None, None]
    return torch.round(x * levels) / levels


def sharpness(x: Tensor, random: Random, strength: Strength) -> Tensor:
    """Blurs (towards a 5×5 binomial mean) or sharpens (away from it) a share of the batch, and adds noise to another.
    Batches are in random order, so the shares are simply its first images: nothing is computed for the others."""
    few = round(len(x) * strength.sharpness)
    more = few + round(len(x) * strength.noise)
    part = x[:few]
    b, c, h, w = part.shape
    kernel = torch.tensor([1.0, 4, 6, 4, 1], device=x.device) / 16
    soft = F.conv2d(F.pad(part.reshape(b * c, 1, h, w), (2, 2, 2, 2), mode="reflect"), kernel.outer(kernel)[None, None])
    part = part + random.uniform(-1, 1)[:few, None, None, None] * (soft.view(part.shape) - part)
    noise = torch.randn(x[few:more].shape, device=x.device, generator=random.generator)
    grainy = x[few:more] + noise * random.uniform(0, 0.06)[few:more, None, None, None]
    return torch.cat([part, grainy, x[more:]])


def normalise(x: Tensor) -> Tensor:
    """From 0–1 to what the network takes."""
    mean, std = (torch.tensor(values, device=x.device)[None, :, None, None] for values in (MEAN, STD))
    return (x - mean) / std


def random_views(images: Tensor, size: int, generator: torch.Generator, strength: Strength = Strength()) -> Tensor:
    """One random view of each image. `images` [B, 3, S, S] bytes; returns [B, 3, size, size], normalised."""
    random = Random(len(images), images.device, generator)
    grid = F.affine_grid(crops(random, strength), [len(images), 3, size, size], align_corners=False)
    x = F.grid_sample(images.float() / 255, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return normalise(sharpness(colours(x, random, strength), random, strength))


def whole_views(images: Tensor, size: int) -> Tensor:
    """The whole images, resized. `images` bytes; returns [B, 3, size, size], normalised."""
    x = images.float() / 255
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return normalise(x)


def mix(x: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Mixes images with others of the batch: `share` of them, half by mixup (Zhang et al. 2018), half by cutmix (Yun et al.
    2019). Returns the images, each one's partner [B], and the weight of its own label [B]."""
    b, _, h, w = x.shape
    random = Random(b, x.device, generator)
    partner = torch.randperm(b, device=x.device, generator=generator)
    mixed = random.chosen(share)
    cut = random.chosen(0.5)
    # Beta(1, 1) for cutmix; Beta(0.2, 0.2) for mixup by its quantile's power-law ends.
    own = 1 - random.uniform(0, 1) * mixed * cut
    ends = random.uniform(0, 1)
    faded = 0.5 * torch.pow(2 * torch.minimum(ends, 1 - ends), 1 / 0.35)
    faded = torch.where(ends < 0.5, faded, 1 - faded)
    side = (1 - own).sqrt()
    centre_x, centre_y = random.uniform(), random.uniform()
    columns = torch.arange(w, device=x.device)[None, :] + 0.5
    rows = torch.arange(h, device=x.device)[None, :] + 0.5
    inside_x = (columns - centre_x[:, None] * w).abs() < side[:, None] * w / 2
    inside_y = (rows - centre_y[:, None] * h).abs() < side[:, None] * h / 2
    box = (inside_x[:, None, :] & inside_y[:, :, None]).float()
    weight = torch.where((mixed * (1 - cut) > 0)[:, None, None], faded[:, None, None], 1 - box)
    x = x * weight[:, None] + x[partner] * (1 - weight[:, None])
    return x, partner, weight.mean((1, 2))

"""Images made by formula, whose classes are the formula's parameters: fractals, contours and textures.

Fractals are attractors of iterated function systems (Kataoka et al. 2020) with the contraction of Anderson and Farrell
2022; contours are closed curves of superposed waves (RCDB, Kataoka et al. 2022; VisualAtom, Takashima et al. 2023);
textures are noise with a class's spectrum. Colours never tell the class. Everything is a batched tensor operation.
"""

import math

import torch
from torch import Tensor

KINDS = ("fractals", "contours", "textures")


class Formulas:
    """`classes` parameter sets of every kind, the same for the same seed on every machine."""

    def __init__(self, classes: int, side: int, device: torch.device, seed: int = 7):
        self.classes, self.side, self.device = classes, side, device
        generator = torch.Generator().manual_seed(seed)
        self.maps, self.shares = (t.to(device) for t in iterated_systems(classes, generator))
        self.waves = closed_curves(classes, generator).to(device)
        self.spectra = spectra(classes, generator).to(device)

    def make(self, kind: str, labels: Tensor, generator: torch.Generator) -> Tensor:
        """One image of each class in `labels` [B]; returns bytes [B, 3, side, side]."""
        cover = getattr(self, kind)(labels, generator)
        front = self.paint(labels, generator)
        back = self.paint(labels, generator)
        if kind == "textures":
            return to_bytes(back + cover[:, None] * (front - back))
        # Half of the others lie on a texture of any class, so that the ground can't tell anything.
        other = torch.randint(self.classes, labels.shape, device=self.device, generator=generator)
        ground = self.textures(other, generator)[:, None]
        strength = self.uniform(len(labels), generator)[:, None, None, None] * 0.5
        strength = strength * (self.uniform(len(labels), generator) < 0.5)[:, None, None, None]
        back = back + ground * strength * (self.paint(labels, generator) - back)
        return to_bytes(back + cover[:, None] * (front - back))

    def uniform(self, *shape_and_generator) -> Tensor:
        *shape, generator = shape_and_generator
        return torch.rand(*shape, device=self.device, generator=generator)

    def paint(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """A random colour that changes evenly over the image [B, 3, side, side]."""
        ends = self.uniform(2, len(labels), 3, 1, 1, generator)
        angle = self.uniform(len(labels), 1, 1, 1, generator) * 2 * math.pi
        line = torch.linspace(-1, 1, self.side, device=self.device)
        along = (torch.cos(angle) * line + torch.sin(angle) * line[:, None]) / 2.83 + 0.5
        return ends[0] + along * (ends[1] - ends[0]) * self.uniform(len(labels), 1, 1, 1, generator)

    def fractals(self, labels: Tensor, generator: torch.Generator, walkers: int = 192, steps: int = 96) -> Tensor:
        """Coverage 0–1 [B, side, side] of attractors whose maps are perturbed a little in each image."""
        b = len(labels)
        jitter = 1 + 0.08 * torch.randn(b, 8, 6, device=self.device, generator=generator)
        maps, shares = self.maps[labels] * jitter, self.shares[labels]
        choices = torch.multinomial(shares, walkers * steps, replacement=True, generator=generator)
        choices = choices.view(b, walkers, steps)
        x = torch.zeros(b, walkers, device=self.device)
        y = torch.zeros_like(x)
        points = []
        for step in range(steps):
            chosen = torch.gather(maps, 1, choices[:, :, step, None].expand(-1, -1, 6))
            p, q, r, s, t, u = chosen.unbind(2)
            x, y = p * x + q * y + t, r * x + s * y + u
            if step >= 16:
                points.append(torch.stack([x, y], 2))
        cloud = torch.cat(points, 1).nan_to_num(0.0, 0.0, 0.0).clamp(-1e4, 1e4)
        sample = cloud[:, :: max(1, cloud.shape[1] // 1024)]
        low, high = torch.quantile(sample, 0.01, dim=1, keepdim=True), torch.quantile(sample, 0.99, dim=1, keepdim=True)
        size = (high - low).amax(2, keepdim=True).clamp(min=1e-4)
        scale = 0.6 + 0.35 * self.uniform(b, 1, 1, generator)
        place = (cloud - (high + low) / 2) / size * scale + 0.5
        cells = (place * self.side).long()
        inside = ((cells >= 0) & (cells < self.side)).all(2)
        index = torch.where(inside, cells[:, :, 1] * self.side + cells[:, :, 0], self.side**2)
        counts = torch.zeros(b, self.side**2 + 1, device=self.device)
        counts.scatter_add_(1, index, torch.ones_like(index, dtype=torch.float32))
        density = torch.log1p(counts[:, :-1]).view(b, self.side, self.side)
        return (density / density.flatten(1).quantile(0.995, dim=1).clamp(min=0.5)[:, None, None]).clamp(0, 1)

    def contours(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Coverage 0–1 [B, side, side]: rings between closed curves, in lines or bands."""
        b = len(labels)
        frequency, height, phase, rings, fill = self.waves[labels].split([3, 3, 3, 1, 1], dim=1)
        line = torch.linspace(-1, 1, self.side, device=self.device)
        x0, y0 = (self.uniform(2, b, 1, 1, generator) - 0.5) * 0.5
        turn = self.uniform(b, 1, 1, generator) * 2 * math.pi
        stretch = torch.exp((self.uniform(b, 1, 1, generator) - 0.5) * 0.8)
        size = 0.5 + 0.45 * self.uniform(b, 1, 1, generator)
        x, y = (line - x0) / size * stretch, (line[:, None] - y0) / size / stretch
        angle = torch.atan2(y + 0 * x, x + 0 * y) + turn
        height = height * (1 + 0.15 * torch.randn(b, 3, device=self.device, generator=generator))
        wave = torch.sin(frequency[:, :, None, None] * angle[:, None] + phase[:, :, None, None])
        radius = 1 + (height[:, :, None, None] * wave).sum(1)
        distance = torch.sqrt(x**2 + y**2) / radius.clamp(min=0.15)
        band = distance * rings[:, :, None]
        across = (band - torch.round(band)).abs() * 2
        width = 0.15 + 0.5 * self.uniform(b, 1, 1, generator)
        soft = 4.0 * rings[:, :, None] / self.side / size + 1e-3
        lines = ((width - across) / soft + 0.5).clamp(0, 1)
        bands = 0.35 + 0.65 * (torch.floor(band) % 2)
        edge = ((1 - distance) * self.side * size / 4 + 0.5).clamp(0, 1)
        return torch.where(fill[:, :, None] > 0.5, bands, lines) * edge

    def textures(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Noise with the class's spectrum, bent by the class's curve, 0–1 [B, side, side]."""
        b = len(labels)
        frequency, band, direction, spread, curve = self.spectra[labels].T[:, :, None, None]
        noise = torch.randn(b, self.side, self.side, device=self.device, generator=generator)
        v = torch.fft.fftfreq(self.side, device=self.device)[:, None] * self.side
        u = torch.fft.rfftfreq(self.side, device=self.device)[None, :] * self.side
        zoom = torch.exp((self.uniform(b, 1, 1, generator) - 0.5) * 0.5)
        turn = direction + (self.uniform(b, 1, 1, generator) - 0.5) * 0.4
        away = torch.log((torch.sqrt(u**2 + v**2) + 0.3) / (frequency * zoom)) / band
        angle = torch.atan2(v + 0 * u, u + 0 * v) - turn
        shape = torch.exp(-0.5 * away**2) * torch.exp((torch.cos(2 * angle) - 1) * spread)
        field = torch.fft.irfft2(torch.fft.rfft2(noise) * shape, s=(self.side, self.side))
        field = field / field.flatten(1).std(1).clamp(min=1e-6)[:, None, None]
        bent = torch.stack([torch.sigmoid(1.5 * field), torch.sigmoid(12 * field), torch.exp(-8 * field.abs()),
                            torch.sigmoid(8 * (field - 1.2))])
        return torch.gather(bent, 0, curve.long().expand(1, b, self.side, self.side))[0]


def to_bytes(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * 255).to(torch.uint8)


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low


def iterated_systems(classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Maps (a, b, c, d, e, f) [classes, 8, 6] and how often each is applied [classes, 8]; unused maps have share 0."""
    count = torch.randint(2, 7, (classes, 1), generator=generator)
    used = (torch.arange(8) < count).float()
    # Singular values whose weighted sum lies in Anderson and Farrell's range of rich attractors.
    target = (5 + count + uniform((classes, 1), 0, 1, generator)) / 2
    big = uniform((classes, 8), 0.3, 1, generator)
    small = big * uniform((classes, 8), 0.2, 1, generator)
    for _ in range(8):
        factor = target / ((big + 2 * small) * used).sum(1, keepdim=True)
        big = (big * factor).clamp(max=0.98)
        small = torch.minimum(small * factor, big)
    a, b = (uniform((classes, 8), -math.pi, math.pi, generator) for _ in range(2))
    flip = torch.where(torch.rand((classes, 8), generator=generator) < 0.5, -1.0, 1.0)
    matrix = turn(a) @ torch.diag_embed(torch.stack([big, small], -1)) @ turn(b)
    matrix = matrix @ torch.diag_embed(torch.stack([flip, torch.ones_like(flip)], -1))
    offset = uniform((classes, 8, 2), -1, 1, generator)
    shares = (big * small + 0.05) * used
    return torch.cat([matrix.flatten(2), offset], 2), shares / shares.sum(1, keepdim=True)


def turn(angle: Tensor) -> Tensor:
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def closed_curves(classes: int, generator: torch.Generator) -> Tensor:
    """Per class: three whole frequencies, their heights and phases, the number of rings, and whether bands are filled."""
    frequency = torch.stack([torch.randint(low, high, (classes,), generator=generator) for low, high in ((2, 7), (3, 13), (8, 25))], 1)
    height = torch.stack([uniform((classes,), 0, high, generator) for high in (0.45, 0.3, 0.15)], 1)
    phase = uniform((classes, 3), 0, 2 * math.pi, generator)
    rings = torch.randint(1, 6, (classes, 1), generator=generator)
    fill = torch.randint(2, (classes, 1), generator=generator)
    return torch.cat([frequency, height, phase, rings, fill], 1).float()


def spectra(classes: int, generator: torch.Generator) -> Tensor:
    """Per class: frequency (waves per image), width of the band (log), direction, how strongly directed, and the curve."""
    frequency = torch.exp(uniform((classes,), math.log(2.5), math.log(26), generator))
    band = uniform((classes,), 0.12, 0.7, generator)
    direction = uniform((classes,), 0, math.pi, generator)
    spread = uniform((classes,), 0, 1, generator) ** 2 * 8
    curve = torch.randint(4, (classes,), generator=generator).float()
    return torch.stack([frequency, band, direction, spread, curve], 1)

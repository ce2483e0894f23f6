"""The candidate networks. Every one maps `image` [N, 3, H, W] to feature maps at strides 8, 16 and 32 and to their pooled
features. Only operators that Ocellus can differentiate are used (src/vision/graph/operators)."""

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate computed from all channels' means (Hu et al. 2018)."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.reduce = nn.Conv2d(width, inner, 1)
        self.expand = nn.Conv2d(inner, width, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.expand(torch.relu(self.reduce(means))))


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself. On a processor it stays in single precision: PyTorch's bfloat16 gradients of
    strided ones take 25 to 100 times as long (oneDNN of PyTorch 2.15)."""

    def __init__(self, width: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(width, width, kernel, stride, kernel // 2, groups=width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.bfloat16 and x.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def norm_act(conv: nn.Conv2d, act: type | None = nn.ReLU) -> nn.Sequential:
    """Convolution, batch normalisation, activation."""
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), *([act()] if act else []))


def conv_norm(c: int, width: int, kernel: int, stride: int = 1, act: type | None = nn.ReLU) -> nn.Sequential:
    return norm_act(nn.Conv2d(c, width, kernel, stride, kernel // 2, bias=False), act)


class ResidualBlock(nn.Module):
    """Basic block (He et al. 2016) with squeeze and excitation."""

    def __init__(self, c: int, width: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(c, width, 3, stride),
            conv_norm(width, width, 3, act=None),
            SqueezeExcite(width, width // 8),
        )
        same = c == width and stride == 1
        self.shortcut = nn.Identity() if same else conv_norm(c, width, 1, stride, act=None)
        nn.init.zeros_(self.body[1][1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class InvertedBlock(nn.Module):
    """Inverted residual with squeeze and excitation (Howard et al. 2019); `fused` replaces the expansion and the depthwise
    convolution by one dense convolution (Tan and Le 2021), which trains faster on a CPU where channels are few."""

    def __init__(self, c: int, width: int, stride: int, expand: int, kernel: int, fused: bool):
        super().__init__()
        inner = c * expand
        act = nn.Hardswish
        if fused:
            layers = [conv_norm(c, inner, kernel, stride, act=act)]
        else:
            layers = [conv_norm(c, inner, 1, act=act), norm_act(Depthwise(inner, kernel, stride, bias=False), act)]
            layers.append(SqueezeExcite(inner, max(8, c // 4)))
        layers.append(conv_norm(inner, width, 1, act=None))
        self.body = nn.Sequential(*layers)
        self.keep = c == width and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.keep else self.body(x)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of [N, C, H, W]."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """7×7 depthwise convolution, layer normalisation, two-layer perceptron (Liu et al. 2022)."""

    def __init__(self, width: int):
        super().__init__()
        self.depthwise = Depthwise(width, 7)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = nn.Linear(width, 4 * width)
        self.act = nn.GELU()
        self.project = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 1e-2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.project(self.act(self.expand(y))) * self.scale
        return x + y.permute(0, 3, 1, 2)


class Backbone(nn.Module):
    """A stem of stride 2 or 4 and four stages, the last three of strides 8, 16 and 32 and of `widths` channels; `last` makes
    `features` channels of the last map before they are pooled."""

    def __init__(self, stem: nn.Module, stages: list[nn.Module], widths: list[int], last: nn.Module, features: int):
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.last = last
        self.widths = widths
        self.features = features

    def maps(self, x: Tensor) -> list[Tensor]:
        """The feature maps at strides 8, 16 and 32."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[-3:]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The pooled features [N, F], then the feature maps."""
        maps = self.maps(x)
        return self.last(maps[-1]).mean((2, 3)), *maps


def residual(widths: tuple[int, ...], depths: tuple[int, ...]) -> Backbone:
    stem = nn.Sequential(conv_norm(3, widths[0] // 2, 3, 2), conv_norm(widths[0] // 2, widths[0] // 2, 3))
    stages, c = [], widths[0] // 2
    for width, depth in zip(widths, depths):
        stages.append(nn.Sequential(*(ResidualBlock(c if i == 0 else width, width, 2 if i == 0 else 1) for i in range(depth))))
        c = width
    return Backbone(stem, stages, list(widths[1:]), nn.Identity(), c)


def mobile(rows: tuple[tuple[tuple[int, ...], ...], ...], stem: int, last: int) -> Backbone:
    """`rows`: per stage, rows of (width, depth, expansion, kernel, fused); a stage starts with stride 2."""
    stages, c, widths = [], stem, []
    for stage in rows:
        blocks = []
        for width, depth, expand, kernel, fused in stage:
            for _ in range(depth):
                blocks.append(InvertedBlock(c, width, 2 if not blocks else 1, expand, kernel, bool(fused)))
                c = width
        stages.append(nn.Sequential(*blocks))
        widths.append(c)
    return Backbone(conv_norm(3, stem, 3, 2, act=nn.Hardswish), stages, widths[1:], conv_norm(c, last, 1, act=nn.Hardswish), last)


def convnext(widths: tuple[int, ...], depths: tuple[int, ...]) -> Backbone:
    stages, c = [], widths[0]
    for i, (width, depth) in enumerate(zip(widths, depths)):
        down = [] if i == 0 else [ChannelNorm(c), nn.Conv2d(c, width, 2, 2)]
        stages.append(nn.Sequential(*down, *(ConvNextBlock(width) for _ in range(depth))))
        c = width
    stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, 4), ChannelNorm(widths[0]))
    return Backbone(stem, stages, list(widths[1:]), ChannelNorm(c), c)


FAMILIES = {
    "residual": lambda: residual((48, 96, 192, 432), (1, 2, 2, 1)),
    "residual-wide": lambda: residual((64, 128, 256, 448), (1, 2, 2, 1)),
    "mobile": lambda: mobile(
        (
            ((24, 2, 4, 3, 0),),
            ((40, 3, 4, 5, 0),),
            ((80, 3, 5, 3, 0), (112, 3, 5, 3, 0)),
            ((208, 4, 6, 5, 0),),
        ),
        stem=24,
        last=960,
    ),
    "fused": lambda: mobile(
        (
            ((32, 1, 2, 3, 1),),
            ((64, 3, 3, 3, 1),),
            ((112, 4, 4, 3, 0),),
            ((208, 5, 6, 3, 0),),
        ),
        stem=24,
        last=960,
    ),
    "convnext": lambda: convnext((40, 80, 160, 320), (2, 2, 6, 2)),
}


def build(family: str) -> Backbone:
    """A network of the family with fresh weights. Throws KeyError for an unknown family."""
    network = FAMILIES[family]()
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups == 1 and family != "convnext":
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, (nn.Conv2d, nn.Linear)) and family == "convnext":
            nn.init.trunc_normal_(module.weight, std=0.02)
    return network


def weight_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())

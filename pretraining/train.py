"""Pretrains a backbone within a time limit.

Usage: python -m pretraining.train --family residual --variant wide --minutes 45 --out pretraining/runs/NAME

Goes on from NAME/checkpoint.pt when there is one. Writes there: log.jsonl, checkpoint.pt (everything, to go on),
weights.pt (moving average in half precision, small), NAME.onnx and NAME.json (what it was trained on).
"""

import argparse
import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
import torch
import torch._dynamo
from onnx import numpy_helper
from torch import Tensor, nn

from pretraining.augment import mix, random_views, whole_views
from pretraining.data import Pool, load_pack
from pretraining.export import MEAN, STD, write
from pretraining.formula import KINDS, Formulas
from pretraining.losses import Heads, Prototypes, agreement
from pretraining.networks import FAMILIES, build, weight_count
from pretraining.optimizer import Optimizer
from pretraining.sources import SOURCES

# One image in so many of the photographs is held out, to see whether training still helps.
HELD_OUT = 50


@dataclass
class Config:
    family: str
    variant: str
    minutes: float
    batch: int
    # Sides of the training views, from first to last, and the share of the time after which each but the first begins.
    sizes: tuple[int, ...]
    turns: tuple[float, ...]
    # AdamW's learning rate, and Muon's for the kernels (0: AdamW for them, too).
    rate: float
    muon: float
    weight_decay: float
    smoothing: float
    mixed: float
    # Share of the formula images in a batch; classes of each kind; images kept of each kind.
    formula: float
    formula_classes: int
    formula_images: int
    # Weight of the self-supervised loss.
    agreement: float
    average: float
    seed: int
    # Weights that it began from, if not from fresh ones.
    initial: str | None = None


class Formula:
    """Formula images kept in the pool; some are made anew all the time."""

    def __init__(self, pool: Pool, config: Config, generator: torch.Generator):
        self.formulas = Formulas(config.formula_classes, pool.side, pool.device)
        self.chunk = 64
        self.count = -(-config.formula_images // self.chunk) * self.chunk
        photographs = sum(pool.weights)
        share = photographs * config.formula / (1 - config.formula) if photographs else 1.0
        for kind in KINDS:
            labels = torch.arange(self.count, device=pool.device) % config.formula_classes
            images = [self.formulas.make(kind, part, generator) for part in labels.split(self.chunk)]
            pool.add(kind, torch.cat(images), labels, config.formula_classes, share / len(KINDS))

    def refresh(self, pool: Pool, step: int, generator: torch.Generator) -> None:
        kind = step % len(KINDS)
        source = pool.names.index(KINDS[kind])
        place = pool.first_image_of[source] + step // len(KINDS) * self.chunk % self.count
        chosen = slice(place, place + self.chunk)
        labels = pool.all_labels[chosen] - sum(pool.classes[:source])
        pool.all_images[chosen] = self.formulas.make(KINDS[kind], labels, generator)


def load_pool(config: Config, packs: Path, device: torch.device, generator: torch.Generator):
    """The pool, the maker of formula images if any, and the held-out photographs with their classes."""
    pool = Pool(device)
    held_images = held_classes = torch.empty(0)
    if config.variant != "formula":
        only = {s.name for s in SOURCES if s.strict} if config.variant == "strict" else None
        pack = load_pack(packs / "pretrain.npz", only)
        pool.side = pack.images.shape[-1]
        held = torch.arange(len(pack.label)) % HELD_OUT == 0
        first = torch.tensor([0] + [len(s["labels"]) for s in pack.sources]).cumsum(0)
        held_images, held_classes = pack.images[held].to(device), (pack.label + first[pack.source])[held].to(device)
        pack.images, pack.source, pack.label = pack.images[~held], pack.source[~held], pack.label[~held]
        pool.add_pack(pack)
    else:
        pool.side = 104
    formula = Formula(pool, config, generator) if config.formula > 0 else None
    pool.finish()
    return pool, formula, held_images, held_classes


class Trainer:
    """Everything that training changes. `networks` are trained together; `average` follows the backbone and prototypes."""

    def __init__(self, config: Config, out: Path, packs: Path, device: torch.device, compiled: bool):
        torch.manual_seed(config.seed)
        self.config, self.out, self.device = config, out, device
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.pool, self.formula, self.held_images, self.held_classes = load_pool(config, packs, device, self.generator)
        backbone = build(config.family)
        self.networks = nn.ModuleDict({"backbone": backbone, "heads": Heads(backbone.features, self.pool.source_of_class)})
        if config.agreement > 0:
            self.networks["prototypes"] = Prototypes(backbone.features)
        self.networks.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.networks).requires_grad_(False).eval()
        self.optimizer = Optimizer(self.networks, config.weight_decay, config.muon > 0)
        # Where there is no compiler, the network runs as it is.
        torch._dynamo.config.suppress_errors = True
        self.forward = torch.compile(self.networks["backbone"]) if compiled else self.networks["backbone"]
        self.half = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
        self.step, self.spent = 0, 0.0

    def progress(self) -> float:
        return min(1.0, self.spent / (60 * self.config.minutes))

    def size(self) -> int:
        return self.config.sizes[sum(self.progress() >= turn for turn in self.config.turns)]

    def schedule(self) -> float:
        """Factor of the learning rates: warm-up in the first 4 % of the time, then a cosine down to zero."""
        progress = self.progress()
        if progress < 0.04:
            return max(progress / 0.04, 1e-3)
        return 0.5 * (1 + math.cos(math.pi * (progress - 0.04) / 0.96))

    def backbone(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.forward(x.contiguous(memory_format=torch.channels_last))

    def losses(self) -> dict[str, Tensor]:
        config, size = self.config, self.size()
        images, classes = self.pool.draw(config.batch, self.generator)
        views, partner, own = mix(random_views(images, size, self.generator), config.mixed, self.generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            heads = self.networks["heads"]
            logits = heads(self.backbone(views)[0])
            parts = own * heads.loss(logits, classes, config.smoothing)
            parts = parts + (1 - own) * heads.loss(logits, classes[partner], config.smoothing)
            found = {"classes": parts.mean()}
            if config.agreement > 0:
                found["agreement"] = self.agreement(images, size)
        return found

    def agreement(self, images: Tensor, size: int) -> Tensor:
        """What a small view shows should tell what the teacher sees in a large one of the same image."""
        small = max(32, size * 2 // 3 // 32 * 32)
        with torch.no_grad():
            large = random_views(images, size, self.generator).contiguous(memory_format=torch.channels_last)
            teacher = self.average["prototypes"](self.average["backbone"](large)[0])
        student = self.networks["prototypes"](self.backbone(random_views(images, small, self.generator))[0])
        return agreement(student, teacher)

    def train_step(self) -> dict[str, Tensor]:
        self.networks.train()
        found = self.losses()
        weights = {"classes": 1.0, "agreement": self.config.agreement}
        sum(weights[name] * loss for name, loss in found.items()).backward()
        nn.utils.clip_grad_norm_(self.networks.parameters(), 3.0)
        schedule = self.schedule()
        self.optimizer.step(self.config.rate * schedule, self.config.muon * schedule)
        self.follow()
        if self.formula and self.step % 4 == 0:
            self.formula.refresh(self.pool, self.step // 4, self.generator)
        self.step += 1
        return {name: loss.detach() for name, loss in found.items()}

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights and running statistics."""
        keep = min(self.config.average, (1 + self.step) / (10 + self.step))
        pairs = [(a, b) for a, b in zip(self.average.state_dict().values(), self.networks.state_dict().values())]
        floats = [(a, b) for a, b in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - keep)
        for a, b in pairs:
            if not a.is_floating_point():
                a.copy_(b)

    @torch.no_grad()
    def held_out_accuracy(self) -> float | None:
        if len(self.held_images) == 0:
            return None
        hits = []
        for images, classes in zip(self.held_images.split(128), self.held_classes.split(128)):
            logits = self.average["heads"](self.average["backbone"](whole_views(images, self.size()))[0])
            hits.append(self.average["heads"].hits(logits, classes))
        return torch.cat(hits).float().mean().item()

    def log(self, **entry) -> None:
        line = json.dumps({"step": self.step, "seconds": round(self.spent, 1), **entry})
        with open(self.out / "log.jsonl", "a") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def save(self) -> None:
        state = {
            "config": asdict(self.config), "step": self.step, "spent": self.spent,
            "networks": self.networks.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "generator": self.generator.get_state(),
        }
        replace(self.out / "checkpoint.pt", state)
        replace(self.out / "weights.pt", small_state(self.average, self.config))

    def resume(self) -> None:
        state = torch.load(self.out / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.networks.load_state_dict(state["networks"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        self.step, self.spent = state["step"], state["spent"]

    def begin_from(self, path: Path) -> None:
        """Takes over weights.pt of another run, or a backbone's ONNX file: all tensors of the same name and shape."""
        state = onnx_weights(path) if path.suffix == ".onnx" else torch.load(path, map_location="cpu", weights_only=True)["networks"]
        own = self.networks.state_dict()
        fitting = {key: value.to(self.device, own[key].dtype) for key, value in state.items() if key in own and own[key].shape == value.shape}
        for network in (self.networks, self.average):
            network.load_state_dict(fitting, strict=False)
        self.log(event="begun from weights", taken=len(fitting), of=len(own))


def replace(path: Path, state: dict) -> None:
    """Writes beside, then renames: a kill leaves the file before whole."""
    torch.save(state, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def onnx_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a backbone that `export.write` wrote."""
    tensors = {tensor.name.removesuffix(".half"): numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    return {f"backbone.{name}": torch.from_numpy(value.copy()) for name, value in tensors.items()}


def small_state(networks: nn.Module, config: Config) -> dict:
    state = {key: value.half().cpu() if value.ndim >= 2 and value.is_floating_point() else value.cpu()
             for key, value in networks.state_dict().items()}
    return {"family": config.family, "config": asdict(config), "networks": state}


def card(trainer: Trainer) -> dict:
    """What the weights are and what they were trained on."""
    config, pool = trainer.config, trainer.pool
    licences = {source.name: source.licence for source in SOURCES}
    sources = [{"name": name, "classes": classes, "images": int(size), "licence": licences.get(name, "made by formula")}
               for name, classes, size in zip(pool.names, pool.classes, pool.sizes)]
    return {"family": config.family, "variant": config.variant, "mean": MEAN, "std": STD,
            "weights": weight_count(trainer.networks["backbone"]), "features": trainer.networks["backbone"].features,
            "sources": sources, "recipe": asdict(config), "steps": trainer.step, "seconds": round(trainer.spent),
            "imagesSeen": trainer.step * config.batch}


def run(trainer: Trainer, save_minutes: float, stop_minutes: float | None) -> None:
    """Trains until the time is up, or for `stop_minutes` of it."""
    # Without a GPU only the processor's own time counts, so that other work on the machine doesn't shorten the training.
    clock = time.perf_counter if trainer.device.type == "cuda" else time.thread_time
    config, begun = trainer.config, clock()
    spent_before = trainer.spent
    sums: dict[str, Tensor] = {}
    count, since, saved = 0, begun, begun
    while trainer.progress() < 1:
        if stop_minutes is not None and clock() - begun > 60 * stop_minutes:
            break
        for name, loss in trainer.train_step().items():
            sums[name] = sums.get(name, 0) + loss
        count += 1
        now = clock()
        trainer.spent = spent_before + now - begun
        if count == 50:
            means = {name: round(value.item() / count, 4) for name, value in sums.items()}
            if not all(math.isfinite(value) for value in means.values()):
                raise FloatingPointError(f"the loss became {means} at step {trainer.step}")
            now = clock()
            trainer.log(size=trainer.size(), rate=round(config.rate * trainer.schedule(), 6), **means,
                        imagesPerSecond=round(count * config.batch / (now - since), 1))
            sums, count, since = {}, 0, now
        if now - saved > 60 * save_minutes:
            trainer.log(heldOut=trainer.held_out_accuracy())
            trainer.save()
            saved = since = clock()
    trainer.log(heldOut=trainer.held_out_accuracy())
    trainer.save()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--packs", type=Path, default=Path("pretraining/packs"))
    parser.add_argument("--family", choices=list(FAMILIES), default="residual")
    parser.add_argument("--variant", choices=["strict", "wide", "formula"], default="wide")
    parser.add_argument("--minutes", type=float, required=True, help="the whole training; the schedule follows it")
    parser.add_argument("--stop-minutes", type=float, help="leave off after these, to go on another time")
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--initial", type=Path, help="weights.pt or ONNX file of another run to begin from")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=(64, 96))
    parser.add_argument("--turns", type=lambda text: tuple(map(float, text.split(","))) if text else (), default=(0.7,))
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--muon", type=float, default=0.0, help="learning rate of Muon for the kernels; 0: AdamW")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--mixed", type=float, default=0.7, help="share of the images mixed with others")
    parser.add_argument("--formula", type=float, default=0.15, help="share of formula images")
    parser.add_argument("--formula-classes", type=int, default=256)
    parser.add_argument("--formula-images", type=int, default=2048)
    parser.add_argument("--agreement", type=float, default=0.0, help="weight of the self-supervised loss")
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> Trainer:
    options = parse(arguments)
    if len(options.turns) != len(options.sizes) - 1:
        raise SystemExit("--turns needs one number fewer than --sizes")
    config = Config(**{key: getattr(options, key) for key in Config.__dataclass_fields__})
    config.initial = str(options.initial) if options.initial else None
    if config.variant == "formula":
        config.formula = 1.0
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, options.out, options.packs, device, options.compile)
    trainer.log(event="begin", device=str(device), torch=torch.__version__, half=trainer.half, config=asdict(config),
                weights=weight_count(trainer.networks["backbone"]), classes=sum(trainer.pool.classes),
                images=int(trainer.pool.sizes.sum()))
    if (options.out / "checkpoint.pt").exists():
        trainer.resume()
    elif options.initial:
        trainer.begin_from(options.initial)
    run(trainer, options.save_minutes, options.stop_minutes)
    name = options.out.name
    (options.out / f"{name}.json").write_text(json.dumps(card(trainer), indent=2) + "\n")
    write(copy.deepcopy(trainer.average["backbone"]), options.out, name, {"name": name, "mean": MEAN, "std": STD})
    trainer.log(event="end", progress=trainer.progress())
    return trainer


if __name__ == "__main__":
    main()

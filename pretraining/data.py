"""Packed images in memory, and the drawing of balanced batches."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import Tensor


@dataclass
class Pack:
    """A file of pack.py, decoded. `images` [N, 3, side, side] bytes; `source` and `label` [N] are indices into `sources`
    and into that source's labels."""

    images: Tensor
    source: Tensor
    label: Tensor
    test: Tensor
    sources: list[dict]


def load_pack(path: Path, only: set[str] | None = None) -> Pack:
    """Decodes a pack, or only the images of the named sources."""
    with numpy.load(path) as file:
        meta = json.loads(str(file["meta"]))
        data, ends = file["data"].tobytes(), file["ends"]
        source, label, test = (file[key] for key in ("source", "label", "test"))
    wanted = [only is None or entry["name"] in only for entry in meta["sources"]]
    chosen = numpy.flatnonzero(numpy.array(wanted)[source])
    side = meta["side"]
    images = numpy.empty((len(chosen), 3, side, side), numpy.uint8)

    def decode(place: int) -> None:
        i = chosen[place]
        image = Image.open(io.BytesIO(data[ends[i - 1] if i else 0 : ends[i]])).convert("RGB")
        images[place] = numpy.asarray(image).transpose(2, 0, 1)

    with ThreadPoolExecutor() as pool:
        list(pool.map(decode, range(len(chosen))))
    # Numbers of the sources that are left.
    number = numpy.cumsum(wanted) - 1
    return Pack(
        torch.from_numpy(images),
        torch.from_numpy(number[source[chosen]].astype(numpy.int64)),
        torch.from_numpy(label[chosen].astype(numpy.int64)),
        torch.from_numpy(test[chosen]),
        [entry for entry, keep in zip(meta["sources"], wanted) if keep],
    )


class Pool:
    """Labelled images on the device, drawn source by source: a source's share of a batch is its weight's."""

    def __init__(self, device: torch.device):
        self.device = device
        self.images: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.classes: list[int] = []
        self.names: list[str] = []
        self.weights: list[float] = []

    def add(self, name: str, images: Tensor, labels: Tensor, classes: int, weight: float) -> None:
        self.names.append(name)
        self.images.append(images.to(self.device))
        self.labels.append(labels.to(self.device))
        self.classes.append(classes)
        self.weights.append(weight)

    def add_pack(self, pack: Pack) -> None:
        for number, entry in enumerate(pack.sources):
            chosen = pack.source == number
            weight = float(chosen.sum()) * entry["weight"]
            self.add(entry["name"], pack.images[chosen], pack.label[chosen], len(entry["labels"]), weight)

    def finish(self) -> None:
        """Joins the sources into one tensor; call it when all are added."""
        sizes = [len(images) for images in self.images]
        self.all_images = torch.cat(self.images)
        first_class = numpy.cumsum([0, *self.classes])
        self.all_labels = torch.cat([labels + int(first) for labels, first in zip(self.labels, first_class)])
        self.first_image_of = numpy.cumsum([0, *sizes])[:-1].tolist()
        self.first_image = torch.tensor(self.first_image_of, device=self.device)
        self.sizes = torch.tensor(sizes, device=self.device)
        self.shares = torch.tensor(self.weights, device=self.device) / sum(self.weights)
        self.images = self.labels = []
        # The source of every class of the joint label space.
        self.source_of_class = torch.repeat_interleave(
            torch.arange(len(self.classes)), torch.tensor(self.classes)).to(self.device)

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images [B, 3, side, side] (bytes) and their classes in the joint label space [B]."""
        source = torch.multinomial(self.shares, batch, replacement=True, generator=generator)
        uniform = torch.rand(batch, device=self.device, generator=generator)
        index = self.first_image[source] + (uniform * self.sizes[source]).long()
        return self.all_images[index], self.all_labels[index]

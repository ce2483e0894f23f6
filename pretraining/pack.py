"""Packs the image sets into a few small files, which is all that the other programs read.

Usage: python -m pretraining.pack FOLDER [--side 104] [--quality 70] [--benchmark-side 112] [--benchmark-quality 75]

Writes pretrain.npz (all sources) and benchmark.npz (training and test images of the measured sets): images squeezed to
squares, as Ocellus itself does before a network sees them, in WebP. Refuses to write a pretraining image that shows the
same picture as an image of any measured set.
"""

import argparse
import hashlib
import io
import json
import tarfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy
from PIL import Image

from pretraining.sources import BENCHMARKS, SOURCES, data_folder

# Two pictures are taken for the same when their thumbnails differ by less than this, on average over the values (0–255)
# after each thumbnail's own mean and spread are taken out (spread: 1 of 64).
SAME = 8.0
THUMBNAIL = 16


@dataclass
class Item:
    """One packed image. `source` and `label` are indices."""

    data: bytes
    source: int
    label: int
    test: bool
    thumbnail: numpy.ndarray
    digest: str


def encode(job: tuple[bytes, int, int]) -> tuple[bytes, numpy.ndarray, str]:
    """The squeezed picture as WebP, its normalised thumbnail, and the digest of its pixels."""
    data, side, quality = job
    image = Image.open(io.BytesIO(data)).convert("RGB")
    digest = hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()
    buffer = io.BytesIO()
    image.resize((side, side), Image.Resampling.BICUBIC).save(buffer, "WEBP", quality=quality, method=5)
    small = numpy.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), numpy.float32).ravel()
    return buffer.getvalue(), (small - small.mean()) / max(small.std(), 4.0) * 64, digest


def pack(jobs: list[tuple[bytes, int, int, bool]], side: int, quality: int) -> list[Item]:
    with ProcessPoolExecutor(2) as pool:
        encoded = pool.map(encode, ((data, side, quality) for data, *_ in jobs), chunksize=64)
        return [Item(data, source, label, test, thumbnail, digest)
                for (_, source, label, test), (data, thumbnail, digest) in zip(jobs, encoded)]


def read_sources(folder: Path) -> tuple[list[tuple[bytes, int, int, bool]], list[list[str]]]:
    jobs, labels = [], []
    for index, source in enumerate(SOURCES):
        with tarfile.open(folder / "pretrain" / f"{source.name}.tar") as tar:
            members = sorted((m for m in tar if m.isfile()), key=lambda member: member.name)
            names = sorted({member.name.split("/")[0] for member in members})
            labels.append(names)
            for member in members:
                jobs.append((tar.extractfile(member).read(), index, names.index(member.name.split("/")[0]), False))
    return jobs, labels


def read_manifest(folder: Path, name: str, split: str) -> list[tuple[Path, dict]]:
    lines = (folder / name / f"{split}.manifest").read_text().splitlines()
    records = [json.loads(line) for line in lines if line]
    return [(folder / record["source-ref"].removeprefix("s3://"), record) for record in records]


def class_name(record: dict) -> str:
    return next(value["class-name"] for key, value in record.items() if key.endswith("-metadata"))


def read_benchmarks(folder: Path) -> tuple[list[tuple[bytes, int, int, bool]], list[list[str]]]:
    jobs, labels = [], []
    for index, name in enumerate(BENCHMARKS):
        records = [(path, class_name(record), split == "test")
                   for split in ("train", "test") for path, record in read_manifest(folder, name, split)]
        names = sorted({label for _, label, _ in records})
        labels.append(names)
        jobs.extend((path.read_bytes(), index, names.index(label), test) for path, label, test in records)
    return jobs, labels


def measured_images(folder: Path) -> list[bytes]:
    """Every image of every set that has a test manifest, boxes included."""
    sets = sorted(path.parent.name for path in folder.glob("*/test.manifest"))
    return [path.read_bytes() for name in sets for split in ("train", "test") for path, _ in read_manifest(folder, name, split)]


def repeats(items: list[Item], measured: list[Item]) -> list[tuple[int, int, float]]:
    """Pretraining images that show the same picture as a measured one: both indices, and how far apart they are."""
    digests = {item.digest for item in measured}
    others = numpy.stack([item.thumbnail for item in measured])
    mirrored = others.reshape(-1, THUMBNAIL, THUMBNAIL, 3)[:, :, ::-1].reshape(others.shape)
    both = numpy.concatenate([others, mirrored])
    squares = (both**2).sum(1)
    found = []
    for start in range(0, len(items), 256):
        part = numpy.stack([item.thumbnail for item in items[start : start + 256]])
        # The root mean square finds candidates fast; the mean of the absolute values decides.
        nearest = (squares - 2 * part @ both.T).argmin(1)
        distances = numpy.abs(both[nearest] - part).mean(1)
        for index, (near, apart) in enumerate(zip(nearest, distances), start):
            if apart < SAME or items[index].digest in digests:
                found.append((index, int(near % len(others)), float(apart)))
    return found


def save(path: Path, items: list[Item], names: list[dict], side: int) -> None:
    numpy.savez(
        path,
        data=numpy.frombuffer(b"".join(item.data for item in items), numpy.uint8),
        ends=numpy.cumsum([len(item.data) for item in items]),
        source=numpy.array([item.source for item in items], numpy.uint8),
        label=numpy.array([item.label for item in items], numpy.int16),
        test=numpy.array([item.test for item in items]),
        meta=numpy.array(json.dumps({"side": side, "sources": names})),
    )
    print(f"{path}: {len(items)} images, {path.stat().st_size / 2**20:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=104)
    parser.add_argument("--quality", type=int, default=70)
    parser.add_argument("--benchmark-side", type=int, default=112)
    parser.add_argument("--benchmark-quality", type=int, default=75)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    data = data_folder()

    jobs, labels = read_benchmarks(data)
    items = pack(jobs, options.benchmark_side, options.benchmark_quality)
    names = [{"name": name, "labels": names} for name, names in zip(BENCHMARKS, labels)]
    save(options.folder / "benchmark.npz", items, names, options.benchmark_side)

    measured = pack([(image, 0, 0, False) for image in measured_images(data)], THUMBNAIL, 50)
    jobs, labels = read_sources(data)
    items = pack(jobs, options.side, options.quality)
    found = repeats(items, measured)
    for index, other, apart in found:
        source = SOURCES[items[index].source]
        print(f"left out: {source.name}/{labels[items[index].source][items[index].label]} image {index}, "
              f"like measured image {other}, {apart:.1f} apart")
    print(f"compared with {len(measured)} measured images: {len(found)} of {len(items)} left out")
    left_out = {index for index, *_ in found}
    names = [{**asdict(source), "labels": names} for source, names in zip(SOURCES, labels)]
    save(options.folder / "pretrain.npz", [item for i, item in enumerate(items) if i not in left_out], names, options.side)


if __name__ == "__main__":
    main()

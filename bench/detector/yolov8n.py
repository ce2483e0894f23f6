"""A peer of the detector: YOLOv8 nano from fresh weights, as Ultralytics trains it, for as many seconds as Ocellus took.
Called by peers.ts. Wants the package `ultralytics` (AGPL-3.0: a tool of this benchmark, no part of Ocellus).

Usage: python yolov8n.py ORDER.json      prints {"seconds", "about", "detections": [[[label, score, left, top, width, height],
                                         ...] per test image]}, boxes as shares of the image
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

# Ultralytics talks on standard output, with a stream that it takes when it is imported.
ANSWER = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from ultralytics import YOLO  # noqa: E402

BATCH = 16


def write_dataset(order: dict, folder: Path) -> Path:
    """The training images as links with a text file of boxes each; returns the YAML file that names them."""
    images, texts = folder / "images", folder / "labels"
    images.mkdir()
    texts.mkdir()
    for i, picture in enumerate(order["training"]):
        (images / f"{i}{Path(picture['file']).suffix}").symlink_to(Path(picture["file"]).resolve())
        rows = [
            f"{b['label']} {b['left'] + b['width'] / 2} {b['top'] + b['height'] / 2} {b['width']} {b['height']}"
            for b in picture["boxes"]
        ]
        (texts / f"{i}.txt").write_text("\n".join(rows))
    names = dict(enumerate(order["labels"]))
    description = folder / "data.yaml"
    # JSON is YAML. Nothing is validated; the member has to be there.
    description.write_text(json.dumps({"path": str(folder), "train": "images", "val": "images", "names": names}))
    return description


def train(order: dict, folder: Path) -> YOLO:
    model = YOLO("yolov8n.yaml")
    model.train(
        data=str(write_dataset(order, folder)),
        time=order["seconds"] / 3600,
        imgsz=order["longer"],
        batch=BATCH,
        nbs=BATCH,  # a step per batch: gradients of four batches each would be few steps in so short a time
        cos_lr=True,
        pretrained=False,
        seed=order["seed"],
        device="cpu",
        amp=False,
        cache="ram",
        workers=1,
        val=False,
        plots=False,
        project=str(folder),
        name="run",
    )
    return YOLO(folder / "run" / "weights" / "last.pt")


def detect(model: YOLO, order: dict) -> list[list[list[float]]]:
    found = []
    for picture in order["testing"]:
        boxes = model.predict(picture["file"], imgsz=order["longer"], conf=0.01, device="cpu", verbose=False)[0].boxes
        rows = zip(boxes.cls.tolist(), boxes.conf.tolist(), boxes.xywhn.tolist())
        found.append([[int(label), score, x - w / 2, y - h / 2, w, h] for label, score, (x, y, w, h) in rows])
    return found


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text())
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        model = train(order, Path(folder))
        seconds = time.perf_counter() - begun
        detections = detect(model, order)
    about = f"YOLOv8n, {order['longer']} pixels"
    print(json.dumps({"seconds": seconds, "about": about, "detections": detections}), file=ANSWER)


if __name__ == "__main__":
    main()

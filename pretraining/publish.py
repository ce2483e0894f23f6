"""Makes a run's backbone the one that comes with Ocellus.

Usage: python -m pretraining.publish pretraining/runs/NAME --as ocellus-residual-v1 [--input-size 128]

Writes models/backbone, which has the form of a backbone in a data directory (src/backbones/library.ts): backbone.onnx,
backbone.json (name and preprocessing) and added.json (checksum). Besides card.json (data, licences, recipe, figures) and
README.md (the same to read). What was there before is replaced; nothing else names the file.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

from pretraining.export import WithMiddle, write
from pretraining.probe import load_backbone

# What a package may carry.
MAXIMUM_BYTES = 12_000_000

LIMITS = (
    "It was trained on small photographs of objects, food, animals and sports, and on images made by formula: text, "
    "aerial and medical pictures are far from what it has seen.",
    "Photographs were 104 px squares: detail that shows only at higher resolution was never learnt.",
    "It names nothing by itself: it gives features, to train your own model on.",
)

# Why the sources of weaker licence evidence are used, too.
WIDE = (
    "The sources from sports100 on have weaker licence evidence. They are used since the network of the others alone (the strict variant), "
    "trained for as long, is more than a point of macro-F1 behind this one, in linear probes as in Ocellus's own fine-tuning (pretraining/RESULTS.md)."
)


def figures(results: Path, name: str) -> list[dict]:
    """The latest record of each task and set that was measured for the run; none when nothing was."""
    if not results.exists():
        return []
    records = [json.loads(line) for line in results.read_text().splitlines()]
    latest = {(r["task"], r["size"], r["set"]): r for r in records if r["name"] == name}
    return [{"task": task, "size": size, "set": each, "macroF1": record["mean"]} for (task, size, each), record in latest.items()]


def figure_table(measured: list[dict]) -> list[str]:
    if not measured:
        return ["None were measured."]
    rows = [f"| {f['set']} | {f['task']} | {f['size']} | {f['macroF1']:.3f} |" for f in measured]
    return ["| set | task | image side | macro-F1 |", "|---|---|---|---|", *rows]


def markdown(card: dict) -> str:
    recipe = card["recipe"]
    begin = f", begun from `{recipe['initial']}`" if recipe.get("initial") else ""
    lines = [
        f"# {card['name']}", "",
        f"The backbone that comes with Ocellus: {card['weights'] / 1e6:.1f} million weights, {card['bytes'] / 1e6:.1f} MB, "
        f"SHA-256 `{card['sha256']}`. Family `{card['family']}` of `pretraining/networks.py`. Apache-2.0, as Ocellus is.", "",
        f"Input `image` [N, 3, H, W]: RGB from 0 to 1, less {card['mean']}, divided by {card['std']}; Ocellus uses "
        f"{card['inputSize']} px squares. Outputs: `features` [N, {card['features']}] and the maps `stride8`, `stride16`, `stride32`.", "",
        f"## Data ({card['variant']} sources)", "", "| source | classes | images | licence evidence |", "|---|---|---|---|",
        *(f"| {s['name']} | {s['classes']} | {s['images']} | {s['licence']} |" for s in card["sources"]), "",
        *([WIDE, ""] if card["variant"] == "wide" else []),
        "No image of the sets of the benchmark was among them, and none of their sources.", "",
        "## Recipe", "",
        f"`pretraining/train.py`: {card['imagesSeen']:,} views of {' and '.join(map(str, recipe['sizes']))} px in {card['steps']:,} "
        f"steps, {card['seconds'] / 60:.0f} minutes{begin}. Settings are in `card.json`.", "",
        "## Figures (macro-F1 on test images)", "", *figure_table(card["figures"]), "",
        "`linear`: logistic regression on frozen features. `few`: the same on 10 images per class, mean of five draws. "
        "`tune`: the whole network trained further. See `pretraining/probe.py`.", "",
        "## Limits", "", *(f"- {limit}" for limit in card["limits"]), "",
    ]
    return "\n".join(lines)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--as", dest="name", required=True)
    parser.add_argument("--input-size", type=int, default=128, help="side in pixels that Ocellus trains and predicts with")
    parser.add_argument("--results", type=Path, default=Path("pretraining/runs/results.jsonl"))
    parser.add_argument("--folder", type=Path, default=Path("models/backbone"))
    options = parser.parse_args(arguments)
    card = json.loads((options.run / f"{options.run.name}.json").read_text())
    measured = figures(options.results, options.run.name)
    backbone = load_backbone(options.run / "weights.pt", card["family"])
    description = {
        "name": options.name, "inputSize": options.input_size, "mean": card["mean"], "std": card["std"], "output": "features",
    }
    path = write(backbone, options.folder, "backbone", description)
    data = path.read_bytes()
    if len(data) > MAXIMUM_BYTES:
        raise SystemExit(f"{path} has {len(data)} bytes, more than {MAXIMUM_BYTES}")
    digest = hashlib.sha256(data).hexdigest()
    card = {**card, "name": options.name, "features": WithMiddle(backbone).features, "sha256": digest, "bytes": len(data), "inputSize": options.input_size,
            "figures": measured, "limits": LIMITS}
    write_json(options.folder / "backbone.json", description)
    write_json(options.folder / "added.json",
               {"checksum": digest, "bytes": len(data), "from": "Ocellus", "addedAt": int(1000 * time.time())})
    write_json(options.folder / "card.json", card)
    (options.folder / "README.md").write_text(markdown(card))
    print(f"{path}: {options.name}, {len(data) / 1e6:.2f} MB, {digest}")


if __name__ == "__main__":
    main()

"""Puts a run's backbone into models/ with its model card.

Usage: python -m pretraining.publish pretraining/runs/NAME --as ocellus-residual-v0 [--results pretraining/runs/results.jsonl]

Writes models/AS.onnx, AS.json (name, version, checksum, data, licences, recipe, figures) and AS.md (the same to read).
"""

import argparse
import hashlib
import json
from pathlib import Path

from pretraining.export import write
from pretraining.probe import load_backbone

LIMITS = (
    "It was trained on small photographs of objects, food, animals and sports, and on images made by formula: text, "
    "aerial and medical pictures are far from what it has seen.",
    "Photographs were 104 px squares: detail that shows only at higher resolution was never learnt.",
    "It names nothing by itself: it gives features, to train your own model on.",
)


def figures(results: Path, name: str) -> list[dict]:
    """The latest record of each task and set that was measured for the run."""
    records = [json.loads(line) for line in results.read_text().splitlines()]
    latest = {(r["task"], r["size"], r["set"]): r for r in records if r["name"] == name and r["levels"] == 1}
    return [{"task": task, "size": size, "set": each, "macroF1": record["mean"]} for (task, size, each), record in latest.items()]


def markdown(card: dict) -> str:
    recipe = card["recipe"]
    lines = [
        f"# {card['name']}", "",
        f"{card['weights'] / 1e6:.1f} million weights, {card['bytes'] / 1e6:.1f} MB, SHA-256 `{card['sha256']}`.", "",
        f"Input `image` [N, 3, H, W]: RGB from 0 to 1, less {card['mean']}, by {card['std']}. Outputs: `features` "
        f"[N, {card['features']}] and the maps `stride8`, `stride16`, `stride32`.", "",
        f"## Data ({card['variant']} sources)", "", "| source | classes | images | licence evidence |", "|---|---|---|---|",
        *(f"| {s['name']} | {s['classes']} | {s['images']} | {s['licence']} |" for s in card["sources"]), "",
        "No image of the sets below was among them, and none of their sources.", "",
        "## Recipe", "",
        f"`pretraining/train.py`: {card['imagesSeen']:,} views of {' and '.join(map(str, recipe['sizes']))} px in {card['steps']:,} "
        f"steps, {card['seconds'] / 60:.0f} minutes. Settings are in the JSON file beside this one.", "",
        "## Figures (macro-F1 on test images)", "", "| set | task | image side | macro-F1 |", "|---|---|---|---|",
        *(f"| {f['set']} | {f['task']} | {f['size']} | {f['macroF1']:.3f} |" for f in card["figures"]), "",
        "## Limits", "", *(f"- {limit}" for limit in card["limits"]), "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--as", dest="name", required=True)
    parser.add_argument("--results", type=Path, default=Path("pretraining/runs/results.jsonl"))
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    card = json.loads((options.run / f"{options.run.name}.json").read_text())
    backbone = load_backbone(options.run / "weights.pt", card["family"])
    path = write(backbone, options.models, options.name, {"name": options.name, "mean": card["mean"], "std": card["std"]})
    data = path.read_bytes()
    card = {
        "name": options.name, "file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **card,
        "figures": figures(options.results, options.run.name), "limits": LIMITS,
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")
    path.with_suffix(".md").write_text(markdown(card))
    print(f"{path}: {len(data) / 1e6:.2f} MB, {card['sha256']}")


if __name__ == "__main__":
    main()

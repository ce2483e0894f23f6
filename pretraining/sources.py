"""What the backbone is trained on and what it is measured on."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """Labelled photographs with a label space of their own. `strict`: the licence evidence comes from the publisher."""

    name: str
    strict: bool
    licence: str
    # Images are drawn in proportion to their number times this.
    weight: float = 1.0


# Sources of few labels teach little per image and would be learnt by heart; ffml-food shows each dish three times only.
SOURCES = (
    Source("caltech101", True, "CC BY 4.0 by its publisher; photographs once collected from the web", 1.2),
    Source("fruits360", True, "MIT (licence file)"),
    Source("fod-a-crops", True, "MIT (licence file)"),
    Source("oxford-pets-3", True, "CC BY-SA 4.0 by its publisher", 0.5),
    Source("ffml-food", True, "MIT (licence file)", 0.7),
    Source("garbage-crops", True, "CC BY 4.0 stated by the uploader", 0.5),
    Source("sports100", False, "CC0 stated by an uploader who is probably not the author"),
    Source("butterflies-moths100", False, "CC0 stated by an uploader who is probably not the author"),
    Source("gtsrb", False, "CC0 stated by a re-uploader", 0.7),
    Source("popular-animals", False, "MIT covers the repository, the pictures are from the web", 1.2),
    Source("music-instruments10", False, "not stated"),
    Source("intel-scenes6", False, "not stated", 0.7),
)

# Single-label sets that linear probes and fine-tuning are measured on. Never trained on in pretraining.
BENCHMARKS = ("clothing", "flowers", "trash-sorting", "plant-disease", "steel-surface-cls", "ants-bees")


def data_folder() -> Path:
    """The folder of the shared image sets. Throws FileNotFoundError when there is none."""
    default = Path(__file__).parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("OCELLUS_TEST_DATA", default))
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist: set OCELLUS_TEST_DATA to the folder of the image sets")
    return folder

"""Evaluates detections with pycocotools: sets of pictures from standard input, what came of each to standard output, as JSON.

A set is {"labels": count, "pictures": [{"truth": [box, …], "detections": [box, …]}, …]}; a box is {"label", "left", "top",
"width", "height"}, a detection also has "score". A result is {"matches": [per picture, the index of the object that each
detection found, or null], "labels": [per label {"interpolated": precision at 101 recalls, "averagePrecision",
"maximumRecall"}, or null without objects]}; "recalls" beside the results are the 101 recalls.
"""

import contextlib
import json
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

RECALLS = np.linspace(0.0, 1.00, int(np.round((1.00 - 0.0) / 0.01)) + 1, endpoint=True)


def coco(pictures, key, labels):
    annotations = []
    for image, picture in enumerate(pictures):
        for index, box in enumerate(picture[key]):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "index": index,
                    "image_id": image + 1,
                    "category_id": box["label"] + 1,
                    "bbox": [box["left"], box["top"], box["width"], box["height"]],
                    "area": box["width"] * box["height"],
                    "iscrowd": 0,
                    **({"score": box["score"]} if "score" in box else {}),
                }
            )
    result = COCO()
    result.dataset = {
        "images": [{"id": image + 1} for image in range(len(pictures))],
        "categories": [{"id": label + 1} for label in range(labels)],
        "annotations": annotations,
    }
    result.createIndex()
    return result


def evaluate(given):
    pictures = given["pictures"]
    truth = coco(pictures, "truth", given["labels"])
    found = coco(pictures, "detections", given["labels"])
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.areaRng = [[0, 1e10]]
    evaluation.params.areaRngLbl = ["all"]
    evaluation.params.maxDets = [10_000]
    evaluation.evaluate()

    matches = [[None] * len(picture["detections"]) for picture in pictures]
    for one in evaluation.evalImgs:
        if one is None:
            continue
        for detection, match in zip(one["dtIds"], one["dtMatches"][0]):
            if match > 0:
                matches[one["image_id"] - 1][found.anns[detection]["index"]] = truth.anns[int(match)]["index"]

    def precisions(label, recalls):
        evaluation.params.recThrs = recalls
        evaluation.accumulate()
        return evaluation.eval["precision"][0, :, label, 0, 0]

    labels = []
    for label in range(given["labels"]):
        objects = len(truth.getAnnIds(catIds=[label + 1]))
        if objects == 0:
            labels.append(None)
            continue
        # Precision is a staircase over recall with a step at every object: in the middles of the steps nothing is rounded over
        # an edge, and their mean is the area.
        area = precisions(label, (np.arange(objects) + 0.5) / objects).mean()
        labels.append(
            {
                "interpolated": precisions(label, RECALLS).tolist(),
                "averagePrecision": float(area),
                "maximumRecall": float(evaluation.eval["recall"][0, label, 0, 0]),
            }
        )
    return {"matches": matches, "labels": labels}


with contextlib.redirect_stdout(sys.stderr):
    results = [evaluate(one) for one in json.load(sys.stdin)]
json.dump({"recalls": RECALLS.tolist(), "results": results}, sys.stdout)

"""The life of a model that finds objects, with boto3: `python objects.py PICTURES`.

PICTURES has images and boxes.json, {file name: {"size": [width, height], "boxes": [{"label", "left", "top", "width", "height"}]}},
in pixels. boto3 reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION.
"""

import json
import sys
import time
from pathlib import Path

import boto3

BUCKET = "boto3-objects"
pictures = Path(sys.argv[1])
s3 = boto3.client("s3")
rekognition = boto3.client("rekognition")
POLL = {"Delay": 1, "MaxAttempts": 600}


def wait_for(condition):
    while not condition():
        time.sleep(0.2)


def read_lines(place):
    body = s3.get_object(Bucket=place["S3Object"]["Bucket"], Key=place["S3Object"]["Name"])["Body"].read()
    return [json.loads(line) for line in body.decode().splitlines()]


# Pictures, and a data set with their boxes

boxes = json.loads((pictures / "boxes.json").read_text())
labels = sorted({box["label"] for one in boxes.values() for box in one["boxes"]})
lines = []
s3.create_bucket(Bucket=BUCKET)
for name, one in boxes.items():
    s3.upload_file(str(pictures / name), BUCKET, name)
    annotations = [
        {"class_id": labels.index(box["label"]), **{edge: box[edge] for edge in ["left", "top", "width", "height"]}}
        for box in one["boxes"]
    ]
    width, height = one["size"]
    line = {
        "source-ref": f"s3://{BUCKET}/{name}",
        "boxes": {"image_size": [{"width": width, "height": height, "depth": 3}], "annotations": annotations},
        "boxes-metadata": {
            "objects": [{"confidence": 1} for _ in annotations],
            "class-map": {str(number): label for number, label in enumerate(labels)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2026-03-06T17:46:39",
        },
    }
    lines.append(json.dumps(line))
project = rekognition.create_project(ProjectName="boto3-objects")["ProjectArn"]
sets = {
    kind: rekognition.create_dataset(ProjectArn=project, DatasetType=kind)["DatasetArn"] for kind in ["TRAIN", "TEST"]
}


def dataset(kind):
    return rekognition.describe_dataset(DatasetArn=sets[kind])["DatasetDescription"]


wait_for(lambda: dataset("TRAIN")["Status"] == dataset("TEST")["Status"] == "CREATE_COMPLETE")
rekognition.update_dataset_entries(DatasetArn=sets["TRAIN"], Changes={"GroundTruth": "\n".join(lines).encode()})
wait_for(lambda: dataset("TRAIN")["Status"] == "UPDATE_COMPLETE")
counted = rekognition.list_dataset_labels(DatasetArn=sets["TRAIN"])["DatasetLabelDescriptions"]
for one in counted:
    images = [each for each in boxes.values() if one["LabelName"] in [box["label"] for box in each["boxes"]]]
    assert one["LabelStats"] == {"EntryCount": len(images), "BoundingBoxCount": len(images)}, one
assert [one["LabelName"] for one in counted] == labels, counted
rekognition.distribute_dataset_entries(Datasets=[{"Arn": arn} for arn in sets.values()])
wait_for(lambda: dataset("TRAIN")["Status"] == dataset("TEST")["Status"] == "UPDATE_COMPLETE")
test_entries = dataset("TEST")["DatasetStats"]["TotalEntries"]
assert 0 < test_entries < len(boxes) / 2, test_entries
assert test_entries + dataset("TRAIN")["DatasetStats"]["TotalEntries"] == len(boxes)

# Training

version = rekognition.create_project_version(
    ProjectArn=project, VersionName="v1", OutputConfig={"S3Bucket": BUCKET, "S3KeyPrefix": "results"}
)["ProjectVersionArn"]
names = {"ProjectArn": project, "VersionNames": ["v1"]}
rekognition.get_waiter("project_version_training_completed").wait(**names, WaiterConfig=POLL)
[trained] = rekognition.describe_project_versions(**names)["ProjectVersionDescriptions"]
[summary] = read_lines(trained["EvaluationResult"]["Summary"])
figures = summary["AggregatedEvaluationResults"]
print("mean average precision", figures["AveragePrecision"], "recall", figures["AverageRecall"])
assert "ConfusionMatrix" not in figures, figures
assert figures["F1Score"] == trained["EvaluationResult"]["F1Score"], figures
assert summary["EvaluationDetails"]["Labels"] == labels, summary
[manifest] = read_lines(trained["ManifestSummary"])
assert manifest["statistics"]["training"]["use_case"] == "OBJECT_LOCALIZATION", manifest
snapshot = read_lines(trained["TestingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"])
assert len(snapshot) == test_entries, snapshot

# Looking at a picture

rekognition.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1)
rekognition.get_waiter("project_version_running").wait(**names, WaiterConfig=POLL)
name = snapshot[0]["source-ref"].split("/")[-1]
found = rekognition.detect_custom_labels(
    ProjectVersionArn=version,
    Image={"S3Object": {"Bucket": BUCKET, "Name": name}},
    MinConfidence=0,
    MaxResults=5,
)["CustomLabels"]
assert 0 < len(found) <= 5, found
confidences = [label["Confidence"] for label in found]
assert confidences == sorted(confidences, reverse=True), found
for label in found:
    box = label["Geometry"]["BoundingBox"]
    print(name, label["Name"], label["Confidence"], box)
    assert label["Name"] in labels and "Polygon" not in label["Geometry"], label
    assert box["Width"] > 0 and box["Height"] > 0 and box["Left"] >= 0 and box["Top"] >= 0, label
    assert box["Left"] + box["Width"] <= 1.000001 and box["Top"] + box["Height"] <= 1.000001, label

# What the evaluation has found in this picture is what the running model finds, in whole pixels

judged = snapshot[0]["rekognition-custom-labels-evaluation"]["annotations"][0]
box = found[0]["Geometry"]["BoundingBox"]
width, height = boxes[name]["size"]
for edge, share in [("left", box["Left"] * width), ("top", box["Top"] * height), ("width", box["Width"] * width)]:
    assert abs(judged[edge] - share) <= 1.01, (judged, found[0])

rekognition.stop_project_version(ProjectVersionArn=version)
wait_for(lambda: rekognition.describe_project_versions(**names)["ProjectVersionDescriptions"][0]["Status"] == "STOPPED")
rekognition.delete_project_version(ProjectVersionArn=version)
wait_for(lambda: not rekognition.describe_project_versions(**names)["ProjectVersionDescriptions"])
for arn in sets.values():
    rekognition.delete_dataset(DatasetArn=arn)
wait_for(lambda: not rekognition.describe_projects(ProjectNames=["boto3-objects"])["ProjectDescriptions"][0]["Datasets"])
rekognition.delete_project(ProjectArn=project)
print("boto3: the life of a model that finds objects")

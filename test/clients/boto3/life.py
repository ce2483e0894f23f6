"""The life of a model with boto3: `python life.py PICTURES`, where PICTURES/train/LABEL/… and PICTURES/test/LABEL/… are images.

boto3 reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION.
"""

import json
import sys
import time
from pathlib import Path

import boto3
import botocore.exceptions

BUCKET = "boto3-pictures"
pictures = Path(sys.argv[1])
s3 = boto3.client("s3")
rekognition = boto3.client("rekognition")
POLL = {"Delay": 1, "MaxAttempts": 600}


def refused(exception, call, **arguments):
    """The call must end with this exception and no other."""
    try:
        call(**arguments)
    except exception as error:
        print(f"refused, {error.response['Error']['Code']}: {error.response['Error']['Message']}")
        return error
    raise AssertionError(f"expected {exception.__name__}")


def wait_for(condition):
    while not condition():
        time.sleep(0.2)


# Pictures and manifests

s3.create_bucket(Bucket=BUCKET)
s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
manifest_version = {}
for part in ["train", "test"]:
    lines = []
    for file in sorted((pictures / part).glob("*/*")):
        key = file.relative_to(pictures).as_posix()
        s3.upload_file(str(file), BUCKET, key)
        metadata = {
            "class-name": file.parent.name,
            "confidence": 1,
            "human-annotated": "yes",
            "creation-date": "2026-03-06T17:46:39.176",
            "type": "groundtruth/image-classification",
        }
        lines.append(json.dumps({"source-ref": f"s3://{BUCKET}/{key}", "kind": 1, "kind-metadata": metadata}))
    put = s3.put_object(Bucket=BUCKET, Key=f"{part}.manifest", Body="\n".join(lines).encode())
    manifest_version[part] = put["VersionId"]


def manifest(part):
    place = {"Bucket": BUCKET, "Name": f"{part}.manifest", "Version": manifest_version[part]}
    return {"Assets": [{"GroundTruthManifest": {"S3Object": place}}]}


# Training: with manifests for both, and with a test set that is split off

project = rekognition.create_project(ProjectName="boto3-kinds", Feature="CUSTOM_LABELS", Tags={"client": "boto3"})[
    "ProjectArn"
]
common = {
    "ProjectArn": project,
    "OutputConfig": {"S3Bucket": BUCKET, "S3KeyPrefix": "results"},
    "TrainingData": manifest("train"),
}
everything = {
    **common,
    "VersionName": "v1",
    "TestingData": {"Assets": manifest("test")["Assets"], "AutoCreate": False},
    "Tags": {"stage": "first"},
    "VersionDescription": "boto3's first model",
    "FeatureConfig": {},
}
error = refused(
    rekognition.exceptions.InvalidParameterException,
    rekognition.create_project_version,
    **{**everything, "KmsKeyId": "alias/mine"},
)
assert error.response["Error"]["Message"] == "KmsKeyId is not supported yet.", error
refused(
    rekognition.exceptions.InvalidParameterException,
    rekognition.create_project_version,
    **{**everything, "FeatureConfig": {"ContentModeration": {"ConfidenceThreshold": 70}}},
)
version = rekognition.create_project_version(**everything)["ProjectVersionArn"]
refused(rekognition.exceptions.ResourceInUseException, rekognition.create_project_version, **everything)
rekognition.create_project_version(**common, VersionName="v2", TestingData={"AutoCreate": True})
rekognition.get_waiter("project_version_training_completed").wait(ProjectArn=project, WaiterConfig=POLL)

# What came of it, in pages of one

pages = list(
    rekognition.get_paginator("describe_project_versions").paginate(
        ProjectArn=project, PaginationConfig={"PageSize": 1}
    )
)
versions = [description for page in pages for description in page["ProjectVersionDescriptions"]]
assert [len(page["ProjectVersionDescriptions"]) for page in pages] == [1, 1], pages
assert [one["ProjectVersionArn"].split("/")[3] for one in versions] == ["v2", "v1"], versions
first = versions[1]
assert first["ProjectVersionArn"] == version and first["Status"] == "TRAINING_COMPLETED", first
assert first["VersionDescription"] == "boto3's first model" and first["BillableTrainingTimeInSeconds"] >= 1, first
assert first["TestingDataResult"]["Input"] == everything["TestingData"], first
assert 0 <= first["EvaluationResult"]["F1Score"] <= 1, first
summary = first["EvaluationResult"]["Summary"]["S3Object"]
assert json.load(s3.get_object(Bucket=summary["Bucket"], Key=summary["Name"])["Body"])["AggregatedEvaluationResults"]
projects = rekognition.get_paginator("describe_projects").paginate(PaginationConfig={"PageSize": 1})
assert project in [one["ProjectArn"] for page in projects for one in page["ProjectDescriptions"]]

# Looking at pictures

too_many = {"ProjectVersionArn": version, "MinInferenceUnits": 1, "MaxInferenceUnits": 1000}
refused(rekognition.exceptions.LimitExceededException, rekognition.start_project_version, **too_many)
started = rekognition.start_project_version(ProjectVersionArn=version, MinInferenceUnits=1, MaxInferenceUnits=2)
assert started["Status"] == "STARTING", started
rekognition.get_waiter("project_version_running").wait(ProjectArn=project, VersionNames=["v1"], WaiterConfig=POLL)
for file in sorted((pictures / "test").glob("*/*")):
    stored = {"S3Object": {"Bucket": BUCKET, "Name": file.relative_to(pictures).as_posix()}}
    for image in [{"Bytes": file.read_bytes()}, stored]:
        answer = rekognition.detect_custom_labels(
            ProjectVersionArn=version, Image=image, MinConfidence=0, MaxResults=1
        )
        [label] = answer["CustomLabels"]
        print(file.name, label["Name"], label["Confidence"])
        assert label["Name"] == file.parent.name and 0 <= label["Confidence"] <= 100, label

# Tags

rekognition.tag_resource(ResourceArn=version, Tags={"stage": "second", "colour": "blau und grün"})
rekognition.untag_resource(ResourceArn=version, TagKeys=["stage"])
assert rekognition.list_tags_for_resource(ResourceArn=version)["Tags"] == {"colour": "blau und grün"}

# Copying into another project, which the policies of the first one let others do, too

other = rekognition.create_project(ProjectName="boto3-copies")["ProjectArn"]
statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "rekognition:CopyProjectVersion", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
revision = rekognition.put_project_policy(ProjectArn=project, PolicyName="all", PolicyDocument=policy)
[listed] = rekognition.list_project_policies(ProjectArn=project)["ProjectPolicies"]
assert listed["PolicyRevisionId"] == revision["PolicyRevisionId"], listed
assert json.loads(listed["PolicyDocument"]) == json.loads(policy), listed
rekognition.delete_project_policy(ProjectArn=project, PolicyName="all")
copying = {"DestinationProjectArn": other, "VersionName": "copy", "OutputConfig": {"S3Bucket": BUCKET}}
account = project.split(":")[4]
refused(
    rekognition.exceptions.AccessDeniedException,
    rekognition.copy_project_version,
    SourceProjectArn=project.replace(account, "999999999999"),
    SourceProjectVersionArn=version.replace(account, "999999999999"),
    **copying,
)
copy = rekognition.copy_project_version(
    SourceProjectArn=project, SourceProjectVersionArn=version, Tags={"of": "v1"}, **copying
)["ProjectVersionArn"]


def status(project, name):
    described = rekognition.describe_project_versions(ProjectArn=project, VersionNames=[name])
    return [one["Status"] for one in described["ProjectVersionDescriptions"]]


wait_for(lambda: status(other, "copy") != ["COPYING_IN_PROGRESS"])
assert status(other, "copy") == ["COPYING_COMPLETED"]

# A data set

source = {"GroundTruthManifest": manifest("train")["Assets"][0]["GroundTruthManifest"]}
dataset = rekognition.create_dataset(ProjectArn=other, DatasetType="TRAIN", DatasetSource=source)["DatasetArn"]


def dataset_status():
    return rekognition.describe_dataset(DatasetArn=dataset)["DatasetDescription"]["Status"]


wait_for(lambda: dataset_status() != "CREATE_IN_PROGRESS")
pages = rekognition.get_paginator("list_dataset_entries").paginate(
    DatasetArn=dataset, PaginationConfig={"PageSize": 5}
)
entries = [entry for page in pages for entry in page["DatasetEntries"]]
assert len(entries) == len(list((pictures / "train").glob("*/*"))), entries
unlabelled = json.dumps({"source-ref": f"s3://{BUCKET}/{file.relative_to(pictures).as_posix()}"})
rekognition.update_dataset_entries(DatasetArn=dataset, Changes={"GroundTruth": unlabelled.encode()})
wait_for(lambda: dataset_status() != "UPDATE_IN_PROGRESS")
assert dataset_status() == "UPDATE_COMPLETE"
labels = rekognition.list_dataset_labels(DatasetArn=dataset)["DatasetLabelDescriptions"]
assert {one["LabelName"] for one in labels} == {folder.name for folder in (pictures / "train").iterdir()}, labels
rekognition.delete_dataset(DatasetArn=dataset)
wait_for(lambda: not rekognition.describe_projects(ProjectNames=["boto3-copies"])["ProjectDescriptions"][0]["Datasets"])

# Stopping, and leaving nothing behind

refused(rekognition.exceptions.ResourceInUseException, rekognition.delete_project_version, ProjectVersionArn=version)
assert rekognition.stop_project_version(ProjectVersionArn=version)["Status"] == "STOPPING"
wait_for(lambda: status(project, "v1") != ["STOPPING"])
assert status(project, "v1") == ["STOPPED"]
for arn in [*(one["ProjectVersionArn"] for one in versions), copy]:
    assert rekognition.delete_project_version(ProjectVersionArn=arn)["Status"] == "DELETING"
wait_for(lambda: not status(project, "v1") + status(project, "v2") + status(other, "copy"))
for arn in [project, other]:
    rekognition.delete_project(ProjectArn=arn)
wait_for(
    lambda: not rekognition.describe_projects(ProjectNames=["boto3-kinds", "boto3-copies"])["ProjectDescriptions"]
)
refused(rekognition.exceptions.ResourceNotFoundException, rekognition.describe_project_versions, ProjectArn=project)
boto3.resource("s3").Bucket(BUCKET).object_versions.delete()
s3.delete_bucket(Bucket=BUCKET)
refused(botocore.exceptions.ClientError, s3.head_bucket, Bucket=BUCKET)
print("boto3: the whole life of a model")

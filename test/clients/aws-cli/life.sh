#!/usr/bin/env bash
# The life of a model with the AWS CLI: `life.sh PICTURES`, where PICTURES/train/LABEL/… and PICTURES/test/LABEL/… are
# images. The CLI reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION.
set -euo pipefail

pictures=$1
bucket=cli-pictures
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rekognition() { aws rekognition "$@"; }

fail() {
  echo "$1" >&2
  exit 1
}

# refused CODE COMMAND …: the command must end with this error of the service.
refused() {
  local code=$1 status=0
  shift
  "$@" 2>"$scratch/error" >"$scratch/output" || status=$?
  cat "$scratch/error"
  [ $status -eq 255 ] || fail "expected status 255 of $*, got $status"
  grep -q "An error occurred ($code) when calling the" "$scratch/error" || fail "expected $code of $*"
}

# equal WANTED GOT
equal() { [ "$1" = "$2" ] || fail "expected $1, got $2"; }

# until_equal WANTED COMMAND …
until_equal() {
  local wanted=$1
  shift
  until [ "$("$@")" = "$wanted" ]; do sleep 0.2; done
}

echo '# Pictures and manifests'
aws s3 mb "s3://$bucket"
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3 cp --quiet --recursive "$pictures" "s3://$bucket/"
for part in train test; do
  for file in "$pictures/$part"/*/*; do
    label=$(basename "$(dirname "$file")")
    echo "{\"source-ref\": \"s3://$bucket/${file#"$pictures"/}\", \"kind\": 1, \"kind-metadata\": {\"class-name\": \"$label\"," \
      '"confidence": 1, "human-annotated": "yes", "creation-date": "2026-03-06T17:46:39.176",' \
      '"type": "groundtruth/image-classification"}}'
  done >"$scratch/$part.manifest"
done
put() { aws s3api put-object --bucket "$bucket" --key "$1" --body "$scratch/$1" --query VersionId --output text; }
train_version=$(put train.manifest)
test_version=$(put test.manifest)

echo '# Training: everything in a file, and the short form on the line'
project=$(rekognition create-project --project-name cli-kinds --feature CUSTOM_LABELS --tags client=cli \
  --query ProjectArn --output text)
skeleton=$(rekognition create-project-version --generate-cli-skeleton)
for member in ProjectArn VersionName OutputConfig TrainingData TestingData Tags KmsKeyId VersionDescription FeatureConfig; do
  grep -q "\"$member\"" <<<"$skeleton" || fail "the skeleton has no $member"
done
cat >"$scratch/v1.json" <<JSON
{
  "ProjectArn": "$project",
  "VersionName": "overridden",
  "OutputConfig": { "S3Bucket": "$bucket", "S3KeyPrefix": "results" },
  "TrainingData": { "Assets": [{ "GroundTruthManifest":
    { "S3Object": { "Bucket": "$bucket", "Name": "train.manifest", "Version": "$train_version" } } }] },
  "TestingData": { "AutoCreate": false, "Assets": [{ "GroundTruthManifest":
    { "S3Object": { "Bucket": "$bucket", "Name": "test.manifest", "Version": "$test_version" } } }] },
  "Tags": { "stage": "first" },
  "VersionDescription": "The first model",
  "FeatureConfig": {}
}
JSON
create_v1() {
  rekognition create-project-version --cli-input-json "file://$scratch/v1.json" --version-name v1 "$@" \
    --query ProjectVersionArn --output text
}
refused InvalidParameterException create_v1 --kms-key-id alias/mine
grep -q 'KmsKeyId is not supported yet.' "$scratch/error"
refused InvalidParameterException create_v1 --feature-config 'ContentModeration={ConfidenceThreshold=70}'
version=$(create_v1)
refused ResourceInUseException create_v1
rekognition create-project-version --project-arn "$project" --version-name v2 \
  --output-config "S3Bucket=$bucket,S3KeyPrefix=results" \
  --training-data "{\"Assets\":[{\"GroundTruthManifest\":{\"S3Object\":{\"Bucket\":\"$bucket\",\"Name\":\"train.manifest\"}}}]}" \
  --testing-data AutoCreate=true
rekognition wait project-version-training-completed --project-arn "$project"

echo '# What came of it'
described=$(rekognition describe-project-versions --project-arn "$project" --version-names v1 \
  --query 'ProjectVersionDescriptions[0].[ProjectVersionArn, Status, VersionDescription]' --output text)
equal "$version"$'\tTRAINING_COMPLETED\tThe first model' "$described"
rekognition describe-project-versions --project-arn "$project" --query 'ProjectVersionDescriptions[].EvaluationResult'
names() {
  rekognition describe-project-versions --project-arn "$project" --output text \
    --query "ProjectVersionDescriptions[].ProjectVersionArn" "$@" | tr '\t' '\n' | cut -d/ -f4 | xargs
}
equal 'v2 v1' "$(names --page-size 1)"
equal 'v2' "$(names --max-items 1 | cut -d' ' -f1)"
summary=$(rekognition describe-project-versions --project-arn "$project" --version-names v1 --output text \
  --query 'ProjectVersionDescriptions[0].EvaluationResult.Summary.S3Object | join(`/`, [`s3:/`, Bucket, Name])')
aws s3 cp "$summary" - | grep -q AggregatedEvaluationResults

echo '# Looking at pictures'
start() { rekognition start-project-version --project-version-arn "$version" --min-inference-units "$@"; }
refused LimitExceededException start 1 --max-inference-units 1000
start 1 --max-inference-units 2
rekognition wait project-version-running --project-arn "$project" --version-names v1
detect() {
  rekognition detect-custom-labels --project-version-arn "$version" --min-confidence 0 --max-results 1 \
    --query 'CustomLabels[].Name' --output text "$@"
}
for label in "$pictures"/test/*; do
  picture=$(ls "$label"/* | head -n 1)
  equal "$(basename "$label")" "$(detect --image-bytes "fileb://$picture")"
  equal "$(basename "$label")" "$(detect --image "{\"S3Object\":{\"Bucket\":\"$bucket\",\"Name\":\"${picture#"$pictures"/}\"}}")"
done

echo '# Tags'
rekognition tag-resource --resource-arn "$version" --tags stage=second,colour=grün
rekognition untag-resource --resource-arn "$version" --tag-keys stage
equal grün "$(rekognition list-tags-for-resource --resource-arn "$version" --query 'Tags.colour' --output text)"

echo '# Copying'
other=$(rekognition create-project --project-name cli-copies --query ProjectArn --output text)
policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},
  "Action":"rekognition:CopyProjectVersion","Resource":"*"}]}'
rekognition put-project-policy --project-arn "$project" --policy-name all --policy-document "$policy"
equal all "$(rekognition list-project-policies --project-arn "$project" --query 'ProjectPolicies[].PolicyName' --output text)"
rekognition delete-project-policy --project-arn "$project" --policy-name all
copy() {
  rekognition copy-project-version --source-project-arn "$1" --source-project-version-arn "$2" --tags of=v1 \
    --destination-project-arn "$other" --version-name copy --output-config "S3Bucket=$bucket" \
    --query ProjectVersionArn --output text
}
account=$(cut -d: -f5 <<<"$project")
refused AccessDeniedException copy "${project/$account/999999999999}" "${version/$account/999999999999}"
copied=$(copy "$project" "$version")
status() {
  rekognition describe-project-versions --project-arn "$1" --version-names "$2" --output text \
    --query 'ProjectVersionDescriptions[].Status'
}
until_equal COPYING_COMPLETED status "$other" copy

echo '# Stopping, and leaving nothing behind'
refused ResourceInUseException rekognition delete-project-version --project-version-arn "$version"
rekognition stop-project-version --project-version-arn "$version"
until_equal STOPPED status "$project" v1
for arn in "$copied" $(rekognition describe-project-versions --project-arn "$project" --output text \
  --query 'ProjectVersionDescriptions[].ProjectVersionArn'); do
  rekognition delete-project-version --project-version-arn "$arn"
done
until_equal '' names
until_equal '' status "$other" copy
rekognition delete-project --project-arn "$project"
rekognition delete-project --project-arn "$other"
until_equal '' rekognition describe-projects --project-names cli-kinds cli-copies --query 'ProjectDescriptions[]' --output text
refused ResourceNotFoundException rekognition describe-project-versions --project-arn "$project"
objects='{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}}'
aws s3api list-object-versions --bucket "$bucket" --query "$objects" --output json >"$scratch/objects.json"
aws s3api delete-objects --bucket "$bucket" --delete "file://$scratch/objects.json" --query Errors
aws s3 rb "s3://$bucket"
echo 'AWS CLI: the whole life of a model'

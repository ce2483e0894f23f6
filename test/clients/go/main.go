// The life of a model with the AWS SDK for Go: `go run . PICTURES`, where PICTURES/train/LABEL/… and
// PICTURES/test/LABEL/… are images. The SDK reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var ctx = context.Background()

// must gives the answer of a call that has to succeed.
func must[T any](answer T, err error) T {
	if err != nil {
		log.Panic(err)
	}
	return answer
}

func check(holds bool, what any) {
	if !holds {
		log.Panic(what)
	}
}

// refused gives the exception of a call that must end with this one and no other.
func refused[E error, T any](_ T, err error) E {
	var exception E
	check(errors.As(err, &exception), fmt.Sprintf("expected %T, got %v", exception, err))
	fmt.Println("refused,", exception)
	return exception
}

func waitFor(condition func() bool) {
	for !condition() {
		time.Sleep(200 * time.Millisecond)
	}
}

func asset(object *types.S3Object) types.Asset {
	return types.Asset{GroundTruthManifest: &types.GroundTruthManifest{S3Object: object}}
}

// life is a project with its bucket.
type life struct {
	client   *rekognition.Client
	bucket   bucket
	pictures string
	training *types.S3Object
	testing  *types.S3Object
	project  *string
}

// createV1 has every member of CreateProjectVersion but the key.
func (l life) createV1() *rekognition.CreateProjectVersionInput {
	return &rekognition.CreateProjectVersionInput{
		ProjectArn:         l.project,
		VersionName:        aws.String("v1"),
		OutputConfig:       &types.OutputConfig{S3Bucket: &l.bucket.name, S3KeyPrefix: aws.String("results")},
		TrainingData:       &types.TrainingData{Assets: []types.Asset{asset(l.training)}},
		TestingData:        &types.TestingData{Assets: []types.Asset{asset(l.testing)}, AutoCreate: false},
		Tags:               map[string]string{"stage": "first"},
		VersionDescription: aws.String("Go's first model"),
		FeatureConfig:      &types.CustomizationFeatureConfig{},
	}
}

// train makes a version with manifests for both, and one that splits off its test set.
func (l life) train() *string {
	withKey := l.createV1()
	withKey.KmsKeyId = aws.String("alias/mine")
	refusal := refused[*types.InvalidParameterException](l.client.CreateProjectVersion(ctx, withKey))
	check(refusal.ErrorMessage() == "KmsKeyId is not supported yet.", refusal)
	moderated := l.createV1()
	moderated.FeatureConfig.ContentModeration = &types.CustomizationFeatureContentModerationConfig{
		ConfidenceThreshold: aws.Float32(70),
	}
	refused[*types.InvalidParameterException](l.client.CreateProjectVersion(ctx, moderated))
	version := must(l.client.CreateProjectVersion(ctx, l.createV1())).ProjectVersionArn
	refused[*types.ResourceInUseException](l.client.CreateProjectVersion(ctx, l.createV1()))
	must(l.client.CreateProjectVersion(ctx, &rekognition.CreateProjectVersionInput{
		ProjectArn:   l.project,
		VersionName:  aws.String("v2"),
		OutputConfig: &types.OutputConfig{S3Bucket: &l.bucket.name, S3KeyPrefix: aws.String("results")},
		TrainingData: &types.TrainingData{Assets: []types.Asset{asset(l.training)}},
		TestingData:  &types.TestingData{AutoCreate: true},
	}))
	quick := func(options *rekognition.ProjectVersionTrainingCompletedWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	}
	waiter := rekognition.NewProjectVersionTrainingCompletedWaiter(l.client, quick)
	both := &rekognition.DescribeProjectVersionsInput{ProjectArn: l.project}
	must(0, waiter.Wait(ctx, both, 10*time.Minute))
	return version
}

// describe looks at what came of it, in pages of one: the newest version first.
func (l life) describe(version string) []types.ProjectVersionDescription {
	input := &rekognition.DescribeProjectVersionsInput{ProjectArn: l.project, MaxResults: aws.Int32(1)}
	var versions []types.ProjectVersionDescription
	for pages := rekognition.NewDescribeProjectVersionsPaginator(l.client, input); pages.HasMorePages(); {
		page := must(pages.NextPage(ctx)).ProjectVersionDescriptions
		check(len(page) == 1, page)
		versions = append(versions, page...)
	}
	check(len(versions) == 2 && strings.Contains(*versions[0].ProjectVersionArn, "/version/v2/"), versions)
	first := versions[1]
	check(*first.ProjectVersionArn == version && first.Status == types.ProjectVersionStatusTrainingCompleted, first)
	check(*first.VersionDescription == "Go's first model" && *first.BillableTrainingTimeInSeconds >= 1, first)
	check(!first.TrainingEndTimestamp.Before(*first.CreationTimestamp), first)
	check(*first.EvaluationResult.F1Score >= 0 && *first.EvaluationResult.F1Score <= 1, first)
	summary := l.bucket.read(*first.EvaluationResult.Summary.S3Object.Name)
	check(strings.Contains(summary, "AggregatedEvaluationResults"), summary)
	return versions
}

func (l life) detect(version *string) {
	start := &rekognition.StartProjectVersionInput{
		ProjectVersionArn: version,
		MinInferenceUnits: aws.Int32(1),
		MaxInferenceUnits: aws.Int32(1000),
	}
	refused[*types.LimitExceededException](l.client.StartProjectVersion(ctx, start))
	start.MaxInferenceUnits = aws.Int32(2)
	started := must(l.client.StartProjectVersion(ctx, start))
	check(started.Status == types.ProjectVersionStatusStarting, started)
	quick := func(options *rekognition.ProjectVersionRunningWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	}
	first := &rekognition.DescribeProjectVersionsInput{ProjectArn: l.project, VersionNames: []string{"v1"}}
	must(0, rekognition.NewProjectVersionRunningWaiter(l.client, quick).Wait(ctx, first, time.Minute))
	for _, one := range readPictures(l.pictures, "test") {
		object := &types.S3Object{Bucket: &l.bucket.name, Name: &one.key}
		for _, image := range []*types.Image{{Bytes: one.bytes}, {S3Object: object}} {
			labels := must(l.client.DetectCustomLabels(ctx, &rekognition.DetectCustomLabelsInput{
				ProjectVersionArn: version,
				Image:             image,
				MinConfidence:     aws.Float32(0),
				MaxResults:        aws.Int32(1),
			})).CustomLabels
			check(len(labels) == 1 && *labels[0].Name == one.label, labels)
			fmt.Println(one.key, *labels[0].Name, *labels[0].Confidence)
		}
	}
}

func (l life) tag(version *string) {
	tags := map[string]string{"stage": "second", "colour": "blau und grün"}
	must(l.client.TagResource(ctx, &rekognition.TagResourceInput{ResourceArn: version, Tags: tags}))
	keys := []string{"stage"}
	must(l.client.UntagResource(ctx, &rekognition.UntagResourceInput{ResourceArn: version, TagKeys: keys}))
	delete(tags, "stage")
	listed := must(l.client.ListTagsForResource(ctx, &rekognition.ListTagsForResourceInput{ResourceArn: version}))
	check(maps.Equal(listed.Tags, tags), listed.Tags)
}

// copy copies into another project, which the policies of the first one let others do, too.
func (l life) copy(version, destination *string) *string {
	policy := &rekognition.PutProjectPolicyInput{
		ProjectArn: l.project,
		PolicyName: aws.String("all"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},
			"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`),
	}
	revision := must(l.client.PutProjectPolicy(ctx, policy)).PolicyRevisionId
	listed := must(l.client.ListProjectPolicies(ctx, &rekognition.ListProjectPoliciesInput{ProjectArn: l.project}))
	check(*listed.ProjectPolicies[0].PolicyRevisionId == *revision, listed.ProjectPolicies)
	must(l.client.DeleteProjectPolicy(ctx, &rekognition.DeleteProjectPolicyInput{
		ProjectArn: l.project,
		PolicyName: policy.PolicyName,
	}))
	account := strings.Split(*l.project, ":")[4]
	foreign := func(arn string) *string { return aws.String(strings.Replace(arn, account, "999999999999", 1)) }
	copying := &rekognition.CopyProjectVersionInput{
		SourceProjectArn:        foreign(*l.project),
		SourceProjectVersionArn: foreign(*version),
		DestinationProjectArn:   destination,
		VersionName:             aws.String("copy"),
		OutputConfig:            &types.OutputConfig{S3Bucket: &l.bucket.name},
		Tags:                    map[string]string{"of": "v1"},
	}
	refused[*types.AccessDeniedException](l.client.CopyProjectVersion(ctx, copying))
	copying.SourceProjectArn, copying.SourceProjectVersionArn = l.project, version
	arn := must(l.client.CopyProjectVersion(ctx, copying)).ProjectVersionArn
	waitFor(func() bool { return l.status(destination, "copy") != types.ProjectVersionStatusCopyingInProgress })
	check(l.status(destination, "copy") == types.ProjectVersionStatusCopyingCompleted, l.status(destination, "copy"))
	return arn
}

// status is empty when there is no such version.
func (l life) status(project *string, names ...string) types.ProjectVersionStatus {
	input := &rekognition.DescribeProjectVersionsInput{ProjectArn: project, VersionNames: names}
	versions := must(l.client.DescribeProjectVersions(ctx, input)).ProjectVersionDescriptions
	if len(versions) == 0 {
		return ""
	}
	return versions[0].Status
}

func (l life) end(running *string, versions []*string, projects []*string) {
	deletion := func(arn *string) (*rekognition.DeleteProjectVersionOutput, error) {
		return l.client.DeleteProjectVersion(ctx, &rekognition.DeleteProjectVersionInput{ProjectVersionArn: arn})
	}
	refused[*types.ResourceInUseException](deletion(running))
	stop := &rekognition.StopProjectVersionInput{ProjectVersionArn: running}
	check(must(l.client.StopProjectVersion(ctx, stop)).Status == types.ProjectVersionStatusStopping, "not stopping")
	waitFor(func() bool { return l.status(l.project, "v1") == types.ProjectVersionStatusStopped })
	for _, arn := range versions {
		must(deletion(arn))
	}
	for _, arn := range projects {
		waitFor(func() bool { return l.status(arn) == "" })
		must(l.client.DeleteProject(ctx, &rekognition.DeleteProjectInput{ProjectArn: arn}))
	}
	gone := &rekognition.DescribeProjectVersionsInput{ProjectArn: l.project}
	refused[*types.ResourceNotFoundException](l.client.DescribeProjectVersions(ctx, gone))
	l.bucket.remove()
}

func main() {
	settings := must(config.LoadDefaultConfig(ctx))
	l := life{
		client:   rekognition.NewFromConfig(settings),
		bucket:   bucket{client: s3.NewFromConfig(settings), name: "go-pictures"},
		pictures: os.Args[1],
	}
	create := func(name string) *string {
		return must(l.client.CreateProject(ctx, &rekognition.CreateProjectInput{
			ProjectName: &name,
			Feature:     types.CustomizationFeatureCustomLabels,
			Tags:        map[string]string{"client": "go"},
		})).ProjectArn
	}
	l.bucket.create()
	l.training, l.testing = l.bucket.upload(l.pictures, "train"), l.bucket.upload(l.pictures, "test")
	l.project = create("go-kinds")
	version := l.train()
	versions := l.describe(*version)
	l.detect(version)
	l.tag(version)
	other := create("go-copies")
	copied := l.copy(version, other)
	l.end(version, []*string{version, versions[0].ProjectVersionArn, copied}, []*string{l.project, other})
	fmt.Println("Go: the whole life of a model")
}

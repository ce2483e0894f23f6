package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

type picture struct {
	key, label string
	bytes      []byte
}

// readPictures reads one part: FOLDER/PART/LABEL/NAME.
func readPictures(folder, part string) []picture {
	var pictures []picture
	for _, file := range must(filepath.Glob(filepath.Join(folder, part, "*", "*"))) {
		key := filepath.ToSlash(must(filepath.Rel(folder, file)))
		pictures = append(pictures, picture{key, strings.Split(key, "/")[1], must(os.ReadFile(file))})
	}
	return pictures
}

// bucket is where the pictures lie.
type bucket struct {
	client *s3.Client
	name   string
}

func (b bucket) create() {
	must(b.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b.name}))
	versioning := &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}
	must(b.client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  &b.name,
		VersioningConfiguration: versioning,
	}))
}

// upload puts the pictures of a part and their manifest, and gives the manifest's place.
func (b bucket) upload(folder, part string) *types.S3Object {
	var lines strings.Builder
	for _, one := range readPictures(folder, part) {
		b.put(one.key, one.bytes)
		fmt.Fprintf(&lines, `{"source-ref":"s3://%s/%s","kind":1,"kind-metadata":{"class-name":"%s","confidence":1,`+
			`"human-annotated":"yes","creation-date":"2026-03-06T17:46:39.176","type":"groundtruth/image-classification"}}`+
			"\n", b.name, one.key, one.label)
	}
	name := part + ".manifest"
	return &types.S3Object{Bucket: &b.name, Name: &name, Version: b.put(name, []byte(lines.String()))}
}

func (b bucket) put(key string, body []byte) *string {
	return must(b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name,
		Key:    &key,
		Body:   bytes.NewReader(body),
	})).VersionId
}

func (b bucket) read(key string) string {
	object := must(b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key}))
	defer object.Body.Close()
	return string(must(io.ReadAll(object.Body)))
}

// remove deletes every version of every object, and the bucket.
func (b bucket) remove() {
	listed := must(b.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &b.name}))
	check(!aws.ToBool(listed.IsTruncated), "too many objects for one page")
	var objects []s3types.ObjectIdentifier
	for _, one := range listed.Versions {
		objects = append(objects, s3types.ObjectIdentifier{Key: one.Key, VersionId: one.VersionId})
	}
	deleted := must(b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &b.name,
		Delete: &s3types.Delete{Objects: objects},
	}))
	check(len(deleted.Errors) == 0, deleted.Errors)
	must(b.client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b.name}))
}

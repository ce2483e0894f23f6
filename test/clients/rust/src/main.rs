//! The life of a model with the AWS SDK for Rust: `cargo run -- PICTURES`, where PICTURES/train/LABEL/… and
//! PICTURES/test/LABEL/… are images. The SDK reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
//! AWS_REGION.
mod pictures;

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_rekognition as rekognition;
use pictures::{Bucket, Picture, line, read_pictures};
use rekognition::client::Waiters;
use rekognition::error::{ProvideErrorMetadata, SdkError};
use rekognition::primitives::Blob;
use rekognition::types::{
    Asset, CustomizationFeature, CustomizationFeatureConfig, CustomizationFeatureContentModerationConfig,
    DatasetChanges, DatasetSource, DatasetStatus, DatasetType, GroundTruthManifest, Image, OutputConfig,
    ProjectVersionDescription, ProjectVersionStatus, S3Object, TestingData, TrainingData,
};
use tokio::time::sleep;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const A_MOMENT: Duration = Duration::from_millis(200);

/// The call must have ended with the exception that `is_right` knows, and no other.
fn refused<T: Debug, E>(result: Result<T, SdkError<E>>, is_right: impl Fn(&E) -> bool) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let error = result.expect_err("should have been refused");
    let error = error.as_service_error().expect("an answer of the service");
    assert!(is_right(error), "refused with {error:?}");
    let message = error.message().expect("a message").to_string();
    println!("refused, {}: {message}", error.code().unwrap());
    message
}

/// The SDK's waiters look every two minutes, and once more when their time is over. Where a training takes seconds,
/// short waits follow each other.
macro_rules! wait {
    ($waiter:expr) => {
        while let Err(error) = $waiter.wait(Duration::from_secs(1)).await {
            assert!(format!("{error:?}").contains("ExceededMaxWait"), "{error:?}");
        }
    };
}

fn asset(object: S3Object) -> Asset {
    Asset::builder().ground_truth_manifest(manifest(object)).build()
}

fn manifest(object: S3Object) -> GroundTruthManifest {
    GroundTruthManifest::builder().s3_object(object).build()
}

/// A project with its two versions, and what was asked for.
struct Life {
    client: rekognition::Client,
    bucket: Bucket,
    tests: Vec<Picture>,
    trainings: Vec<Picture>,
    training: S3Object,
    testing: S3Object,
    project: String,
}

impl Life {
    async fn begin(client: rekognition::Client, bucket: Bucket, folder: &str) -> Outcome<Life> {
        let (trainings, tests) = (read_pictures(folder, "train")?, read_pictures(folder, "test")?);
        bucket.create().await?;
        let training = bucket.upload("train", &trainings).await?;
        let testing = bucket.upload("test", &tests).await?;
        let project = client
            .create_project()
            .project_name("rust-kinds")
            .feature(CustomizationFeature::CustomLabels)
            .tags("client", "rust")
            .send()
            .await?
            .project_arn
            .unwrap();
        Ok(Life { client, bucket, tests, trainings, training, testing, project })
    }

    /// CreateProjectVersion with every member but the key and the settings of moderation.
    fn create_v1(&self) -> rekognition::operation::create_project_version::builders::CreateProjectVersionFluentBuilder {
        let testing = TestingData::builder().assets(asset(self.testing.clone())).auto_create(false);
        self.client
            .create_project_version()
            .project_arn(&self.project)
            .version_name("v1")
            .output_config(self.output())
            .training_data(TrainingData::builder().assets(asset(self.training.clone())).build())
            .testing_data(testing.build())
            .tags("stage", "first")
            .version_description("Rust's first model")
            .feature_config(CustomizationFeatureConfig::builder().build())
    }

    fn output(&self) -> OutputConfig {
        OutputConfig::builder().s3_bucket(&self.bucket.name).s3_key_prefix("results").build()
    }

    /// The ARN of a version trained with manifests for both; another one has its test set split off.
    async fn train(&self) -> Outcome<String> {
        let with_key = self.create_v1().kms_key_id("alias/mine").send().await;
        let message = refused(with_key, |error| error.is_invalid_parameter_exception());
        assert_eq!(message, "KmsKeyId is not supported yet.");
        let moderation = CustomizationFeatureContentModerationConfig::builder().confidence_threshold(70.0).build();
        let moderation = CustomizationFeatureConfig::builder().content_moderation(moderation).build();
        let moderated = self.create_v1().feature_config(moderation).send().await;
        refused(moderated, |error| error.is_invalid_parameter_exception());
        let version = self.create_v1().send().await?.project_version_arn.unwrap();
        refused(self.create_v1().send().await, |error| error.is_resource_in_use_exception());
        self.client
            .create_project_version()
            .project_arn(&self.project)
            .version_name("v2")
            .output_config(self.output())
            .training_data(TrainingData::builder().assets(asset(self.training.clone())).build())
            .testing_data(TestingData::builder().auto_create(true).build())
            .send()
            .await?;
        wait!(self.client.wait_until_project_version_training_completed().project_arn(&self.project));
        Ok(version)
    }

    /// What came of it, in pages of one: the second version first.
    async fn describe(&self, version: &str) -> Outcome<Vec<ProjectVersionDescription>> {
        let mut pages =
            self.client.describe_project_versions().project_arn(&self.project).into_paginator().page_size(1).send();
        let mut versions = vec![];
        while let Some(page) = pages.next().await {
            let page = page?.project_version_descriptions.unwrap();
            assert_eq!(page.len(), 1);
            versions.extend(page);
        }
        let names: Vec<_> =
            versions.iter().map(|one| one.project_version_arn().unwrap().split('/').nth(3).unwrap()).collect();
        assert_eq!(names, ["v2", "v1"]);
        let first = &versions[1];
        assert_eq!(first.project_version_arn(), Some(version));
        assert_eq!(first.status(), Some(&ProjectVersionStatus::TrainingCompleted));
        assert_eq!(first.version_description(), Some("Rust's first model"));
        assert!(first.billable_training_time_in_seconds() >= Some(1));
        assert!(first.creation_timestamp() <= first.training_end_timestamp());
        let evaluation = first.evaluation_result().unwrap();
        assert!((0.0..=1.0).contains(&evaluation.f1_score().unwrap()));
        let summary = self.bucket.read(evaluation.summary().unwrap().s3_object().unwrap().name().unwrap()).await?;
        assert!(summary.contains("AggregatedEvaluationResults"));
        Ok(versions)
    }

    async fn detect(&self, version: &str) -> Outcome {
        let start = || self.client.start_project_version().project_version_arn(version).min_inference_units(1);
        let too_many = start().max_inference_units(1000).send().await;
        refused(too_many, |error| error.is_limit_exceeded_exception());
        let started = start().max_inference_units(2).send().await?;
        assert_eq!(started.status(), Some(&ProjectVersionStatus::Starting));
        wait!(self.client.wait_until_project_version_running().project_arn(&self.project).version_names("v1"));
        for Picture { key, label, bytes } in &self.tests {
            let object = S3Object::builder().bucket(&self.bucket.name).name(key).build();
            let images = [Image::builder().bytes(Blob::new(bytes.clone())), Image::builder().s3_object(object)];
            for image in images {
                let detect = self.client.detect_custom_labels().project_version_arn(version).image(image.build());
                let answer = detect.min_confidence(0.0).max_results(1).send().await?;
                println!("{key} {:?}", answer.custom_labels());
                let names: Vec<_> = answer.custom_labels().iter().map(|one| one.name().unwrap()).collect();
                assert_eq!(names, [label]);
            }
        }
        Ok(())
    }

    async fn tag(&self, version: &str) -> Outcome {
        let tag = self.client.tag_resource().resource_arn(version).tags("stage", "second");
        tag.tags("colour", "blau und grün").send().await?;
        self.client.untag_resource().resource_arn(version).tag_keys("stage").send().await?;
        let tags = self.client.list_tags_for_resource().resource_arn(version).send().await?.tags.unwrap();
        assert_eq!(tags, [("colour".to_string(), "blau und grün".to_string())].into());
        Ok(())
    }

    /// Copies into another project, which the policies of the first one let others do, too.
    async fn copy(&self, version: &str, destination: &str) -> Outcome<String> {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},
            "Action":"rekognition:CopyProjectVersion","Resource":"*"}]}"#;
        let put = self.client.put_project_policy().project_arn(&self.project).policy_name("all");
        let revision = put.policy_document(policy).send().await?.policy_revision_id;
        let listed = self.client.list_project_policies().project_arn(&self.project).send().await?;
        assert_eq!(listed.project_policies()[0].policy_revision_id(), revision.as_deref());
        self.client.delete_project_policy().project_arn(&self.project).policy_name("all").send().await?;
        let copy = |project: &str, version: &str| {
            let copy = self.client.copy_project_version().source_project_arn(project);
            let output = OutputConfig::builder().s3_bucket(&self.bucket.name).build();
            let copy = copy.source_project_version_arn(version).destination_project_arn(destination);
            copy.version_name("copy").output_config(output).tags("of", "v1").send()
        };
        let account = self.project.split(':').nth(4).unwrap();
        let foreign = |arn: &str| arn.replace(account, "999999999999");
        let denied = copy(&foreign(&self.project), &foreign(version)).await;
        refused(denied, |error| error.is_access_denied_exception());
        let arn = copy(&self.project, version).await?.project_version_arn.unwrap();
        while self.status(destination, "copy").await? == Some(ProjectVersionStatus::CopyingInProgress) {
            sleep(A_MOMENT).await;
        }
        assert_eq!(self.status(destination, "copy").await?, Some(ProjectVersionStatus::CopyingCompleted));
        Ok(arn)
    }

    async fn status(&self, project: &str, name: &str) -> Outcome<Option<ProjectVersionStatus>> {
        let describe = self.client.describe_project_versions().project_arn(project).version_names(name);
        Ok(describe.send().await?.project_version_descriptions().first().and_then(|one| one.status().cloned()))
    }

    /// A data set of another project.
    async fn keep_dataset(&self, project: &str) -> Outcome {
        let source = DatasetSource::builder().ground_truth_manifest(manifest(self.training.clone())).build();
        let create = self.client.create_dataset().project_arn(project).dataset_type(DatasetType::Train);
        let dataset = create.dataset_source(source).send().await?.dataset_arn.unwrap();
        let settle = async || -> Outcome<DatasetStatus> {
            loop {
                let described = self.client.describe_dataset().dataset_arn(&dataset).send().await?;
                let status = described.dataset_description().unwrap().status().unwrap().clone();
                if !status.as_str().ends_with("_IN_PROGRESS") {
                    return Ok(status);
                }
                sleep(A_MOMENT).await;
            }
        };
        assert_eq!(settle().await?, DatasetStatus::CreateComplete);
        let entries = self.client.list_dataset_entries().dataset_arn(&dataset).into_paginator().page_size(5);
        let entries: Result<Vec<String>, _> = entries.items().send().collect().await;
        assert_eq!(entries?.len(), self.trainings.len());
        let changes = DatasetChanges::builder().ground_truth(Blob::new(line(&self.bucket.name, &self.tests[0])));
        let update = self.client.update_dataset_entries().dataset_arn(&dataset);
        update.changes(changes.build()?).send().await?;
        assert_eq!(settle().await?, DatasetStatus::UpdateComplete);
        let labels = self.client.list_dataset_labels().dataset_arn(&dataset).send().await?;
        assert!(labels.dataset_label_descriptions().iter().any(|one| one.label_name() == Some(&self.tests[0].label)));
        self.client.delete_dataset().dataset_arn(&dataset).send().await?;
        while self.client.describe_dataset().dataset_arn(&dataset).send().await.is_ok() {
            sleep(A_MOMENT).await;
        }
        Ok(())
    }

    async fn end(self, version: &str, versions: &[&str], projects: &[&str]) -> Outcome {
        let delete = |arn: &str| self.client.delete_project_version().project_version_arn(arn).send();
        refused(delete(version).await, |error| error.is_resource_in_use_exception());
        let stopped = self.client.stop_project_version().project_version_arn(version).send().await?;
        assert_eq!(stopped.status(), Some(&ProjectVersionStatus::Stopping));
        while self.status(&self.project, "v1").await? != Some(ProjectVersionStatus::Stopped) {
            sleep(A_MOMENT).await;
        }
        for arn in versions {
            assert_eq!(delete(arn).await?.status(), Some(&ProjectVersionStatus::Deleting));
        }
        for arn in projects {
            let describe = || self.client.describe_project_versions().project_arn(*arn).send();
            while !describe().await?.project_version_descriptions().is_empty() {
                sleep(A_MOMENT).await;
            }
            self.client.delete_project().project_arn(*arn).send().await?;
        }
        while !self
            .client
            .describe_projects()
            .project_names("rust-kinds")
            .send()
            .await?
            .project_descriptions()
            .is_empty()
        {
            sleep(A_MOMENT).await;
        }
        let gone = self.client.describe_project_versions().project_arn(&self.project).send().await;
        refused(gone, |error| error.is_resource_not_found_exception());
        self.bucket.remove().await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let folder = std::env::args().nth(1).expect("the folder of the pictures");
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let bucket = Bucket { name: "rust-pictures".into(), client: aws_sdk_s3::Client::new(&config) };
    let life = Life::begin(rekognition::Client::new(&config), bucket, &folder).await?;
    let version = life.train().await?;
    let versions = life.describe(&version).await?;
    life.detect(&version).await?;
    life.tag(&version).await?;
    let other = life.client.create_project().project_name("rust-copies").send().await?.project_arn.unwrap();
    let copy = life.copy(&version, &other).await?;
    life.keep_dataset(&other).await?;
    let project = life.project.clone();
    let second = versions[0].project_version_arn().unwrap();
    life.end(&version, &[&version, second, &copy], &[&project, &other]).await?;
    println!("Rust: the whole life of a model");
    Ok(())
}

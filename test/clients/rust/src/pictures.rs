//! The pictures, and the bucket that they lie in.
use std::fs;
use std::path::Path;

use aws_sdk_rekognition::types::S3Object;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration};

use crate::Outcome;

pub struct Picture {
    pub key: String,
    pub label: String,
    pub bytes: Vec<u8>,
}

/// The pictures of one part: FOLDER/PART/LABEL/NAME.
pub fn read_pictures(folder: &str, part: &str) -> Outcome<Vec<Picture>> {
    let mut pictures = vec![];
    for of_label in fs::read_dir(Path::new(folder).join(part))? {
        let label = of_label?.path();
        for file in fs::read_dir(&label)? {
            let path = file?.path();
            let key = path.strip_prefix(folder)?.to_str().unwrap().to_string();
            let label = label.file_name().unwrap().to_str().unwrap().to_string();
            pictures.push(Picture { key, label, bytes: fs::read(&path)? });
        }
    }
    Ok(pictures)
}

/// The line of a manifest that labels a picture.
pub fn line(bucket: &str, Picture { key, label, .. }: &Picture) -> String {
    format!(r#"{{"source-ref":"s3://{bucket}/{key}","kind":1,"kind-metadata":{{"class-name":"{label}","confidence":1,"#)
        + r#""human-annotated":"yes","creation-date":"2026-03-06T17:46:39.176","type":"groundtruth/image-classification"}}"#
}

pub struct Bucket {
    pub name: String,
    pub client: Client,
}

impl Bucket {
    pub async fn create(&self) -> Outcome {
        self.client.create_bucket().bucket(&self.name).send().await?;
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        self.client.put_bucket_versioning().bucket(&self.name).versioning_configuration(versioning).send().await?;
        Ok(())
    }

    /// Uploads pictures and their manifest; the manifest's place.
    pub async fn upload(&self, part: &str, pictures: &[Picture]) -> Outcome<S3Object> {
        for Picture { key, bytes, .. } in pictures {
            self.put(key, bytes.clone()).await?;
        }
        let lines: Vec<_> = pictures.iter().map(|picture| line(&self.name, picture)).collect();
        let key = format!("{part}.manifest");
        let version = self.put(&key, lines.join("\n").into_bytes()).await?;
        Ok(S3Object::builder().bucket(&self.name).name(key).set_version(version).build())
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Outcome<Option<String>> {
        let put = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(bytes));
        Ok(put.send().await?.version_id)
    }

    pub async fn read(&self, key: &str) -> Outcome<String> {
        let object = self.client.get_object().bucket(&self.name).key(key).send().await?;
        Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
    }

    /// Deletes every version of every object, and the bucket.
    pub async fn remove(&self) -> Outcome {
        let listed = self.client.list_object_versions().bucket(&self.name).send().await?;
        assert_eq!(listed.is_truncated(), Some(false));
        let mut delete = Delete::builder();
        for version in listed.versions() {
            let object =
                ObjectIdentifier::builder().key(version.key().unwrap()).set_version_id(version.version_id.clone());
            delete = delete.objects(object.build()?);
        }
        let deleted = self.client.delete_objects().bucket(&self.name).delete(delete.build()?).send().await?;
        assert!(deleted.errors().is_empty(), "{:?}", deleted.errors());
        self.client.delete_bucket().bucket(&self.name).send().await?;
        Ok(())
    }
}

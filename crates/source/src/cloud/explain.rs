//! A cloud store's errors, in words for people.

use std::error::Error as _;

use object_store::Error;

use crate::key::Bucket;
use crate::local::printable;
use crate::port::SourceError;
use crate::spec::Scheme;

/// Why a place in a bucket cannot be used, and what to do.
pub(super) fn explain(error: &Error, bucket: &Bucket, shown: &str) -> SourceError {
    let text = chain(error);
    let title = bucket.scheme.title();
    let has = |part: &str| text.contains(part);
    if has("NoSuchBucket")
        || has("ContainerNotFound")
        || has("bucket does not exist")
        || matches!(error, Error::NotFound { .. })
    {
        return SourceError::new(
            format!("there is no bucket {bucket}"),
            format!(
                "check its name, and that the credentials and the endpoint are those of its {title} account"
            ),
        );
    }
    if matches!(error, Error::PermissionDenied { .. }) || has("AccessDenied") || has("403") {
        return SourceError::new(
            format!("{title} does not let these credentials list {shown}"),
            format!(
                "give them the right to list and read it ({})",
                credentials(bucket.scheme)
            ),
        );
    }
    if matches!(error, Error::Unauthenticated { .. })
        || has("InvalidAccessKeyId")
        || has("SignatureDoesNotMatch")
    {
        return SourceError::new(
            format!("{title} refuses the credentials for {shown}"),
            format!("check {}", credentials(bucket.scheme)),
        );
    }
    if has("169.254.169.254") || has("metadata.google.internal") || has("metadata") && has("token") {
        return SourceError::new(
            format!("there are no credentials for {shown}"),
            format!("set {}", credentials(bucket.scheme)),
        );
    }
    if has("redirect") || has("PermanentRedirect") || has("AuthorizationHeaderMalformed") {
        return SourceError::new(
            format!("the bucket {bucket} is in another region"),
            "set AWS_REGION to the bucket's region",
        );
    }
    SourceError::new(
        format!("{shown} cannot be listed: {}", reason(error)),
        format!(
            "check the network and the endpoint, then try again ({})",
            credentials(bucket.scheme)
        ),
    )
}

/// The end of the chain of causes, which is where it says what happened, at readable length.
pub(super) fn reason(error: &Error) -> String {
    const LONGEST: usize = 300;
    if let Error::NotFound { .. } = error {
        return "it does not exist".to_owned();
    }
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !text.is_empty() {
            last = text;
        }
        cause = error.source();
    }
    let text = printable(last.trim());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(" / ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn credentials(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL for other vendors; AWS_SKIP_SIGNATURE=true for public buckets; profiles in ~/.aws are not read"
        }
        Scheme::Gcs => "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT to the key file's path",
        Scheme::Azure => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_SAS_KEY",
    }
}

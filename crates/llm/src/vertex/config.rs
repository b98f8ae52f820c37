//! Where the project is, and who calls.

use std::sync::Arc;

use serde::Deserialize;

use crate::wire::token::{Grant, TokenSigner};
use crate::wire::{Config, ConfigError, Key};

/// The scope a token is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A file of credentials, as `gcloud` and the console write it.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    token_uri: Option<String>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    refresh_token: String,
}

/// The settings from the variables Google's own clients use:
/// `GOOGLE_APPLICATION_CREDENTIALS` (a file) or `VERTEX_ACCESS_TOKEN` (from
/// `gcloud auth print-access-token`), `GOOGLE_CLOUD_PROJECT`, `GOOGLE_CLOUD_LOCATION`.
pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
    let file = set("GOOGLE_APPLICATION_CREDENTIALS")
        .map(|path| read(path.trim()))
        .transpose()?;
    let project = set("GOOGLE_CLOUD_PROJECT").or_else(|| file.as_ref()?.project_id.clone());
    let Some(project) = project else {
        return Err(ConfigError::NotSet {
            provider: "vertex".to_owned(),
            what: "the project",
            variable: "GOOGLE_CLOUD_PROJECT",
        });
    };
    let location = set("GOOGLE_CLOUD_LOCATION").unwrap_or("global".to_owned());
    let location = location.trim();
    let host = match (set("VERTEX_BASE_URL"), location) {
        (Some(moved), _) => moved.trim().trim_end_matches('/').to_owned(),
        (None, "global") => "https://aiplatform.googleapis.com".to_owned(),
        (None, region) => format!("https://{region}-aiplatform.googleapis.com"),
    };
    let project = crate::wire::segment(project.trim());
    let base = format!("{host}/v1/projects/{project}/locations/{location}/publishers/google");
    let mut config = Config::at("vertex", &base)?;
    "gemini".clone_into(&mut config.catalog);
    match (set("VERTEX_ACCESS_TOKEN").as_deref().and_then(Key::new), file) {
        (Some(token), _) => config.key = Some(token),
        (None, Some(file)) => config.signer = Some(Arc::new(TokenSigner::new("Google", grant(file)?))),
        (None, None) => {
            return Err(ConfigError::KeyMissing {
                provider: "vertex".to_owned(),
                variable: "GOOGLE_APPLICATION_CREDENTIALS",
            });
        }
    }
    config.with_unknown_models(env)?.checked("VERTEX_ACCESS_TOKEN")
}

fn read(path: &str) -> Result<File, ConfigError> {
    let bad = |why: String| ConfigError::BadFile {
        path: path.to_owned(),
        why,
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    // The error of the parser could quote the key; its place is enough.
    serde_json::from_str(&text).map_err(|error| {
        bad(format!(
            "it is no file of credentials (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

fn grant(file: File) -> Result<Grant, ConfigError> {
    let bad = |why: &str| ConfigError::BadFile {
        path: "GOOGLE_APPLICATION_CREDENTIALS".to_owned(),
        why: why.to_owned(),
    };
    let uri = file
        .token_uri
        .unwrap_or("https://oauth2.googleapis.com/token".to_owned());
    match file.kind.as_str() {
        "service_account" => Grant::service_account(uri, file.client_email, &file.private_key, SCOPE)
            .ok_or_else(|| bad("its private_key is no RSA key in PKCS #8")),
        "authorized_user" => Ok(Grant::RefreshToken {
            uri,
            client: file.client_id,
            secret: Key::new(&file.client_secret).ok_or_else(|| bad("it has no client_secret"))?,
            token: Key::new(&file.refresh_token).ok_or_else(|| bad("it has no refresh_token"))?,
        }),
        _ => Err(bad("only service_account and authorized_user are known")),
    }
}

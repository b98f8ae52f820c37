//! Where credentials are found, in the order AWS's own clients look:
//! environment, profile file, container, instance.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use docmill_core::failure::FailureCode;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use serde_json::Value;

use crate::signals::span;
use crate::wire::{ConfigError, Http, Key, Refused};

/// Who calls.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Key,
    pub(super) session: Option<Key>,
    /// `None`: they do not end.
    pub(super) until: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Where they come from.
#[derive(Debug)]
pub(super) enum Chain {
    /// Known already.
    Fixed {
        credentials: Credentials,
        region: Option<String>,
    },
    /// A container's endpoint.
    Container {
        uri: String,
        token: Option<Key>,
        region: Option<String>,
    },
    /// The instance's metadata service.
    Instance { base: String, region: Option<String> },
}

/// The address containers ask under a path.
const CONTAINER: &str = "http://169.254.170.2";
/// The address instances ask.
const INSTANCE: &str = "http://169.254.169.254";

impl Chain {
    pub(super) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
        let key = |name: &str| set(name).as_deref().and_then(Key::new);
        let profile = Profile::read(&set)?;
        let region = profile.get("region");
        if let (Some(id), Some(secret)) = (set("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY")) {
            let credentials = Credentials {
                id: id.trim().to_owned(),
                secret,
                session: key("AWS_SESSION_TOKEN"),
                until: None,
            };
            return Ok(Self::Fixed { credentials, region });
        }
        let in_file = |name: &str| profile.get(name).as_deref().and_then(Key::new);
        if let (Some(id), Some(secret)) = (profile.get("aws_access_key_id"), in_file("aws_secret_access_key"))
        {
            let credentials = Credentials {
                id,
                secret,
                session: in_file("aws_session_token"),
                until: None,
            };
            return Ok(Self::Fixed { credentials, region });
        }
        let path = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER}{path}"));
        if let Some(uri) = path.or_else(|| set("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            let token = key("AWS_CONTAINER_AUTHORIZATION_TOKEN");
            return Ok(Self::Container { uri, token, region });
        }
        let off =
            set("AWS_EC2_METADATA_DISABLED").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        // Asking a machine that is no instance would only wait; its own variable says that it is one.
        let base = set("AWS_EC2_METADATA_SERVICE_ENDPOINT")
            .or_else(|| set("AWS_EXECUTION_ENV").map(|_| INSTANCE.to_owned()))
            .or_else(|| is_instance().then(|| INSTANCE.to_owned()));
        match base {
            Some(base) if !off => Ok(Self::Instance { base, region }),
            _ if set("AWS_BEARER_TOKEN_BEDROCK").is_some() => Ok(Self::Instance {
                base: INSTANCE.to_owned(),
                region,
            }),
            _ => Err(ConfigError::KeyMissing {
                provider: "bedrock".to_owned(),
                variable: "AWS_ACCESS_KEY_ID",
            }),
        }
    }

    pub(super) fn region(&self) -> Option<String> {
        match self {
            Self::Fixed { region, .. } | Self::Container { region, .. } | Self::Instance { region, .. } => {
                region.clone()
            }
        }
    }

    pub(super) async fn fetch(&self, http: &Http) -> Result<Credentials, Refused> {
        match self {
            Self::Fixed { credentials, .. } => Ok(credentials.clone()),
            Self::Container { uri, token, .. } => {
                let token = token.as_ref().map(|token| (AUTHORIZATION, token.expose()));
                let text = ask(http, Method::GET, uri, token).await?;
                credentials_of(&text)
            }
            Self::Instance { base, .. } => {
                let base = base.trim_end_matches('/');
                let seconds = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
                let uri = format!("{base}/latest/api/token");
                let session = ask(http, Method::PUT, &uri, Some((seconds, "21600"))).await?;
                let header = HeaderName::from_static("x-aws-ec2-metadata-token");
                let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
                let role = ask(http, Method::GET, &roles, Some((header.clone(), &session))).await?;
                let role = role.lines().next().unwrap_or_default().trim();
                let text = ask(
                    http,
                    Method::GET,
                    &format!("{roles}{role}"),
                    Some((header, &session)),
                )
                .await?;
                credentials_of(&text)
            }
        }
    }
}

/// Whether this machine is one of Amazon's: its firmware says so.
fn is_instance() -> bool {
    std::fs::read_to_string("/sys/devices/virtual/dmi/id/sys_vendor")
        .is_ok_and(|vendor| vendor.trim() == "Amazon EC2")
}

async fn ask(
    http: &Http,
    method: Method,
    uri: &str,
    header: Option<(HeaderName, &str)>,
) -> Result<String, Refused> {
    let refused = |why: &str| {
        Refused::not_billed(
            FailureCode::KeyRefused,
            format!("no AWS credentials from {uri}: {why}"),
        )
    };
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse::<Uri>().map_err(|_| refused("it is no address"))?;
    if let Some((name, value)) = header {
        let value = HeaderValue::from_str(value).map_err(|_| refused("its token cannot be sent"))?;
        request.headers_mut().insert(name, value);
    }
    let reply = http.free(request).await?;
    if !reply.status.is_success() {
        return Err(refused(&format!("it answered {}", reply.status.as_u16())));
    }
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}

fn credentials_of(text: &str) -> Result<Credentials, Refused> {
    let refused = || {
        Refused::not_billed(
            FailureCode::KeyRefused,
            "the AWS credentials that were given cannot be read",
        )
    };
    let value: Value = serde_json::from_str(text).map_err(|_| refused())?;
    let string = |name: &str| value.get(name).and_then(Value::as_str);
    let now = SystemTime::now();
    Ok(Credentials {
        id: string("AccessKeyId").ok_or_else(refused)?.to_owned(),
        secret: string("SecretAccessKey").and_then(Key::new).ok_or_else(refused)?,
        session: string("Token").and_then(Key::new),
        until: Some(
            string("Expiration")
                .and_then(|text| span(text, now))
                .map_or(now + Duration::from_secs(900), |left| now + left),
        ),
    })
}

/// One section of the files `credentials` and `config`.
struct Profile(HashMap<String, String>);

impl Profile {
    fn read(set: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let name = set("AWS_PROFILE");
        let wanted = name.as_deref().unwrap_or("default").trim();
        let home = set("HOME").or_else(|| set("USERPROFILE"));
        let in_home = |file: &str| Some(PathBuf::from(home.as_deref()?).join(".aws").join(file));
        let files = [
            set("AWS_CONFIG_FILE")
                .map(PathBuf::from)
                .or_else(|| in_home("config")),
            set("AWS_SHARED_CREDENTIALS_FILE")
                .map(PathBuf::from)
                .or_else(|| in_home("credentials")),
        ];
        let mut found = HashMap::new();
        let mut any = false;
        for path in files.into_iter().flatten() {
            match std::fs::read_to_string(&path) {
                Ok(text) => any |= section(&text, wanted, &mut found),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(ConfigError::BadFile {
                        path: path.display().to_string(),
                        why: error.to_string(),
                    });
                }
            }
        }
        if name.is_some() && !any && set("AWS_ACCESS_KEY_ID").is_none() {
            return Err(ConfigError::BadFile {
                path: "~/.aws/credentials".to_owned(),
                why: format!("it has no profile {wanted:?} (AWS_PROFILE)"),
            });
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// Takes the lines of one section; says whether it is there.
fn section(text: &str, wanted: &str, found: &mut HashMap<String, String>) -> bool {
    let mut inside = false;
    let mut any = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = name.trim().trim_start_matches("profile ").trim();
            inside = name == wanted;
            any |= inside;
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
        {
            found.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_from_their_section_alone() {
        let text = "[default]\naws_access_key_id = A\n[profile work]\n# no\naws_access_key_id=B\nregion = eu-west-1\n";
        let mut found = HashMap::new();
        assert!(section(text, "work", &mut found));
        assert_eq!(found.get("aws_access_key_id").map(String::as_str), Some("B"));
        assert_eq!(found.get("region").map(String::as_str), Some("eu-west-1"));
        assert!(!section(text, "home", &mut HashMap::new()));
    }

    #[test]
    fn the_environment_comes_first_and_then_the_container() {
        let chain = |pairs: &'static [(&'static str, &'static str)]| {
            Chain::from_env(&move |name: &str| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        let fixed = chain(&[("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s3cret")]).unwrap();
        assert!(!format!("{fixed:?}").contains("s3cret"));
        assert!(matches!(fixed, Chain::Fixed { credentials, .. } if credentials.id == "A"));
        let container = chain(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")]).unwrap();
        assert!(matches!(container, Chain::Container { uri, .. } if uri == "http://169.254.170.2/v2/x"));
        assert!(chain(&[("AWS_PROFILE", "nobody")]).is_err());
    }
}

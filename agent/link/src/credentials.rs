//! The agent's own credentials: where they come from, and that they are fresh when a request is signed.
//!
//! Owns the chain and its cache. Secrets live in [`Secret`]s, whose `Debug` is redacted; nothing here logs them or
//! returns them in any other form. Refuses credentials of tasks.

mod instance;
mod profile;

use crate::socket::chain;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use wharf_protocol::Secret;
use wharf_protocol::sigv4::Credentials;

/// How long before their end credentials are fetched anew.
const REFRESH_MARGIN: Duration = Duration::from_secs(300);
/// How long the content of a credentials file is believed; files are rotated from outside.
const FILE_FRESHNESS: Duration = Duration::from_secs(60);

/// One place credentials can come from.
#[derive(Clone)]
pub enum CredentialsSource {
    /// Values given by the configuration; they never change.
    Static(Credentials),
    /// A shared credentials file in the AWS form, read again every minute.
    File {
        /// The file, e.g. `/root/.aws/credentials`.
        path: PathBuf,
        /// The section, usually `default`.
        profile: String,
    },
    /// A container credentials endpoint (`AWS_CONTAINER_CREDENTIALS_FULL_URI`).
    Container {
        /// The full URL.
        url: String,
        /// What is sent as `Authorization`, if anything.
        token: Option<Secret>,
    },
    /// The role of an EC2 instance, through IMDSv2.
    Instance {
        /// The service's base URL, normally [`CredentialsSource::IMDS`].
        endpoint: String,
    },
}

impl CredentialsSource {
    /// Where EC2 serves instance metadata.
    pub const IMDS: &'static str = "http://169.254.169.254";

    /// Fixed values, as a configuration gives them.
    pub fn fixed(access_key_id: &str, secret_access_key: &str, session_token: Option<String>) -> Self {
        Self::Static(Credentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: Secret::new(secret_access_key),
            session_token: session_token.map(Secret::new),
        })
    }

    async fn fetch(&self) -> Result<Fetched, CredentialsError> {
        match self {
            Self::Static(credentials) => {
                Ok(Fetched { credentials: credentials.clone(), fresh_until: None, expires: None })
            }
            Self::File { path, profile } => {
                let credentials = profile::read(path, profile).await?;
                let fresh_until = Some(SystemTime::now() + FILE_FRESHNESS);
                Ok(Fetched { credentials, fresh_until, expires: None })
            }
            Self::Container { url, token } => instance::from_container(url, token.as_ref()).await,
            Self::Instance { endpoint } => instance::from_imds(endpoint).await,
        }
    }
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(_) => f.write_str("static values"),
            Self::File { path, profile } => write!(f, "profile {profile} of {}", path.display()),
            Self::Container { url, .. } => write!(f, "container endpoint {url}"),
            Self::Instance { endpoint } => write!(f, "instance metadata at {endpoint}"),
        }
    }
}

/// Why no credentials could be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// No source was configured at all.
    #[error("no source of credentials is configured")]
    NoSource,
    /// The shared credentials file could not be read.
    #[error("cannot read the credentials file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The file has no such profile, or the profile lacks a key.
    #[error("the credentials file {} has no {missing} in profile {profile}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The section looked for.
        profile: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// The credentials endpoint did not answer.
    #[error("cannot reach the credentials endpoint {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
    /// The credentials endpoint answered with something else than credentials.
    #[error("the credentials endpoint {url} answered with {problem}")]
    Unusable {
        /// The URL.
        url: String,
        /// What was wrong with the answer.
        problem: String,
    },
}

/// What a source gave.
struct Fetched {
    credentials: Credentials,
    /// When to ask again; `None`: never.
    fresh_until: Option<SystemTime>,
    /// When they stop working; `None`: never, or nobody said.
    expires: Option<SystemTime>,
}

impl Fetched {
    fn expiring(credentials: Credentials, expires: Option<SystemTime>) -> Self {
        Self { credentials, fresh_until: expires.map(|end| end - REFRESH_MARGIN), expires }
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        self.fresh_until.is_none_or(|until| now < until)
    }

    fn is_usable(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// Asks its sources in order and keeps the answer until shortly before it expires.
///
/// The cache is behind a plain mutex that is never held over an await: two callers may fetch at once, which is harmless.
#[derive(Debug)]
pub struct CredentialsProvider {
    sources: Vec<CredentialsSource>,
    cached: Mutex<Option<Fetched>>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl CredentialsProvider {
    /// A provider that tries `sources` in this order; the first that answers wins.
    pub fn new(sources: Vec<CredentialsSource>) -> Self {
        Self { sources, cached: Mutex::new(None) }
    }

    /// Credentials that are good now. When a refresh fails, old ones are used up to their expiry.
    ///
    /// # Errors
    /// The last source's error, when no source answers and nothing usable is cached.
    pub async fn get(&self) -> Result<Credentials, CredentialsError> {
        if let Some(credentials) = self.cached_if(|cached| cached.is_fresh(SystemTime::now())) {
            return Ok(credentials);
        }
        let mut last = CredentialsError::NoSource;
        for source in &self.sources {
            match source.fetch().await {
                Ok(fetched) => return Ok(self.keep(fetched)),
                Err(error) => {
                    tracing::debug!(?source, error = chain(&error), "no credentials from this source");
                    last = error;
                }
            }
        }
        self.cached_if(|cached| cached.is_usable(SystemTime::now())).ok_or(last)
    }

    fn cached_if(&self, good: impl Fn(&Fetched) -> bool) -> Option<Credentials> {
        let cached = self.cached.lock().expect("no code panics while it holds this lock");
        cached.as_ref().filter(|cached| good(cached)).map(|cached| cached.credentials.clone())
    }

    fn keep(&self, fetched: Fetched) -> Credentials {
        let credentials = fetched.credentials.clone();
        *self.cached.lock().expect("no code panics while it holds this lock") = Some(fetched);
        credentials
    }
}

/// Reads text as the answer of a metadata service and as a credentials file. For tests that feed it what neither should hold; says
/// what is wrong with it, where something is.
#[doc(hidden)]
pub fn try_credentials(text: &str) -> [Option<CredentialsError>; 2] {
    let now = SystemTime::now();
    let answer = instance::parse("http://127.0.0.1", text);
    let answer = answer.map(|fetched| fetched.is_fresh(now) && fetched.is_usable(now)).err();
    [answer, profile::of_text(text, Path::new("credentials"), "default").err()]
}

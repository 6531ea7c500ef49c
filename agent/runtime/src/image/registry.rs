//! One conversation with one registry, for one image and one set of credentials.
//!
//! Owns the translation of everything a registry can answer into [`PullError`]. Refuses to share clients between sets of
//! credentials: the registry client remembers tokens, and a task must not pull with another task's.

use super::error::PullError;
use super::manifest::{DOCKER_LIST, DOCKER_MANIFEST, Descriptor, MAX_DOCUMENT, OCI_INDEX, OCI_MANIFEST};
use super::reference::ImageName;
use crate::config::PullSettings;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use oci_client::client::{BlobResponse, ClientConfig, ClientProtocol};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth as ClientAuth;
use oci_client::{Client, Reference, RegistryOperation};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
const MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// Credentials for a registry. Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryAuth {
    /// User and password; also exchanged for a token where the registry wants one.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// A token the registry takes as it is.
    Bearer {
        /// The token.
        token: String,
    },
}

impl fmt::Debug for RegistryAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(redacted)",
            Self::Bearer { .. } => "Bearer(redacted)",
        })
    }
}

impl RegistryAuth {
    /// Tells sets of credentials apart without keeping them.
    pub(super) fn fingerprint(auth: Option<&Self>) -> String {
        let mut hasher = Sha256::new();
        match auth {
            None => {}
            Some(Self::Basic { username, password }) => {
                hasher.update((username.len() as u64).to_be_bytes());
                hasher.update(username);
                hasher.update(password);
            }
            Some(Self::Bearer { token }) => {
                hasher.update([1]);
                hasher.update(token);
            }
        }
        hex::encode(hasher.finalize())
    }
}

/// Bytes of a blob as they arrive.
pub(super) type BlobStream = BoxStream<'static, Result<Vec<u8>, PullError>>;

/// A conversation with a registry.
pub(super) struct Session {
    client: Client,
    auth: ClientAuth,
    image: ImageName,
}

impl Session {
    /// Reaches the registry and logs in.
    pub(super) async fn open(
        image: &ImageName,
        auth: Option<&RegistryAuth>,
        settings: &PullSettings,
    ) -> Result<Self, PullError> {
        let auth = match auth {
            None => ClientAuth::Anonymous,
            Some(RegistryAuth::Basic { username, password }) => {
                ClientAuth::Basic(username.clone(), password.clone())
            }
            Some(RegistryAuth::Bearer { token }) => ClientAuth::Bearer(token.clone()),
        };
        let config = ClientConfig {
            protocol: protocol(image, settings),
            read_timeout: Some(settings.inactivity),
            connect_timeout: Some(CONNECT),
            user_agent: concat!("wharf/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        // Not `Client::new`: that falls back to a client without our settings when they are bad.
        let client = Client::try_from(config).map_err(|error| classify(image, error))?;
        let session = Self { client, auth, image: image.clone() };
        let login = session.client.auth(image.as_reference(), &session.auth, RegistryOperation::Pull).await;
        login.map_err(|error| classify(image, error))?;
        Ok(session)
    }

    /// Fetches what the image's name points at.
    pub(super) async fn target(&self) -> Result<(Descriptor, Vec<u8>), PullError> {
        self.manifest(self.image.as_reference()).await
    }

    /// Fetches an index or manifest by digest.
    pub(super) async fn manifest_at(&self, digest: &str) -> Result<(Descriptor, Vec<u8>), PullError> {
        self.manifest(&self.image.at_digest(digest)).await
    }

    async fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Vec<u8>), PullError> {
        let answer = self.client.pull_manifest_raw(reference, &self.auth, &MANIFESTS).await;
        let (bytes, digest) = answer.map_err(|error| classify(&self.image, error))?;
        let descriptor = Descriptor { digest, ..Descriptor::of(media_type(&bytes), &bytes) };
        Ok((descriptor, bytes.into()))
    }

    /// Fetches a whole document.
    pub(super) async fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, PullError> {
        let too_long = || self.mismatch(format!("{} is longer than promised", descriptor.digest));
        let mut stream = self.blob(descriptor, 0).await?;
        let mut document = Vec::new();
        while let Some(part) = stream.next().await {
            document.extend_from_slice(&part?);
            if document.len() as u64 > MAX_DOCUMENT {
                return Err(too_long());
            }
        }
        if super::manifest::sha256(&document) == descriptor.digest {
            Ok(document)
        } else {
            Err(self.mismatch(descriptor.digest.clone()))
        }
    }

    /// Streams a blob from `offset` on, also from registries that know no ranges. Not verified: the store does that.
    pub(super) async fn blob(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobStream, PullError> {
        let wanted = OciDescriptor {
            digest: descriptor.digest.clone(),
            size: descriptor.size,
            ..OciDescriptor::default()
        };
        let reference = self.image.as_reference();
        let answer = if offset == 0 {
            self.client.pull_blob_stream(reference, &wanted).await.map(BlobResponse::Full)
        } else {
            self.client.pull_blob_stream_partial(reference, &wanted, offset, None).await
        };
        let (mut skip, stream) = match answer.map_err(|error| classify(&self.image, error))? {
            BlobResponse::Full(stream) => (usize::try_from(offset).unwrap_or(usize::MAX), stream),
            BlobResponse::Partial(stream) => (0, stream),
        };
        let image = self.image.clone();
        let parts = stream.map(move |part| {
            let part = part.map_err(|error| broken_stream(&image, &error))?;
            let skipped = skip.min(part.len());
            skip -= skipped;
            Ok(part[skipped..].to_vec())
        });
        Ok(parts.boxed())
    }

    fn mismatch(&self, detail: String) -> PullError {
        PullError::DigestMismatch { image: self.image.to_string(), detail }
    }
}

/// Registries rarely say in the document what it is; its shape does.
fn media_type(document: &[u8]) -> &'static str {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        #[serde(default)]
        media_type: String,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let shape = serde_json::from_slice::<Shape>(document).ok();
    let stated =
        shape.as_ref().and_then(|shape| MANIFESTS.into_iter().find(|known| *known == shape.media_type));
    let looks =
        if shape.as_ref().is_some_and(|shape| shape.manifests.is_some()) { OCI_INDEX } else { OCI_MANIFEST };
    stated.unwrap_or(looks)
}

fn protocol(image: &ImageName, settings: &PullSettings) -> ClientProtocol {
    let registry = image.registry();
    let listed = settings.insecure_registries.iter().any(|insecure| insecure == registry);
    if listed || is_loopback(registry) { ClientProtocol::Http } else { ClientProtocol::Https }
}

fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => registry.split(':').next().unwrap_or(registry),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An error in the middle of a blob: the verifying stream hides a digest error in an I/O error.
fn broken_stream(image: &ImageName, error: &std::io::Error) -> PullError {
    let image = image.to_string();
    let inner = error.get_ref();
    if inner.is_some_and(|inner| inner.is::<DigestError>()) {
        return PullError::DigestMismatch { image, detail: error.to_string() };
    }
    PullError::Unreachable { image, detail: chain(error) }
}

/// Sorts what the registry client reports by what it means for the caller.
fn classify(image: &ImageName, error: OciDistributionError) -> PullError {
    use OciDistributionError as E;
    let image = image.to_string();
    match error {
        E::AuthenticationFailure(detail) => PullError::Unauthorized { image, detail: shorten(&detail) },
        E::UnauthorizedError { .. } => {
            PullError::Unauthorized { image, detail: "the registry asks for other credentials".to_owned() }
        }
        E::ServerError { code, message, .. } => by_status(image, code, &message),
        E::RegistryError { envelope, .. } => {
            let detail =
                envelope.errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
            match envelope.errors.first().map(|error| &error.code) {
                Some(code) => by_code(image, code, &detail),
                None => PullError::Registry { image, detail },
            }
        }
        E::ImageManifestNotFoundError(detail) => PullError::NotFound { image, detail },
        E::DigestError(error) => PullError::DigestMismatch { image, detail: error.to_string() },
        // Without the address: the one of a redirect may carry a signature.
        E::RequestError(error) => PullError::Unreachable { image, detail: chain(&error.without_url()) },
        E::IoError(error) => PullError::Unreachable { image, detail: chain(&error) },
        other => PullError::Registry { image, detail: shorten(&other.to_string()) },
    }
}

fn by_status(image: String, status: u16, message: &str) -> PullError {
    let detail = format!("status {status} {}", shorten(message)).trim_end().to_owned();
    match status {
        401 | 403 => PullError::Unauthorized { image, detail },
        404 => PullError::NotFound { image, detail },
        429 => PullError::RateLimited { image, detail },
        _ => PullError::Registry { image, detail },
    }
}

fn by_code(image: String, code: &OciErrorCode, detail: &str) -> PullError {
    use OciErrorCode as C;
    let detail = shorten(detail);
    match code {
        C::ManifestUnknown | C::NameUnknown | C::NotFound | C::BlobUnknown | C::ManifestBlobUnknown => {
            PullError::NotFound { image, detail }
        }
        C::Unauthorized | C::Denied => PullError::Unauthorized { image, detail },
        C::Toomanyrequests => PullError::RateLimited { image, detail },
        // Codes of pushing, and those a registry made up.
        _ => PullError::Registry { image, detail },
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A registry's words, as far as they fit into a reason.
fn shorten(text: &str) -> String {
    text.trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_cannot_be_printed() {
        let auth = RegistryAuth::Basic { username: "u".into(), password: "hunter2".into() };
        assert_eq!(format!("{auth:?}"), "Basic(redacted)");
        assert!(!format!("{:?}", RegistryAuth::Bearer { token: "hunter2".into() }).contains("hunter2"));
    }

    #[test]
    fn different_credentials_never_share_a_pull() {
        let basic = |u: &str, p: &str| RegistryAuth::Basic { username: u.into(), password: p.into() };
        let prints = [
            RegistryAuth::fingerprint(None),
            RegistryAuth::fingerprint(Some(&basic("a", "bc"))),
            RegistryAuth::fingerprint(Some(&basic("ab", "c"))),
            RegistryAuth::fingerprint(Some(&RegistryAuth::Bearer { token: "abc".into() })),
        ];
        for (i, one) in prints.iter().enumerate() {
            assert!(prints[i + 1..].iter().all(|other| other != one), "{i}");
        }
    }

    #[test]
    fn only_loopback_and_listed_registries_are_spoken_to_in_plain_http() {
        let settings =
            PullSettings { insecure_registries: vec!["registry.lab:5000".into()], ..Default::default() };
        for (image, plain) in [
            ("localhost/a", true),
            ("localhost:5000/a", true),
            ("127.0.0.1:5000/a", true),
            ("registry.lab:5000/a", true),
            ("registry.lab/a", false),
            ("localhost.example.com/a", false),
            ("busybox", false),
        ] {
            let name = ImageName::parse(image).unwrap();
            assert_eq!(protocol(&name, &settings) == ClientProtocol::Http, plain, "{image}");
        }
    }

    #[test]
    fn registry_codes_become_what_they_mean() {
        let to = |code, body: &str| by_code("i".into(), &code, body);
        assert!(matches!(to(OciErrorCode::ManifestUnknown, ""), PullError::NotFound { .. }));
        assert!(matches!(to(OciErrorCode::Denied, ""), PullError::Unauthorized { .. }));
        assert!(matches!(by_status("i".into(), 429, ""), PullError::RateLimited { .. }));
        assert!(
            matches!(by_status("i".into(), 503, "busy"), PullError::Registry { detail, .. } if detail == "status 503 busy")
        );
    }
}

//! Names of images as people write them, made full: `busybox` is `docker.io/library/busybox:latest`.

use oci_client::Reference;
use std::fmt;

/// A name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reference:?} is not an image reference: {reason}")]
pub struct InvalidReference {
    /// What was given.
    pub reference: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A full image reference, by Docker's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName(Reference);

impl ImageName {
    /// Reads a reference; registry, `library/` and `latest` are filled in.
    pub fn parse(reference: &str) -> Result<Self, InvalidReference> {
        let parsed = reference.trim().parse::<Reference>();
        let invalid = |reason: String| InvalidReference { reference: reference.to_owned(), reason };
        let parsed = parsed.map_err(|error| invalid(error.to_string()))?;
        // The library takes an upper-case first word for a host and then lets it through as part of the name.
        if parsed.repository().chars().any(char::is_uppercase) {
            return Err(invalid("repository name must be lowercase".to_owned()));
        }
        Ok(Self(parsed))
    }

    /// Returns host and port of the registry.
    pub fn registry(&self) -> &str {
        self.0.resolve_registry()
    }

    /// Returns the digest, for a reference that names one.
    pub fn digest(&self) -> Option<&str> {
        self.0.digest()
    }

    pub(super) fn as_reference(&self) -> &Reference {
        &self.0
    }

    pub(super) fn at_digest(&self, digest: &str) -> Reference {
        self.0.clone_with_digest(digest.to_owned())
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_made_full_as_docker_does() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (written, full) in [
            ("busybox", "docker.io/library/busybox:latest".to_owned()),
            (" busybox:1.36 ", "docker.io/library/busybox:1.36".to_owned()),
            ("grafana/grafana", "docker.io/grafana/grafana:latest".to_owned()),
            ("index.docker.io/library/busybox", "docker.io/library/busybox:latest".to_owned()),
            ("localhost/demo", "localhost/demo:latest".to_owned()),
            ("localhost:5000/demo:v1", "localhost:5000/demo:v1".to_owned()),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest".to_owned()),
            (&format!("busybox@{digest}"), format!("docker.io/library/busybox@{digest}")),
        ] {
            assert_eq!(ImageName::parse(written).unwrap().to_string(), full, "{written}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_by_name() {
        for bad in ["", "UPPER/case", "a b", "busybox:", "busybox@sha256:12", "../etc/passwd"] {
            let error = ImageName::parse(bad).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?} is not an image reference")), "{error}");
        }
    }
}

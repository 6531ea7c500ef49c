//! Who may call: a table of access keys, and the check of every signature against it.

use axum::http::request::Parts;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use wharf_protocol::Secret;
use wharf_protocol::sigv4::{self, RequestParts, Verified, VerifyError};

/// How far a caller's clock may be off, as in AWS.
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// One access key.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: Secret,
}

/// The keys that open this control plane, in its region.
#[derive(Debug, Clone)]
pub struct Keys {
    keys: BTreeMap<String, Secret>,
    region: String,
}

impl Keys {
    /// A table of these keys; signatures must be scoped to `region`.
    pub fn new(keys: Vec<AccessKey>, region: &str) -> Self {
        let keys = keys.into_iter().map(|key| (key.id, key.secret)).collect();
        Self { keys, region: region.to_owned() }
    }

    /// Verifies the signature of a request with this body.
    pub fn verify(&self, parts: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
        self.verify_parts(&RequestParts::from(parts), body)
    }

    /// Verifies a signature over parts that may come from a frame of TCS.
    pub fn verify_parts(&self, parts: &RequestParts<'_>, body: &[u8]) -> Result<Verified, VerifyError> {
        let lookup = |id: &str| self.keys.get(id).cloned();
        let hash = sigv4::body_hash(body);
        let verified = sigv4::verify(parts, &hash, lookup, SystemTime::now(), MAX_SKEW)?;
        if verified.region != self.region {
            return Err(VerifyError::Scope { what: "the region of this control plane" });
        }
        Ok(verified)
    }
}

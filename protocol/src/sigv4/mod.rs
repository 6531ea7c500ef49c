//! AWS Signature Version 4 for service `ecs`: signing by AWS's own crate, verifying by recomputing (spec sections 0, 2.1, 3.2, 4.2).
//!
//! Owns the three things an agent signs (an API call, a websocket handshake, a TCS frame) and the check of each. Refuses to know the time or
//! whose keys are good: both come in. Presigned URLs and SigV4A are not spoken here; no peer uses them.

mod authorization;
mod canonical;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

pub use authorization::Authorization;
pub use sign::{SignError, Signer};
pub use verify::{RequestParts, Verified, VerifyError, body_hash, verify};

use crate::Secret;

/// The service name every signature of this project is scoped to.
pub const SERVICE: &str = "ecs";

/// The only algorithm spoken.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The value of `x-amz-content-sha256` that leaves the body out of the signature.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The keys a caller signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half, such as `AKIDEXAMPLE`.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
    /// The token of temporary credentials; sent and signed as `x-amz-security-token`.
    pub session_token: Option<Secret>,
}

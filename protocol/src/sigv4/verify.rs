//! Verifying a signature by making it again.
//!
//! Owns the order of the checks and the names of the refusals, which are those of AWS. Refuses to keep keys.

use super::{ALGORITHM, Authorization, SERVICE, UNSIGNED_PAYLOAD, canonical};
use crate::api::ApiError;
use crate::tcs::Frame;
use crate::{Secret, Timestamp};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// The parts of a received request that a signature covers, as they stood on the wire.
#[derive(Clone)]
pub struct RequestParts<'a> {
    /// The method, such as `POST`.
    pub method: Cow<'a, str>,
    /// The path as received, still encoded.
    pub path: Cow<'a, str>,
    /// The query as received, without the question mark.
    pub query: Cow<'a, str>,
    /// Header names, of any case, and values in the order received.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> RequestParts<'a> {
    /// The parts of a TCS frame on a connection that was opened for `path_and_query` (spec 4.2).
    pub fn of_tcs_frame(path_and_query: &'a str, frame: &Frame<'a>) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let headers = frame.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { method: "GET".into(), path: path.into(), query: query.into(), headers }
    }

    /// Every value of a header, whatever the case of its name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |other: &str| other.eq_ignore_ascii_case(name);
        self.headers.iter().filter(move |(other, _)| same(other)).map(|(_, value)| value.as_ref())
    }

    /// The value of a header that stands exactly once.
    fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }
}

impl<'a> From<&'a http::request::Parts> for RequestParts<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        let header = |(name, value): (&'a http::HeaderName, &'a http::HeaderValue)| {
            (name.as_str().into(), String::from_utf8_lossy(value.as_bytes()))
        };
        Self {
            method: parts.method.as_str().into(),
            path: parts.uri.path().into(),
            query: parts.uri.query().unwrap_or_default().into(),
            headers: parts.headers.iter().map(header).collect(),
        }
    }
}

/// Who signed, and what the signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The public half of the keys.
    pub access_key_id: String,
    /// The region of the scope; whether it is the right one is the caller's question.
    pub region: String,
    /// The moment of signing.
    pub signed_at: Timestamp,
    /// The token that came along, signed; whether it is good is the caller's question.
    pub session_token: Option<Secret>,
    /// False when the signer left the body out with `UNSIGNED-PAYLOAD`.
    pub payload_signed: bool,
}

/// Why a request is not accepted; [`VerifyError::code`] gives AWS's name for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is no `Authorization` header.
    #[error("Missing Authentication Token")]
    Missing,
    /// The `Authorization` header or the date is there, but not whole.
    #[error("Authorization header requires {what}")]
    Incomplete {
        /// What is missing or malformed.
        what: &'static str,
    },
    /// The scope names another service or another day than the date.
    #[error("Credential should be scoped to {what}")]
    Scope {
        /// What the scope should have been.
        what: &'static str,
    },
    /// A header that has to be signed is not.
    #[error("header {name:?} must be a signed header")]
    NotSigned {
        /// Name of the header.
        name: String,
    },
    /// The date is further from now than the caller allows.
    #[error("Signature expired or not yet valid: signed {skew_seconds} seconds away from the server's time")]
    Skew {
        /// Distance of the two clocks, in seconds.
        skew_seconds: u64,
    },
    /// The access key is not known.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature, or the hash that stands for the body, is another than the one recomputed.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl VerifyError {
    /// The exception's name on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete { .. } => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Scope { .. } | Self::NotSigned { .. } | Self::Skew { .. } | Self::Mismatch => {
                "InvalidSignatureException"
            }
        }
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        Self::client(error.code(), error.to_string())
    }
}

/// The hash of a body as [`verify`] wants it: SHA-256 in lower-case hexadecimal.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Verifies that a request was signed for service `ecs` with the secret that `lookup` knows for its access key.
///
/// `now` and the signed date may differ by `max_skew` either way (AWS allows 15 minutes).
pub fn verify(
    request: &RequestParts<'_>,
    body_hash: &str,
    lookup: impl FnOnce(&str) -> Option<Secret>,
    now: SystemTime,
    max_skew: Duration,
) -> Result<Verified, VerifyError> {
    let claim = Claim::read(request, SERVICE)?;
    claim.check_skew(now, max_skew)?;
    let secret = lookup(claim.authorization.access_key_id).ok_or(VerifyError::UnknownKey)?;
    claim.check_signature(request, body_hash, &secret)
}

/// What a request says about its own signature.
pub(super) struct Claim<'a> {
    pub(super) authorization: Authorization<'a>,
    date: &'a str,
    signed_at: SystemTime,
}

impl<'a> Claim<'a> {
    /// Reads the claim and checks that it is whole and about `service`.
    pub(super) fn read(request: &'a RequestParts<'_>, service: &'static str) -> Result<Self, VerifyError> {
        request.values("authorization").next().ok_or(VerifyError::Missing)?;
        let header = request.single("authorization");
        let header = header.ok_or(VerifyError::Incomplete { what: "to stand alone" })?;
        let authorization = Authorization::parse(header)?;
        let date = request.single("x-amz-date");
        let date = date.ok_or(VerifyError::Incomplete { what: "existence of one 'X-Amz-Date' header" })?;
        let signed_at =
            parse_date(date).ok_or(VerifyError::Incomplete { what: "'X-Amz-Date' as YYYYMMDDTHHMMSSZ" })?;
        if authorization.service != service {
            return Err(VerifyError::Scope { what: "the service of this endpoint" });
        }
        if !date.starts_with(authorization.date) || authorization.date.len() != 8 {
            return Err(VerifyError::Scope { what: "the day of 'X-Amz-Date'" });
        }
        let claim = Self { authorization, date, signed_at };
        claim.check_signed_headers(request)?;
        Ok(claim)
    }

    /// Host and everything named `x-amz-` carry meaning, so none of it may be unsigned.
    fn check_signed_headers(&self, request: &RequestParts<'_>) -> Result<(), VerifyError> {
        let signed =
            |name: &str| self.authorization.signed_headers.iter().any(|s| s.eq_ignore_ascii_case(name));
        let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let meaningful = names.filter(|name| name.starts_with("x-amz-")).chain(["host".to_owned()]);
        match meaningful.into_iter().find(|name| !signed(name)) {
            Some(name) => Err(VerifyError::NotSigned { name }),
            None => Ok(()),
        }
    }

    fn check_skew(&self, now: SystemTime, max_skew: Duration) -> Result<(), VerifyError> {
        let ahead = self.signed_at.duration_since(now).unwrap_or_default();
        let skew = now.duration_since(self.signed_at).unwrap_or(ahead);
        if skew > max_skew { Err(VerifyError::Skew { skew_seconds: skew.as_secs() }) } else { Ok(()) }
    }

    /// Makes the signature again and compares.
    pub(super) fn check_signature(
        &self,
        request: &RequestParts<'_>,
        body_hash: &str,
        secret: &Secret,
    ) -> Result<Verified, VerifyError> {
        let Authorization { access_key_id, date, region, service, .. } = self.authorization;
        let stated = request.single("x-amz-content-sha256");
        let payload_signed = stated != Some(UNSIGNED_PAYLOAD);
        if payload_signed && stated.is_some_and(|stated| !stated.eq_ignore_ascii_case(body_hash)) {
            return Err(VerifyError::Mismatch);
        }
        let payload_hash = if payload_signed { body_hash } else { UNSIGNED_PAYLOAD };
        let canonical = canonical::request(request, &self.authorization.signed_headers, payload_hash);
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let hash = self::body_hash(canonical.as_bytes());
        let string_to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hash}", self.date);
        let key = generate_signing_key(secret.expose(), self.signed_at, region, service);
        let signature = calculate_signature(key, string_to_sign.as_bytes());
        if !same(signature.as_bytes(), self.authorization.signature.as_bytes()) {
            return Err(VerifyError::Mismatch);
        }
        Ok(Verified {
            access_key_id: access_key_id.to_owned(),
            region: region.to_owned(),
            signed_at: self.signed_at.into(),
            session_token: request.single("x-amz-security-token").map(Secret::new),
            payload_signed,
        })
    }
}

/// Reads `YYYYMMDDTHHMMSSZ`.
fn parse_date(text: &str) -> Option<SystemTime> {
    let well_formed = text.len() == 16
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok().filter(|_| well_formed)?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

/// Compares in a time that depends on the lengths alone, so that a guesser learns nothing from waiting.
fn same(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |seen, (a, b)| black_box(seen | (a ^ b)));
    left.len() == right.len() && black_box(difference) == 0
}

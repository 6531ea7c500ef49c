//! Signing what an agent sends.
//!
//! Owns which headers each kind of request carries. The arithmetic is AWS's own crate's.

use super::{Credentials, SERVICE};
use crate::api::{CONTENT_TYPE, TARGET_PREFIX};
use crate::tcs::Frame;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::Uri;
use std::time::SystemTime;

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The URL is not absolute or not a URL.
    #[error("{url:?} is not an absolute http, https, ws or wss URL")]
    Url {
        /// The URL that was given.
        url: String,
    },
    /// A header, the token or the URL holds characters that HTTP does not allow.
    #[error("request to {url} cannot be put into canonical form")]
    Canonical {
        /// Where the request was to go.
        url: String,
        /// What the signing crate says.
        #[source]
        source: aws_sigv4::http_request::SigningError,
    },
}

/// Signs with one set of keys, for one region, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The keys.
    pub credentials: &'a Credentials,
    /// The region of the scope.
    pub region: &'a str,
    /// The moment that `X-Amz-Date` states.
    pub time: SystemTime,
}

impl Signer<'_> {
    /// Headers for the call of an API operation: content type, target, date, token if any, authorization; the host is signed but not returned.
    pub fn api(&self, url: &str, operation: &str, body: &[u8]) -> Result<Vec<(String, String)>, SignError> {
        let target = format!("{TARGET_PREFIX}.{operation}");
        let sent = [("content-type", CONTENT_TYPE), ("x-amz-target", &target)];
        let mut headers = self.request("POST", url, &sent, body)?;
        headers.extend(sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(headers)
    }

    /// Headers to add to the `GET` that opens a websocket (spec 3.2); `ws` and `wss` URLs are taken as `http` and `https`.
    pub fn websocket(&self, url: &str) -> Result<Vec<(String, String)>, SignError> {
        let host = host(url)?;
        self.request("GET", url, &[("host", &host)], b"")
    }

    /// The whole text frame that carries `envelope` to the control plane over the TCS connection to `url` (spec 4.2).
    pub fn tcs_frame(&self, url: &str, envelope: &str) -> Result<String, SignError> {
        let host = host(url)?;
        let mut headers = self.request("GET", url, &[("host", &host)], envelope.as_bytes())?;
        headers.push(("host".to_owned(), host));
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (title(name), value.as_str())).collect();
        headers.sort_unstable();
        Ok(Frame { headers, body: envelope }.to_string())
    }

    /// The headers that sign a request, to be added to those given; a `host` among them is used as it stands, else it is the URL's.
    pub fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, SignError> {
        let keys = self.credentials;
        let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
        let secret = keys.secret_access_key.expose();
        let identity =
            aws_credential_types::Credentials::from_keys(&keys.access_key_id, secret, token).into();
        let canonical = |source| SignError::Canonical { url: url.to_owned(), source };
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(SERVICE)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .expect("identity, region, name, time and settings are all set")
            .into();
        host(url)?;
        let headers = headers.iter().copied();
        let request = SignableRequest::new(method, over_http(url), headers, SignableBody::Bytes(body));
        let (signed, _signature) =
            sign(request.map_err(canonical)?, &params).map_err(canonical)?.into_parts();
        Ok(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// The authority of a URL: host and, if written, port.
///
/// The signing crate panics on a URL without scheme or host, so every URL passes here first.
fn host(url: &str) -> Result<String, SignError> {
    let uri: Option<Uri> = over_http(url).parse().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let host = uri.as_ref().and_then(Uri::authority).map(|authority| authority.as_str().to_owned());
    host.ok_or_else(|| SignError::Url { url: url.to_owned() })
}

/// The URL with the scheme that stands for `ws` or `wss` in HTTP.
fn over_http(url: &str) -> String {
    match url.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => url.to_owned(),
    }
}

/// The spelling a signed header's name has in a frame of the Go agent.
fn title(name: &str) -> &str {
    match name {
        "authorization" => "Authorization",
        "host" => "Host",
        "x-amz-date" => "X-Amz-Date",
        "x-amz-security-token" => "X-Amz-Security-Token",
        other => other,
    }
}

//! Signing what this crate sends, with the agent's credentials of the moment.

use crate::api::{ApiClient, SigningError};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::SystemTime;
use wharf_protocol::sigv4::{Credentials, SignError, Signer};

impl ApiClient {
    /// Every header of a call of `operation`.
    pub(crate) async fn sign_call(
        &self,
        url: &Url,
        operation: &str,
        body: &[u8],
    ) -> Result<HeaderMap, SigningError> {
        self.sign(|signer| signer.api(url.as_str(), operation, body)).await.map(header_map)
    }

    /// The headers to add to the upgrade request of a websocket.
    pub(crate) async fn sign_upgrade(&self, url: &Url) -> Result<HeaderMap, SigningError> {
        self.sign(|signer| signer.websocket(url.as_str())).await.map(header_map)
    }

    /// The whole TCS frame around `envelope`, for a connection opened at `url` (spec 4.2).
    pub(crate) async fn sign_frame(&self, url: &Url, envelope: &str) -> Result<String, SigningError> {
        self.sign(|signer| signer.tcs_frame(url.as_str(), envelope)).await
    }

    async fn sign<T>(
        &self,
        what: impl FnOnce(Signer<'_>) -> Result<T, SignError>,
    ) -> Result<T, SigningError> {
        let credentials: Credentials = self.credentials().get().await?;
        Ok(what(Signer { credentials: &credentials, region: self.region(), time: SystemTime::now() })?)
    }
}

/// The signer's headers as the HTTP client wants them. A secret token is marked, so that it is never printed.
fn header_map(headers: Vec<(String, String)>) -> HeaderMap {
    let pairs = headers.into_iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(name == "authorization" || name == "x-amz-security-token");
        Some((name, value))
    });
    pairs.collect()
}

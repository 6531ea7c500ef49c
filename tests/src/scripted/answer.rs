//! Answers that no control plane should give, and that agents meet all the same.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// One HTTP answer, whatever was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// An answer with this body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The same with a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A service that is overloaded, as a load balancer says it.
    pub fn unavailable() -> Self {
        Self::new(503, "<html><body>503 Service Unavailable</body></html>").with("content-type", "text/html")
    }

    /// Throttling as the ECS API says it.
    pub fn throttled() -> Self {
        Self::new(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#)
    }

    /// Throttling as HTTP says it, with a time to come back after.
    pub fn too_many(retry_after: Option<u32>) -> Self {
        let answer = Self::new(429, r#"{"__type":"TooManyRequestsException","message":"slow down"}"#);
        match retry_after {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        }
    }

    /// A page for people, with a status of success.
    pub fn page() -> Self {
        Self::new(200, "<!doctype html><title>Sign in to the hotel's network</title>")
            .with("content-type", "text/html")
    }

    /// JSON that breaks off.
    pub fn truncated() -> Self {
        Self::new(200, r#"{"containerInstance":{"containerInstanceArn":"arn:aws:ec"#)
    }

    /// JSON with values of other types than were agreed.
    pub fn wrong_types() -> Self {
        Self::new(200, r#"{"containerInstance":[1],"endpoint":{"a":false},"acknowledgment":[]}"#)
    }

    /// A body far larger than any answer.
    pub fn giant() -> Self {
        Self::new(200, vec![b' '; 32 << 20])
    }

    /// A redirect to where nobody is.
    pub fn elsewhere() -> Self {
        Self::new(302, "").with("location", "http://127.0.0.1:9/")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("tests give valid statuses");
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("tests give valid headers");
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }
}

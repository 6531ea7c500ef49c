//! Registries on loopback: Debian's docker-registry, and one of our own that misbehaves on demand.

use crate::demo_image::{Blob, DemoImage};
use crate::lab::until;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::json;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The only account: its password is `secret`.
pub const USER: &str = "wharf";
const HTPASSWD: &str = "wharf:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";

/// Debian's docker-registry.
pub struct DockerRegistry {
    pub address: SocketAddr,
    directory: TempDir,
    process: Child,
}

impl DockerRegistry {
    pub async fn start(with_password: bool) -> Self {
        // Between the moment its port is found free and the moment it binds it, somebody else may take the port.
        for _ in 0..3 {
            let mut registry = Self::spawn(with_password);
            until("the registry listens or has ended", async || {
                registry.has_ended() || tokio::net::TcpStream::connect(registry.address).await.is_ok()
            })
            .await;
            // Whoever has taken the port may have answered in its place.
            if !registry.has_ended() {
                return registry;
            }
        }
        panic!("three times the port of the registry was taken, or it cannot run at all");
    }

    fn spawn(with_password: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let path = directory.path().display();
        std::fs::write(directory.path().join("htpasswd"), HTPASSWD).unwrap();
        let auth = if with_password {
            format!("auth:\n  htpasswd:\n    realm: wharf\n    path: {path}/htpasswd\n")
        } else {
            String::new()
        };
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {path}/data\n\
             http:\n  addr: {address}\n{auth}"
        );
        std::fs::write(directory.path().join("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", &format!("{path}/config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { address, directory, process }
    }

    fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Pushes an image and returns its full name.
    pub fn push(&self, image: &DemoImage, name: &str) -> String {
        let tar = self.directory.path().join("push.tar");
        image.write_oci_tar(&tar, "localhost/pushed:latest");
        let full = format!("{}/{name}", self.address);
        let status = Command::new("skopeo")
            .args(["copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "wharf:secret"])
            .arg(format!("oci-archive:{}", tar.display()))
            .arg(format!("docker://{full}"))
            .status()
            .unwrap();
        assert!(status.success());
        full
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How our own registry misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Not at all.
    Good,
    /// Wants a token, which is given for the right password.
    Token,
    /// Breaks each layer off half-way, the first time it is asked for.
    BreaksOff,
    /// Answers each layer with other bytes of the same length.
    Lies,
    /// Says it is asked too often.
    Limits,
    /// Stops sending in the middle of a layer and keeps the connection.
    Stalls,
}

/// A registry of our own with one repository, `demo`, whose tag `latest` is an image.
pub struct OwnRegistry {
    pub address: SocketAddr,
    shelf: Arc<Shelf>,
    server: tokio::task::JoinHandle<()>,
}

struct Shelf {
    address: SocketAddr,
    mood: Mood,
    blobs: HashMap<String, (String, Bytes)>,
    layers: Vec<String>,
    latest: String,
    /// Digests that were asked for, and from which byte on.
    asked: Mutex<Vec<(String, u64)>>,
}

impl OwnRegistry {
    pub async fn start(image: &DemoImage, mood: Mood) -> Self {
        Self::with_top(image, &image.manifest, mood).await
    }

    /// Serves an image whose tag points at another document, e.g. an index.
    pub async fn with_top(image: &DemoImage, top: &Blob, mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let entry = |blob: &Blob| {
            (blob.digest.clone(), (blob.media_type.to_owned(), Bytes::from(blob.bytes.clone())))
        };
        let shelf = Arc::new(Shelf {
            address,
            mood,
            blobs: image.blobs().chain([top]).map(entry).collect(),
            layers: image.layers.iter().map(|layer| layer.digest.clone()).collect(),
            latest: top.digest.clone(),
            asked: Mutex::default(),
        });
        let app = Router::new()
            .route("/v2/", get(version))
            .route("/token", get(token))
            .route("/v2/demo/{kind}/{reference}", any(content))
            .with_state(shelf.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shelf, server }
    }

    pub fn name(&self) -> String {
        format!("{}/demo:latest", self.address)
    }

    /// What was asked for: digests of layers, each with the byte from which on.
    pub fn layers_asked(&self) -> Vec<(String, u64)> {
        let asked = self.shelf.asked.lock().unwrap().clone();
        asked.into_iter().filter(|(digest, _)| self.shelf.layers.contains(digest)).collect()
    }
}

impl Drop for OwnRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn unauthorized(shelf: &Shelf) -> Response {
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"wharf\"", shelf.address);
    let body =
        json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "authentication required" }] }).to_string();
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
}

fn is_denied(shelf: &Shelf, headers: &HeaderMap) -> bool {
    shelf.mood == Mood::Token
        && headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer good-token")
}

async fn version(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    if is_denied(&shelf, &headers) { unauthorized(&shelf) } else { StatusCode::OK.into_response() }
}

async fn token(headers: HeaderMap) -> Response {
    // base64 of wharf:secret
    let right = headers.get(header::AUTHORIZATION).is_some_and(|value| value == "Basic d2hhcmY6c2VjcmV0");
    if right {
        axum::Json(json!({ "token": "good-token" })).into_response()
    } else {
        (StatusCode::UNAUTHORIZED, "incorrect username or password").into_response()
    }
}

async fn content(
    State(shelf): State<Arc<Shelf>>,
    UrlPath((kind, reference)): UrlPath<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if is_denied(&shelf, &headers) {
        return unauthorized(&shelf);
    }
    if shelf.mood == Mood::Limits {
        let body = json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "slow down" }] }).to_string();
        return (StatusCode::TOO_MANY_REQUESTS, body).into_response();
    }
    let digest = if reference == "latest" { shelf.latest.clone() } else { reference };
    let Some((media_type, bytes)) = shelf.blobs.get(&digest) else {
        let code = if kind == "manifests" { "MANIFEST_UNKNOWN" } else { "BLOB_UNKNOWN" };
        let body = json!({ "errors": [{ "code": code, "message": "manifest unknown" }] }).to_string();
        return (StatusCode::NOT_FOUND, body).into_response();
    };
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let from =
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()).unwrap_or(0);
    let before = {
        let mut asked = shelf.asked.lock().unwrap();
        let before = asked.iter().filter(|(other, _)| *other == digest).count();
        if method == Method::GET {
            asked.push((digest.clone(), from as u64));
        }
        before
    };
    let rest = bytes.slice(from..);
    let status = if from > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let length = rest.len().to_string();
    let body = body(&shelf, &digest, before, rest);
    (status, [(header::CONTENT_TYPE, media_type.clone()), (header::CONTENT_LENGTH, length)], body)
        .into_response()
}

fn body(shelf: &Shelf, digest: &String, before: usize, bytes: Bytes) -> Body {
    use futures_util::{StreamExt, stream};
    let is_layer = shelf.layers.contains(digest);
    let half = bytes.slice(..bytes.len() / 2);
    match shelf.mood {
        Mood::BreaksOff if is_layer && before == 0 => {
            let broken = stream::iter([Ok(half), Err(std::io::Error::other("broken off"))]);
            Body::from_stream(broken)
        }
        Mood::Lies if is_layer => Body::from(vec![b'x'; bytes.len()]),
        Mood::Stalls if is_layer => {
            Body::from_stream(stream::iter([Ok::<_, Infallible>(half)]).chain(stream::pending()))
        }
        Mood::Good | Mood::Token | Mood::BreaksOff | Mood::Lies | Mood::Limits | Mood::Stalls => {
            Body::from(bytes)
        }
    }
}

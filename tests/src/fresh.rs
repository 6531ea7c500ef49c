//! A registry with an image for every name that was never asked for before: each pull of a new name is a real pull.

use crate::image::{config_document, digest, layer, marker_layer};
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The registry; it stops serving when dropped.
#[derive(Debug)]
pub struct FreshImages {
    address: SocketAddr,
    shelf: Shelf,
    serving: JoinHandle<()>,
}

// A lock, not a message: handlers put in and look up, nothing awaits inside.
type Shelf = Arc<Mutex<Content>>;

/// What the registry has.
#[derive(Debug)]
struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    /// Markers of the names that were pushed anew.
    pushed: BTreeMap<String, String>,
}

impl FreshImages {
    /// Serves on a free port of loopback.
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let base = layer().context("cannot make the layer")?;
        let blobs = BTreeMap::from([(digest(&base), base)]);
        let shelf = Arc::new(Mutex::new(Content { blobs, pushed: BTreeMap::new() }));
        let router = Router::new()
            .route("/v2/", get(async || StatusCode::OK))
            .route("/v2/fresh/{name}/manifests/{reference}", get(manifest))
            .route("/v2/fresh/{name}/blobs/{digest}", get(blob))
            .with_state(Arc::clone(&shelf));
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, shelf, serving })
    }

    /// The full name of an image that differs from every other by its marker.
    pub fn name(&self, marker: &str) -> String {
        format!("{}/fresh/{marker}:latest", self.address)
    }

    /// The digest of what the name with this marker points at now.
    pub fn digest(&self, marker: &str) -> String {
        digest(&self.shelf.lock().expect("no holder panics").make(marker))
    }

    /// The name of the snapshot that containers of the image with this marker are made on.
    pub fn snapshot(&self, marker: &str) -> String {
        let diff_ids = [layer(), marker_layer(marker)].map(|layer| digest(&layer.expect("memory takes it")));
        digest(diff_ids.join(" ").as_bytes())
    }

    /// Lets the name with this marker point at the image of another one.
    pub fn push(&self, marker: &str, other: &str) {
        let mut content = self.shelf.lock().expect("no holder panics");
        content.pushed.insert(marker.to_owned(), other.to_owned());
    }
}

impl Drop for FreshImages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Content {
    /// The manifest of the image that has its own name in a file.
    fn make(&mut self, name: &str) -> Vec<u8> {
        let name = self.pushed.get(name).map_or(name, String::as_str);
        let (base, marker) =
            (layer().expect("it was made before"), marker_layer(name).expect("memory takes it"));
        let config = config_document(&[digest(&base), digest(&marker)]);
        let described = |kind: &str, content: &[u8]| json!({"mediaType": kind, "digest": digest(content), "size": content.len()});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(CONFIG, &config),
            "layers": [described(LAYER, &base), described(LAYER, &marker)],
        });
        let manifest = serde_json::to_vec(&manifest).expect("plain data");
        for part in [&config, &marker, &manifest] {
            self.blobs.insert(digest(part), part.clone());
        }
        manifest
    }
}

/// The manifest behind a name; asked for by digest, the one that was made before.
async fn manifest(State(shelf): State<Shelf>, Path((name, reference)): Path<(String, String)>) -> Response {
    let mut content = shelf.lock().expect("no holder panics");
    if let Some(known) = content.blobs.get(&reference) {
        return answer(MANIFEST, &reference, known.clone());
    }
    let manifest = content.make(&name);
    answer(MANIFEST, &digest(&manifest), manifest)
}

async fn blob(State(shelf): State<Shelf>, Path((_, digest)): Path<(String, String)>) -> Response {
    match shelf.lock().expect("no holder panics").blobs.get(&digest) {
        Some(content) => answer("application/octet-stream", &digest, content.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(kind: &str, digest: &str, content: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE.as_str(), kind), ("docker-content-digest", digest)];
    (headers, content).into_response()
}

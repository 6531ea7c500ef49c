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
    serving: JoinHandle<()>,
}

// A lock, not a message: handlers put in and look up, nothing awaits inside.
type Blobs = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

impl FreshImages {
    /// Serves on a free port of loopback.
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let base = layer().context("cannot make the layer")?;
        let blobs: Blobs = Arc::new(Mutex::new(BTreeMap::from([(digest(&base), base)])));
        let router = Router::new()
            .route("/v2/", get(async || StatusCode::OK))
            .route("/v2/fresh/{name}/manifests/{reference}", get(manifest))
            .route("/v2/fresh/{name}/blobs/{digest}", get(blob))
            .with_state(blobs);
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, serving })
    }

    /// The full name of an image that differs from every other by its marker.
    pub fn name(&self, marker: &str) -> String {
        format!("{}/fresh/{marker}:latest", self.address)
    }
}

impl Drop for FreshImages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The manifest of the image that has its own name in a file; asked for by digest, the one that was made before.
async fn manifest(State(blobs): State<Blobs>, Path((name, reference)): Path<(String, String)>) -> Response {
    let mut blobs = blobs.lock().expect("no holder panics");
    if let Some(known) = blobs.get(&reference) {
        return answer(MANIFEST, &reference, known.clone());
    }
    let (base, marker) =
        (layer().expect("it was made before"), marker_layer(&name).expect("memory takes it"));
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
        blobs.insert(digest(part), part.clone());
    }
    answer(MANIFEST, &digest(&manifest), manifest)
}

async fn blob(State(blobs): State<Blobs>, Path((_, digest)): Path<(String, String)>) -> Response {
    match blobs.lock().expect("no holder panics").get(&digest) {
        Some(content) => answer("application/octet-stream", &digest, content.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(kind: &str, digest: &str, content: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE.as_str(), kind), ("docker-content-digest", digest)];
    (headers, content).into_response()
}

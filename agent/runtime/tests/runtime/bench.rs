//! How long the steps take, next to the bare calls to containerd. Run with `--nocapture` to see the numbers.

use crate::lab::{DEMO, LONG, Lab};
use containerd_client::Client;
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::PrepareSnapshotRequest;
use containerd_client::services::v1::{Container, CreateContainerRequest, CreateTaskRequest, StartRequest};
use containerd_client::tonic::Request;
use prost_types::Any;
use std::time::Instant;
use wharf_runtime::{LogTarget, PullPolicy};

const ROUNDS: usize = 15;

/// Milliseconds of one step in every round.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    async fn measure<T>(&mut self, step: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let outcome = step.await;
        self.0.push(begun.elapsed().as_secs_f64() * 1000.0);
        outcome
    }

    fn median(mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[self.0.len() / 2]
    }
}

#[tokio::test]
async fn creating_and_starting_costs_little_more_than_the_bare_calls() {
    let lab = Lab::with_demo().await;
    let c = &lab.containerd;
    let client = Client::from_path(&lab.config().address).await.unwrap();
    let [mut ensure, mut create, mut start, mut delete, mut bare_create, mut bare_start] =
        std::array::from_fn(|_| Times::default());
    for round in 0..ROUNDS {
        // In turns, so that a busy moment of the machine hits both.
        let mut request = lab.container(&format!("b{round}"), "sleep 1000");
        request.log = LogTarget::Null;
        request.shim_group = format!("group-{round}");
        let image = ensure.measure(c.ensure_image(DEMO, None, PullPolicy::IfMissing)).await.unwrap();
        create.measure(c.create(&request)).await.unwrap();
        start.measure(c.start(&request.id)).await.unwrap();
        let spec = lab.spec_of(&request.id);
        c.signal(&request.id, "KILL").await.unwrap();
        c.wait(&request.id, LONG).await.unwrap();
        delete.measure(c.delete(&request.id)).await.unwrap();

        let bare = format!("bare{round}");
        let spec = spec.replace(&request.id, &bare).replace(&request.shim_group, &bare);
        bare_create.measure(create_bare(&lab, &client, &bare, &image.chain_id, spec)).await;
        bare_start.measure(start_bare(&lab, &client, &bare)).await;
        c.delete(&bare).await.unwrap();
    }
    let (create, start, bare_create, bare_start) =
        (create.median(), start.median(), bare_create.median(), bare_start.median());
    let ratio = (create + start) / (bare_create + bare_start);
    println!(
        "medians of {ROUNDS}: ensure {:.2} ms, create {create:.2} ms, start {start:.2} ms, delete {:.2} ms; \
         bare create {bare_create:.2} ms, bare start {bare_start:.2} ms; ratio {ratio:.2}",
        ensure.median(),
        delete.median(),
    );
    assert!(ratio < 1.6, "the aim for a whole launch is 1.6, and this is only its inner part");
    lab.finish().await;
}

/// The three calls that a create cannot do without, with the very spec of ours.
async fn create_bare(lab: &Lab, client: &Client, id: &str, parent: &str, spec: String) {
    let (snapshotter, runtime) = ("overlayfs".to_owned(), "io.containerd.runc.v2".to_owned());
    let type_url = "types.containerd.io/opencontainers/runtime-spec/1/Spec".to_owned();
    let container = Container {
        id: id.to_owned(),
        runtime: Some(Runtime { name: runtime, options: None }),
        spec: Some(Any { type_url, value: spec.into_bytes() }),
        snapshotter: snapshotter.clone(),
        snapshot_key: id.to_owned(),
        ..Container::default()
    };
    let request = CreateContainerRequest { container: Some(container) };
    client.containers().create(scoped(lab, request)).await.unwrap();
    let (key, parent) = (id.to_owned(), parent.to_owned());
    let request = PrepareSnapshotRequest { snapshotter, key, parent, ..PrepareSnapshotRequest::default() };
    let rootfs = client.snapshots().prepare(scoped(lab, request)).await.unwrap().into_inner().mounts;
    let request = CreateTaskRequest { container_id: id.to_owned(), rootfs, ..CreateTaskRequest::default() };
    client.tasks().create(scoped(lab, request)).await.unwrap();
}

async fn start_bare(lab: &Lab, client: &Client, id: &str) {
    let request = StartRequest { container_id: id.to_owned(), ..StartRequest::default() };
    client.tasks().start(scoped(lab, request)).await.unwrap();
}

fn scoped<T>(lab: &Lab, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let namespace = lab.config().namespace.parse().unwrap();
    request.metadata_mut().insert("containerd-namespace", namespace);
    request
}

//! How long the steps take, next to the bare calls to containerd. Run with `--nocapture` to see the numbers.

use crate::lab::{DEMO, Lab};
use containerd_client::Client;
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::PrepareSnapshotRequest;
use containerd_client::services::v1::{Container, CreateContainerRequest, CreateTaskRequest, StartRequest};
use containerd_client::tonic::Request;
use prost_types::Any;
use std::time::Instant;
use wharf_runtime::{CreateContainer, LogTarget, PullPolicy};

const ROUNDS: usize = 16;

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

/// Both ways of launching, measured on the same containerd.
struct Race {
    lab: Lab,
    client: Client,
    /// A spec of ours, for the bare way to use.
    spec: String,
    chain_id: String,
    create: Times,
    start: Times,
    delete: Times,
    bare_create: Times,
    bare_start: Times,
}

#[tokio::test]
async fn creating_and_starting_costs_little_more_than_the_bare_calls() {
    let lab = Lab::with_demo().await;
    let mut ensure = Times::default();
    for _ in 0..ROUNDS {
        ensure.measure(lab.containerd.ensure_image(DEMO, None, PullPolicy::IfMissing, &[])).await.unwrap();
    }
    let mut race = Race::new(lab).await;
    for round in 0..ROUNDS {
        // Whoever goes second finds the machine busy with the clean-up of the first.
        if round % 2 == 0 {
            race.ours(round).await;
            race.bare(round).await;
        } else {
            race.bare(round).await;
            race.ours(round).await;
        }
    }
    let Race { lab, create, start, delete, bare_create, bare_start, .. } = race;
    let [create, start, bare_create, bare_start] =
        [create, start, bare_create, bare_start].map(Times::median);
    let ratio = (create + start) / (bare_create + bare_start);
    println!(
        "medians of {ROUNDS}: ensure {:.2} ms, create {create:.2} ms, start {start:.2} ms, kill and delete {:.2} ms; \
         bare create {bare_create:.2} ms, bare start {bare_start:.2} ms; ratio {ratio:.2}",
        ensure.median(),
        delete.median(),
    );
    assert!(ratio < 1.6, "the aim for a whole launch is 1.6, and this is only its inner part");
    lab.finish().await;
}

impl Race {
    async fn new(lab: Lab) -> Self {
        let client = Client::from_path(&lab.config().address).await.unwrap();
        let image = lab.containerd.ensure_image(DEMO, None, PullPolicy::Never, &[]).await.unwrap();
        lab.containerd.create(&Self::request(&lab, "model")).await.unwrap();
        let spec = lab.spec_of("model");
        lab.containerd.delete("model").await.unwrap();
        let [create, start, delete, bare_create, bare_start] = std::array::from_fn(|_| Times::default());
        Self { lab, client, spec, chain_id: image.chain_id, create, start, delete, bare_create, bare_start }
    }

    fn request(lab: &Lab, id: &str) -> CreateContainer {
        let mut request = lab.container(id, "sleep 1000");
        request.log = LogTarget::Null;
        request.shim_group = id.to_owned();
        request
    }

    async fn ours(&mut self, round: usize) {
        let id = format!("ours-{round}");
        let request = Self::request(&self.lab, &id);
        self.create.measure(self.lab.containerd.create(&request)).await.unwrap();
        self.start.measure(self.lab.containerd.start(&id)).await.unwrap();
        let end = self.end(&id);
        self.delete.measure(end).await;
    }

    async fn bare(&mut self, round: usize) {
        let id = format!("bare-{round}");
        let spec = self.spec.replace("model", &id);
        let created = create_bare(&self.lab, &self.client, &id, &self.chain_id, spec);
        self.bare_create.measure(created).await;
        self.bare_start.measure(start_bare(&self.lab, &self.client, &id)).await;
        self.end(&id).await;
    }

    /// Kills and deletes.
    fn end(&self, id: &str) -> impl Future<Output = ()> + use<> {
        let (containerd, id) = (self.lab.containerd.clone(), id.to_owned());
        async move { assert_eq!(containerd.delete(&id).await.unwrap().unwrap().code, 137) }
    }
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

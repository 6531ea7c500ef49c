//! An image that crashes containerd is found, kept out by its digest, and taken back; nothing else suffers for it.

use crate::lifecycle::{connected_on, end};
use std::time::Duration;
use wharf_protocol::{acs, api};
use wharf_tests::fresh::FreshImages;
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::signal::heeds;
use wharf_tests::trapdoor::Trapdoor;
use wharf_tests::world::Host;

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
/// Three tries with their rests, and containerd's starts between them.
const SOON: Duration = Duration::from_secs(240);

fn task_of(image: &str, number: u8) -> acs::Task {
    let mut app = container("app", STAY);
    app.image = Some(image.to_owned());
    awsvpc_task(98, number, vec![app])
}

fn id(task: &acs::Task) -> &str {
    arn(task).rsplit('/').next().unwrap()
}

/// containerd behind its trapdoor, the agent and its control plane.
struct Scene {
    host: Host,
    door: Trapdoor,
    control: Scripted,
}

impl Scene {
    async fn set() -> Self {
        let mut host = Host::with_own_containerd().unwrap();
        let door = Trapdoor::open(&host.dir().join("door.sock"), &host.containerd().socket()).unwrap();
        host.set("WHARF_CONTAINERD_ADDRESS", door.path().to_str().unwrap());
        let (host, control) = connected_on(host).await;
        Self { host, door, control }
    }

    /// Waits for a status; containerd dies whenever it is asked for the image, and is started again.
    async fn status_of(&mut self, task: &acs::Task, status: &str) -> api::SubmitTaskStateChangeRequest {
        let told = self.control.status_of(arn(task), status, SOON);
        tokio::pin!(told);
        loop {
            // Cancel-safe: the first is pinned outside of the loop, and the second keeps what it was not asked for.
            tokio::select! {
                (_, told) = &mut told => return told,
                () = self.door.fall() => {
                    self.host.own_containerd().kill().unwrap();
                    self.host.own_containerd().start_again().unwrap();
                    self.door.listen().unwrap();
                }
            }
        }
    }

    async fn run(&mut self, task: &acs::Task) {
        self.control.send(payload(vec![task.clone()]).1);
        self.status_of(task, "RUNNING").await;
        heeds(self.host.tasks()[&format!("{}-app", id(task))].0).await;
    }

    /// Sends a task and expects that its image is kept out.
    async fn is_kept_out(&mut self, task: &acs::Task, digest: &str) {
        self.control.send(payload(vec![task.clone()]).1);
        let told = self.status_of(task, "STOPPED").await;
        let reason = told.containers[0].reason.clone().unwrap_or_default();
        let image = task.containers[0].image.as_deref().unwrap();
        let expected =
            format!("ImageQuarantinedError: image {image} is {digest}, and containerd ended 3 times");
        assert!(reason.starts_with(&expected), "{reason}");
    }

    async fn restart_agent(&mut self) {
        let sessions = self.control.sessions();
        self.host.kill_agent().unwrap();
        self.host.start_agent(&format!("http://{}", self.control.address())).unwrap();
        self.control.connected_again(sessions).await;
    }

    async fn end(self, running: &[&acs::Task]) {
        self.control.send(payload(running.iter().map(|task| stop(task)).collect()).1);
        for task in running {
            self.control.status_of(arn(task), "STOPPED", SOON).await;
            assert_eq!(self.control.last_told(arn(task), "app").exit_code, Some(0));
        }
        end(self.host, self.control).await;
        self.door.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_crashes_containerd_is_kept_out_by_its_digest_and_nothing_else_is() {
    let images = FreshImages::start().await.unwrap();
    let bad = images.name("bad");
    let digest = images.digest("bad");
    let mut scene = Scene::set().await;
    let steady = awsvpc_task(98, 10, vec![container("app", STAY)]);
    scene.run(&steady).await;
    let process = scene.host.tasks()[&format!("{}-app", id(&steady))].0;
    scene.door.arm(&digest);

    // A good image that is new here as well, and one that is at home here, beside the bad one.
    let (first, new, known) = (
        task_of(&bad, 11),
        task_of(&images.name("good"), 12),
        awsvpc_task(98, 13, vec![container("app", STAY)]),
    );
    scene.control.send(payload(vec![new.clone(), known.clone()]).1);
    scene.is_kept_out(&first, &digest).await;
    assert_eq!(scene.door.falls(), 3);
    for task in [&new, &known] {
        scene.status_of(task, "RUNNING").await;
    }

    scene.is_kept_out(&task_of(&bad, 14), &digest).await;
    scene.restart_agent().await;
    scene.is_kept_out(&task_of(&bad, 15), &digest).await;
    assert_eq!(scene.door.falls(), 3, "containerd is not asked for it again");
    assert_eq!(scene.host.tasks()[&format!("{}-app", id(&steady))].0, process);
    let verdicts = scene.host.agent_log().matches("this image crashes containerd and is kept out").count();
    assert_eq!(verdicts, 1, "it is logged once, and over no other image");
    let explained = scene.host.agent_command().args(["explain", id(&first)]).output().unwrap();
    let explained = String::from_utf8(explained.stdout).unwrap();
    for part in ["ImageQuarantinedError", digest.as_str(), "WHARF_IMAGE_QUARANTINE"] {
        assert!(explained.contains(part), "{part} is not in:\n{explained}");
    }

    images.push("bad", "repaired");
    let repaired = task_of(&bad, 16);
    scene.run(&repaired).await;

    // containerd was updated, and the operator takes the image back.
    scene.door.arm("");
    scene.host.set("WHARF_IMAGE_QUARANTINE", "0");
    scene.restart_agent().await;
    images.push("bad", "bad");
    let taken_back = task_of(&format!("{}@{digest}", bad.trim_end_matches(":latest")), 17);
    scene.run(&taken_back).await;
    scene.end(&[&steady, &new, &known, &repaired, &taken_back]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_crashes_containerd_when_a_container_is_made_of_it_is_kept_out_too() {
    let images = FreshImages::start().await.unwrap();
    let mut scene = Scene::set().await;
    let steady = awsvpc_task(98, 20, vec![container("app", STAY)]);
    scene.run(&steady).await;
    // The parent of a snapshot that is prepared, in the third field of its message, with its length before it.
    scene.door.arm(&format!("\x1aG{}", images.snapshot("worse")));
    let (image, digest) = (images.name("worse"), images.digest("worse"));
    scene.is_kept_out(&task_of(&image, 21), &digest).await;
    assert_eq!(scene.door.falls(), 3);
    scene.is_kept_out(&task_of(&image, 22), &digest).await;
    assert_eq!(scene.door.falls(), 3, "no container is made of it again");
    scene.end(&[&steady]).await;
}

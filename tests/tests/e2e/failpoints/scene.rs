//! What it takes, besides work, to bring an agent to a point.

use std::path::Path;
use std::time::Duration;
use wharf_tests::failpoints::{Point, Scene};
use wharf_tests::wait;
use wharf_tests::wire::Wire;
use wharf_tests::witness::Witness;
use wharf_tests::world::{Host, IMAGE};

/// How late an answer of containerd arrives: long enough to cut it off once the start that it answers was seen.
const LATE: Duration = Duration::from_millis(300);
/// Where the agent's settings have containerd.
const ADDRESS: &str = "WHARF_CONTAINERD_ADDRESS";

/// What was set up for one round.
pub enum Set {
    /// Nothing.
    Bare,
    /// A wire that is cut after each start.
    Wire(Wire),
    /// A container that nobody knows.
    Stranger(String),
}

impl Set {
    /// Sets it up while no agent runs.
    pub fn up(host: &mut Host, scene: Scene) -> Self {
        match scene {
            Scene::Start | Scene::Work | Scene::Restarts => Self::Bare,
            Scene::Birth => {
                std::fs::remove_dir_all(data(host)).expect("the agent made it, and is dead");
                Self::Bare
            }
            Scene::Unanswered => {
                let socket = host.dir().join("wire.sock");
                let wire = Wire::start(&socket, &host.containerd().socket(), LATE).expect("a free name");
                host.set(ADDRESS, &socket.display().to_string());
                Self::Wire(wire)
            }
            Scene::Stranger => {
                let name = format!("stray-{}", uuid::Uuid::new_v4().simple());
                let image = format!("docker.io/{IMAGE}");
                let mut command = host.containerd().ctr(host.namespace());
                command.args(["run", "-d", "--snapshotter", "overlayfs", &image, &name, "sleep", "3600"]);
                assert!(command.status().expect("ctr runs").success(), "{name} runs");
                Self::Stranger(name)
            }
        }
    }

    /// Waits until the agent has died at the point.
    pub async fn death(
        &self,
        host: &mut Host,
        witness: &Witness,
        (point, hit): (&Point, usize),
        within: Duration,
    ) {
        let starts = || witness.seen().starts.values().map(Vec::len).sum::<usize>();
        let mut known = starts();
        wait::until(&format!("the agent's death at {}, hit {hit}", point.name), within, || {
            if let Self::Wire(wire) = self
                && starts() > known
            {
                known = starts();
                wire.cut();
            }
            std::future::ready(host.agent_died_at(point.name))
        })
        .await;
    }

    /// Takes away what the next agent is to do without.
    pub async fn down(self, host: &mut Host) -> Option<String> {
        match self {
            Self::Bare => None,
            Self::Wire(wire) => {
                wire.stop().await;
                let containerd = host.containerd().socket().display().to_string();
                host.set(ADDRESS, &containerd);
                None
            }
            Self::Stranger(name) => Some(name),
        }
    }
}

/// Waits until nothing is left of a container that bears no task.
pub async fn is_removed(host: &Host, stranger: &str, within: Duration) {
    wait::until(&format!("the removal of {stranger}"), within, async || {
        let there = host.containers().contains(stranger);
        if there { Err("its record is there".to_owned()) } else { Ok(()) }
    })
    .await;
}

/// Waits until nothing is kept of tasks whose records are dropped.
pub async fn are_forgotten(host: &Host, within: Duration) {
    wait::until("the files of the last task to go", within, async || {
        let kept = std::fs::read_dir(data(host).join("tasks")).map_err(|error| error.to_string())?;
        let kept: Vec<_> = kept.flatten().map(|entry| entry.file_name()).collect();
        if kept.is_empty() { Ok(()) } else { Err(format!("{kept:?}")) }
    })
    .await;
}

fn data(host: &Host) -> std::path::PathBuf {
    Path::new(host.dir()).join("data")
}

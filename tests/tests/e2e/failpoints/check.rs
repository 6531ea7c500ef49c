//! What must hold after every kill, asked of the kernel, of containerd, of a witness of containerd's events, and of the control plane.

use super::workload::{Fate, Member};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::scripted::{Received, Scripted};
use wharf_tests::wait;
use wharf_tests::witness::Witness;
use wharf_tests::world::Host;

/// How far an event of containerd may lag behind its state.
const LAG: Duration = Duration::from_secs(20);

/// Everything that is asked.
pub struct Sources<'a> {
    pub host: &'a Host,
    pub control: &'a Scripted,
    pub witness: &'a Witness,
}

impl Sources<'_> {
    /// What containerd runs, once it can say so of each of these: a shim that is slow to answer makes it say UNKNOWN. What else is on
    /// its way has its own deadline, at which it has to be told.
    async fn listed(&self, members: &[Member]) -> BTreeMap<String, (u32, String)> {
        let asked: BTreeSet<String> = members.iter().flat_map(Member::containers).collect();
        wait::until("a listing without unknown states", LAG, async || {
            let listed = self.host.tasks();
            let unknown =
                |(id, (_, status)): &(&String, &(u32, String))| asked.contains(*id) && status == "UNKNOWN";
            let unknown: Vec<_> = listed.iter().filter(unknown).collect();
            if unknown.is_empty() { Ok(listed) } else { Err(format!("{unknown:?}")) }
        })
        .await
    }

    /// These run, each as one process, which is the one that was started first: `pids` remembers them from round to round.
    pub async fn run_untouched(&self, members: &[Member], pids: &mut BTreeMap<String, u32>) {
        let (listed, inits) = (self.listed(members).await, inits(self.host.scope().cgroup_root));
        for member in members {
            let app = member.app();
            let (pid, status) = listed.get(&app).unwrap_or_else(|| panic!("{app} is lost: {listed:?}"));
            assert_eq!(status, "RUNNING", "{app}");
            assert_eq!(inits.get(&app).map(Vec::as_slice), Some([*pid].as_slice()), "one live copy of {app}");
            assert_eq!(*pids.entry(app.clone()).or_insert(*pid), *pid, "{app} runs on as the same process");
            let told = self.control.statuses_of(member.arn());
            assert_eq!(told.last().map(String::as_str), Some("RUNNING"), "{app} runs, and was told {told:?}");
        }
    }

    /// These have ended: nothing of them lives, and what was told of their end is what containerd saw.
    pub async fn ended_as_told(&self, members: &[Member]) {
        let (listed, inits) = (self.listed(members).await, inits(self.host.scope().cgroup_root));
        for member in members {
            for id in member.containers() {
                assert!(
                    !listed.contains_key(&id) && !inits.contains_key(&id),
                    "{id} lives after STOPPED was told"
                );
            }
            for (id, name) in member.containers().zip(member.names()) {
                self.exit_as_told(member, &id, name).await;
            }
            let (app, told) = (member.app(), self.control.last_told(member.arn(), "app").exit_code);
            match member.fate {
                Fate::Stops(code) | Fate::Ends(code) | Fate::Again(code) => {
                    assert_eq!(told, Some(code), "{app}");
                }
                Fate::Dies => assert_eq!(told, Some(7), "{app}"),
                Fate::Fleets => {}
            }
        }
    }

    /// What was told of a container's end is what containerd saw.
    async fn exit_as_told(&self, member: &Member, id: &String, name: &str) {
        let seen = wait::until(&format!("the exit of {id} at the witness"), LAG, async || {
            let seen = self.witness.seen();
            // A process that was created and never started has no exit of its own, whatever its shim says.
            if !seen.starts.contains_key(id) {
                return Ok(Vec::new());
            }
            seen.exits.get(id).cloned().ok_or_else(|| "none yet".to_owned())
        })
        .await;
        // Of one that is started again the last exit counts; of any other the first, for more are none of its own.
        let own = match member.fate {
            Fate::Again(_) => seen.last(),
            Fate::Stops(_) | Fate::Ends(_) | Fate::Dies | Fate::Fleets => seen.first(),
        };
        let told = self.control.last_told(member.arn(), name).exit_code;
        assert_eq!(told, own.copied(), "the exit code of {id} is true, of {seen:?}");
    }

    /// No container was ever started twice, but for those that are started `again` once, and no state was ever taken back.
    pub fn nothing_was_repeated(&self, again: &BTreeSet<String>) {
        let most = |container: &String| 1 + usize::from(again.contains(container));
        let starts = self.witness.seen().starts.into_iter();
        let twice: Vec<_> = starts.filter(|(container, pids)| pids.len() > most(container)).collect();
        assert!(twice.is_empty(), "started more than once: {twice:?}");
        let mut highest: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (_, received) in self.control.journal() {
            let Received::Submitted(report) = received else { continue };
            let task = report.task.clone().unwrap_or_default();
            let of_task = report.status.as_deref().map(|status| (String::new(), status));
            let of_containers = report
                .containers
                .iter()
                .filter_map(|c| Some((c.container_name.clone().unwrap_or_default(), c.status.as_deref()?)));
            for (name, status) in of_task.into_iter().chain(of_containers) {
                let highest = highest.entry((task.clone(), name)).or_default();
                assert!(rank(status) >= *highest, "{status} was told after a later state: {report:?}");
                *highest = rank(status);
            }
        }
    }

    /// The agent asks whether to stop these, which run and are not in the manifest with this id.
    pub async fn stops_are_asked_for(&self, manifest: &str, left_out: &[Member]) {
        let asked = |(_, received): &(_, Received)| match received {
            Received::Acs(message) => match &**message {
                acs::Message::TaskStopVerificationMessage(asked) => {
                    (asked.message_id.as_deref() == Some(manifest)).then(|| asked.stop_candidates.clone())
                }
                _ => None,
            },
            _ => None,
        };
        let asked = self
            .control
            .wait_for("a question whether to stop", LAG, |journal| journal.iter().find_map(asked));
        let asked: BTreeSet<_> = asked.await.into_iter().filter_map(|task| task.task_arn).collect();
        assert_eq!(asked, left_out.iter().map(|member| member.arn().to_owned()).collect());
    }

    /// No agent took a container of a task for one that nobody knows.
    pub fn nothing_was_forgotten(&self) {
        let log = self.host.agent_log();
        let forgotten = log.lines().find(|line| line.contains("a container of ours whose task is unknown"));
        assert_eq!(forgotten, None, "an agent forgot its own");
    }

    /// Every message was acknowledged in the end, but for manifests: one that was saved before the agent died is old to the next.
    pub async fn everything_was_acknowledged(&self) {
        wait::until("the acknowledgement of every message", LAG, async || {
            let mut waiting = self.control.unacknowledged();
            waiting.retain(|text| !text.contains("TaskManifestMessage"));
            if waiting.is_empty() { Ok(()) } else { Err(format!("{waiting:?}")) }
        })
        .await;
    }
}

fn rank(status: &str) -> usize {
    const ORDER: &[&str] = &["NONE", "MANIFEST_PULLED", "PENDING", "PULLED", "CREATED", "RUNNING", "STOPPED"];
    ORDER.iter().position(|known| *known == status).unwrap_or_else(|| panic!("no state is called {status}"))
}

/// Main processes of containers below a cgroup: container id to process ids, by what the kernel says.
fn inits(cgroup_root: &str) -> BTreeMap<String, Vec<u32>> {
    let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let status = read("status");
        let own_namespace = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let is_init = own_namespace.is_some_and(|ids| ids.split_whitespace().skip(1).last() == Some("1"));
        let zombie = status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
        if !is_init || zombie {
            continue;
        }
        let cgroups = read("cgroup");
        let below = cgroups.lines().find_map(|line| line.split_once(&format!("{cgroup_root}/")));
        if let Some((_, path)) = below
            && let Some((task, container)) = path.split_once('/')
        {
            found.entry(format!("{task}-{container}")).or_default().push(pid);
        }
    }
    found
}

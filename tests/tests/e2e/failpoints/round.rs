//! One host on which the agent is killed again and again while tasks come, run and go.
//!
//! ```text
//! kill -9 → start to die at a point → send work → it dies there → one task's process ends meanwhile → start → what has to be, is
//! ```
//! At the points of a start the work is sent before the kill, so that the start begins in the middle of it. [`Stage`] has what else
//! the points of one kind take.

use super::check::Sources;
use super::stage::{self, Stage};
use super::workload::{Batch, Fate, Maker, Member, role};
use crate::lifecycle::connected_on;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::failpoints::{Point, Scene};
use wharf_tests::fresh::FreshImages;
use wharf_tests::payload::{payload, stop};
use wharf_tests::scripted::{CLUSTER_ARN, INSTANCE_ARN, Scripted};
use wharf_tests::wait;
use wharf_tests::witness::Witness;
use wharf_tests::world::Host;

/// Bounds of every wait; not measurements.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long the record of a stopped task is kept: short, so that some go while others of the sweep come and run.
const FORGOTTEN: &str = "20s";

/// So many tasks run when a round begins.
const TASKS: usize = 20;

/// A host, its control plane and its tasks.
pub struct Rolling {
    host: Host,
    control: Scripted,
    witness: Witness,
    maker: Maker,
    stayers: Vec<Member>,
    /// What the last round left running.
    standing: Vec<Member>,
    /// What has ended.
    ended: Vec<Member>,
    /// Containers that are started again.
    again: BTreeSet<String>,
    pids: BTreeMap<String, u32>,
}

impl Rolling {
    /// A host with the tasks that stay and those of a first round, all running.
    pub async fn start(net: u8) -> Self {
        let mut host = Host::new().unwrap();
        host.set("ECS_LOGLEVEL", "info").set("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", FORGOTTEN);
        let witness = Witness::listen(host.containerd(), host.namespace()).unwrap();
        let (host, control) = connected_on(host).await;
        let mut maker = Maker::new(net, FreshImages::start().await.unwrap());
        let stayers = maker.stayers();
        let mut this = Self {
            host,
            control,
            witness,
            maker,
            stayers,
            standing: Vec::new(),
            ended: Vec::new(),
            again: BTreeSet::new(),
            pids: BTreeMap::new(),
        };
        this.run(&this.stayers.clone());
        let first = this.maker.batch(1, false);
        this.send((&[], &first));
        this.settle(first).await;
        this
    }

    /// Kills the agent at its `hit`th pass of the point, starts it without, and checks everything.
    pub async fn round(&mut self, point: &Point, hit: usize) {
        // Three of a kind pass any point of their life three times; what every turn passes needs no more tasks for more passes.
        let batch = self.maker.batch(hit.min(3), point.scene == Scene::Restarts);
        let again = batch.members.iter().filter(|member| matches!(member.fate, Fate::Again(_)));
        self.again.extend(again.map(Member::app));
        let (mortals, leaving): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.standing).into_iter().partition(|member| member.fate == Fate::Dies);
        // The end of the round before has looked: each of them runs.
        let there = self.stayers.len() + mortals.len() + leaving.len();
        assert!(there >= TASKS, "{there} tasks are there");
        let stage = self.die_at(point, hit, (&leaving, &batch)).await;
        for mortal in &mortals {
            let pid = i32::try_from(self.pids[&mortal.app()]).unwrap();
            kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
        }
        let stage = stage.clear(&mut self.host).await;

        let sessions = self.control.sessions();
        self.host.start_agent(&self.url()).unwrap();
        self.control.connected_again(sessions).await;
        self.end(leaving).await;
        self.end(mortals).await;
        self.settle(batch).await;
        stage.over(&mut self.host, DEADLINE).await;
    }

    /// Kills the agent that runs, and has another die at the point.
    async fn die_at(&mut self, point: &Point, hit: usize, work: (&[Member], &Batch)) -> Stage {
        if point.scene == Scene::Start {
            self.taken_in(work).await;
        }
        if point.scene == Scene::Birth {
            self.nothing_of_the_ended().await;
        }
        self.host.kill_agent().unwrap();
        let mut stage = Stage::set(&mut self.host, point.scene, work.1);
        self.host.start_agent_to_die_at(point.name, hit, &self.url()).unwrap();
        match point.scene {
            Scene::Start => {}
            Scene::Stop => self.taken_in(work).await,
            Scene::Birth
            | Scene::Work
            | Scene::Restarts
            | Scene::Unanswered
            | Scene::Stale
            | Scene::Stranger => {
                self.send(work);
            }
        }
        stage.play(&mut self.host, &self.witness, (point, hit), DEADLINE).await;
        stage
    }

    /// Waits until containerd has nothing of tasks that have ended: without its data an agent could not know what it had told of them.
    async fn nothing_of_the_ended(&self) {
        wait::until("the removal of what has ended", DEADLINE, async || {
            let (kept, mut ended) = (self.host.containers(), self.ended.iter().flat_map(Member::containers));
            ended.find(|id| kept.contains(id)).map_or(Ok(()), |left| Err(format!("{left} is left")))
        })
        .await;
    }

    fn url(&self) -> String {
        format!("http://{}", self.control.address())
    }

    /// Stops everything and checks that nothing is left.
    pub async fn finish(mut self) {
        let (id, message) = manifest(self.ended.len(), self.stayers.iter());
        self.control.deliver((id.clone(), message));
        self.sources().stops_are_asked_for(&id, &self.standing).await;
        let all = [std::mem::take(&mut self.stayers), std::mem::take(&mut self.standing)].concat();
        for mortal in all.iter().filter(|member| member.fate == Fate::Dies) {
            kill(Pid::from_raw(i32::try_from(self.pids[&mortal.app()]).unwrap()), Signal::SIGTERM).unwrap();
        }
        self.stop(all.iter().filter(|member| member.fate != Fate::Dies));
        self.end(all).await;
        stage::are_forgotten(&self.host, DEADLINE).await;
        // All of them once more, at the very end: nothing came back and nothing was told twice in another way.
        self.sources().ended_as_told(&self.ended).await;
        self.sources().nothing_was_repeated(&self.again);
        let Self { host, control, .. } = self;
        crate::lifecycle::end(host, control).await;
    }

    /// Sends the work of a round, and waits until the agent has taken it in.
    async fn taken_in(&self, work: (&[Member], &Batch)) {
        let id = self.send(work);
        self.control.acked(&id, DEADLINE).await;
    }

    /// Stops what is leaving; announces and sends the batch, stops what only fleets, and renews the credentials of what stays.
    /// Returns the id of the message with the batch.
    fn send(&self, (leaving, batch): (&[Member], &Batch)) -> String {
        if !leaving.is_empty() {
            self.stop(leaving.iter());
        }
        batch.announced.iter().for_each(|member| self.control.deliver(announcement(member)));
        let id = self.run(&batch.members);
        // The mortal of the round before is not in it: the agent asks whether to stop it, and nobody answers.
        self.control.deliver(manifest(self.ended.len(), self.stayers.iter().chain(&batch.members)));
        self.stop(batch.members.iter().filter(|member| member.fate == Fate::Fleets));
        for member in self.stayers.iter().filter(|member| member.task.role_credentials.is_some()) {
            batch.announced.iter().for_each(|_| self.control.deliver(renewal(member)));
        }
        id
    }

    fn stop<'a>(&self, members: impl Iterator<Item = &'a Member>) {
        self.control.deliver(payload(members.map(|member| stop(&member.task)).collect()));
    }

    fn run(&self, members: &[Member]) -> String {
        let message = payload(members.iter().map(|member| member.task.clone()).collect());
        let id = message.0.clone();
        self.control.deliver(message);
        id
    }

    /// Waits until what was sent is as it has to be, and checks all that runs.
    async fn settle(&mut self, batch: Batch) {
        let runs = |member: &Member| matches!(member.fate, Fate::Stops(_) | Fate::Dies);
        let (standing, leaving) = batch.members.into_iter().partition(runs);
        self.standing = standing;
        self.end(leaving).await;
        for member in self.stayers.iter().chain(&self.standing) {
            self.control.status_of(member.arn(), "RUNNING", DEADLINE).await;
        }
        let running = [self.stayers.as_slice(), &self.standing].concat();
        let mut pids = std::mem::take(&mut self.pids);
        self.sources().run_untouched(&running, &mut pids).await;
        self.pids = pids;
        self.sources().nothing_was_repeated(&self.again);
        self.sources().nothing_was_forgotten();
        self.sources().everything_was_acknowledged().await;
    }

    /// Waits until these have ended, and checks how.
    async fn end(&mut self, members: Vec<Member>) {
        for member in &members {
            self.control.status_of(member.arn(), "STOPPED", DEADLINE).await;
        }
        self.sources().ended_as_told(&members).await;
        self.ended.extend(members);
    }

    fn sources(&self) -> Sources<'_> {
        Sources { host: &self.host, control: &self.control, witness: &self.witness }
    }
}

/// Tells that a task's interface is there, before the task comes.
fn announcement(member: &Member) -> (String, acs::AttachTaskNetworkInterfacesMessage) {
    let id = uuid::Uuid::new_v4().to_string();
    let message = acs::AttachTaskNetworkInterfacesMessage {
        message_id: Some(id.clone()),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        task_arn: member.task.arn.clone(),
        task_cluster_arn: Some(CLUSTER_ARN.to_owned()),
        wait_timeout_ms: Some(600_000),
        elastic_network_interfaces: member.task.elastic_network_interfaces.clone(),
        ..Default::default()
    };
    (id, message)
}

/// New credentials of a task's role.
fn renewal(member: &Member) -> (String, acs::IAMRoleCredentialsMessage) {
    let id = uuid::Uuid::new_v4().to_string();
    let message = acs::IAMRoleCredentialsMessage {
        message_id: Some(id.clone()),
        task_arn: member.task.arn.clone(),
        role_type: Some("TaskApplication".to_owned()),
        role_credentials: Some(role(member.arn())),
        ..Default::default()
    };
    (id, message)
}

/// The tasks that are wanted here; each round has more behind it that ended.
fn manifest<'a>(
    ended: usize,
    wanted: impl Iterator<Item = &'a Member>,
) -> (String, acs::TaskManifestMessage) {
    let id = uuid::Uuid::new_v4().to_string();
    let task = |member: &Member| acs::TaskIdentifier {
        task_arn: member.task.arn.clone(),
        task_cluster_arn: Some(CLUSTER_ARN.to_owned()),
        desired_status: Some("RUNNING".to_owned()),
    };
    let message = acs::TaskManifestMessage {
        message_id: Some(id.clone()),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        timeline: i64::try_from(ended + 1).ok(),
        tasks: wanted.map(task).collect(),
        ..Default::default()
    };
    (id, message)
}

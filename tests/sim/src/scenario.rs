//! A story as data: which tasks are asked for and what goes wrong when. Made from a seed, and small enough to be read, cut and run
//! again.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Milliseconds since the beginning of a story, or a length of time.
pub type Millis = u64;

const SECOND: Millis = 1000;

/// One story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Decides what the story leaves open: how long each call takes, what is lost on the way.
    pub seed: u64,
    /// The tasks.
    pub tasks: Vec<TaskPlan>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// From here on nothing goes wrong any more.
    pub calm_at: Millis,
    /// How long the control plane gathers what it wants before it says so in one payload.
    #[serde(default)]
    pub gathers: Millis,
    /// How long an interface that is announced waits for its task.
    #[serde(default = "five_minutes")]
    pub lapses: Millis,
    /// How long the agent keeps the record of a stopped task.
    #[serde(default = "three_hours")]
    pub keeps: Millis,
    /// How long the agent leaves alone what belongs to no task; `None`: for ever.
    #[serde(default)]
    pub tolerates: Option<Millis>,
}

fn five_minutes() -> Millis {
    300 * SECOND
}

fn three_hours() -> Millis {
    10_800 * SECOND
}

/// A task as the control plane wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// When it is asked for.
    pub at: Millis,
    /// Its containers; one may depend on those before it.
    pub containers: Vec<ContainerPlan>,
    /// How it is connected.
    pub network: NetworkPlan,
    /// When and how it is asked to stop before the end.
    pub stop: Option<(Millis, StopBy)>,
}

/// How a task is connected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum NetworkPlan {
    /// An interface of its own.
    Interface {
        /// The interface is announced this long before the task.
        announced: Option<Millis>,
    },
    /// A namespace with nothing in it.
    Nothing,
    /// The host's network, with this port.
    Host {
        /// The port.
        port: u16,
    },
}

/// How a task is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum StopBy {
    /// By a payload.
    Payload,
    /// By a manifest that does not name it.
    Manifest,
}

/// A container and what its process does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerPlan {
    /// Whether the task ends with it.
    pub essential: bool,
    /// When and how it ends by itself.
    pub ends: Option<(Millis, u8)>,
    /// How long it takes to end on SIGTERM; `None` ignores it.
    pub obeys: Option<Millis>,
    /// Seconds between SIGTERM and SIGKILL.
    pub stop_timeout: u64,
    /// It waits for the container before it.
    pub waits_for: Option<Condition>,
    /// It has a health check, which succeeds this long after the start.
    pub healthy_after: Option<Millis>,
    /// Its process is followed by another one that does the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartPlan>,
}

/// When a process is followed by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPlan {
    /// Seconds that it has to have run.
    pub period: u64,
    /// An exit code after which it is not.
    pub ignored: Option<u8>,
}

impl ContainerPlan {
    /// One that runs until it is asked to end.
    pub fn steady() -> Self {
        Self {
            essential: true,
            ends: None,
            obeys: Some(5),
            stop_timeout: 30,
            waits_for: None,
            healthy_after: None,
            restart: None,
        }
    }
}

/// What a container waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// The other has started.
    Start,
    /// The other has ended.
    Complete,
    /// The other has ended well.
    Success,
    /// The other is healthy.
    Healthy,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at: Millis,
    /// How long it lasts, or what is down after it.
    pub lasts: Millis,
    /// What it is.
    pub what: Trouble,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Trouble {
    /// The agent is killed at the given step from then on: before or after a call, before or after a write; at once when that is 0.
    Kill(u64),
    /// The same, and the data directory is lost before it starts again.
    DataLost(u64),
    /// The agent is killed in the middle of a write, after so many others.
    TornWrite(u8),
    /// The host loses power.
    Reboot,
    /// Somebody else makes a container in our namespace: one without labels, one that bears those of a task of ours under another
    /// name, or one of a task that nobody knows.
    Stranger(u8),
    /// containerd is down.
    ContainerdDown,
    /// containerd answers nobody.
    ContainerdHangs,
    /// Every call to containerd takes seconds.
    ContainerdSlow,
    /// Events are lost, and nobody says so.
    EventsLost,
    /// The next call to containerd fails; true: after it has done its work.
    CallFails(bool),
    /// A process and its shim are gone without a word.
    Vanish(u8),
    /// The kernel kills a process for memory.
    OutOfMemory(u8),
    /// Connections to the control plane are refused.
    Refused,
    /// Nothing comes back from the control plane.
    BlackHole,
    /// The connection is reset.
    Reset,
    /// The control plane takes calls, and its answers are lost.
    AnswersLost,
    /// Messages come late, twice, and in another order.
    Muddle,
    /// The disk is full.
    DiskFull,
    /// Writes take seconds.
    DiskSlow,
    /// The wall clock jumps by so many seconds.
    ClockJump(i32),
    /// Networks cannot be made or removed.
    NetworkFails,
}

impl Scenario {
    /// The story of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = SmallRng::seed_from_u64(seed);
        let calm_at = dice.random_range(20..150) * SECOND;
        let mut tasks: Vec<TaskPlan> =
            (0..dice.random_range(1..=3)).map(|_| task(&mut dice, calm_at)).collect();
        let gathers = if dice.random_bool(0.3) { dice.random_range(100..3_000) } else { 0 };
        if gathers > 0 && dice.random_bool(0.7) {
            let at = tasks[0].at;
            tasks.iter_mut().for_each(|task| task.at = at);
        }
        // When tasks come, are asked to stop, and are about to be killed.
        let mut moments: Vec<Millis> = tasks.iter().map(|task| task.at).collect();
        for (task, stop) in tasks.iter().filter_map(|task| Some((task, task.stop?.0))) {
            let longest = task.containers.iter().map(|container| container.stop_timeout).max();
            moments.extend([stop, stop + longest.unwrap_or(0) * SECOND - SECOND]);
        }
        moments.retain(|at| *at < calm_at);
        let faults = (0..dice.random_range(0..=6)).map(|_| fault(&mut dice, calm_at, &moments)).collect();
        let mut story = Self {
            seed,
            tasks,
            faults,
            calm_at,
            gathers,
            lapses: dice.random_range(10..60) * SECOND,
            keeps: if dice.random_bool(0.5) { dice.random_range(1..60) * SECOND } else { three_hours() },
            tolerates: dice.random_bool(0.7).then(|| dice.random_range(5..90) * SECOND),
        };
        // What chance alone brings about too rarely.
        match dice.random_range(0..16) {
            0 => story.kill_while_stopping(&mut dice),
            1 => story.tear_while_claiming(&mut dice),
            _ => {}
        }
        add_restarts(&mut SmallRng::seed_from_u64(!seed), &mut story.tasks);
        story
    }

    /// The agent dies long after the first task was asked to stop, and before its deaf container is killed.
    fn kill_while_stopping(&mut self, dice: &mut SmallRng) {
        let task = &mut self.tasks[0];
        let timeout = dice.random_range(60..=120);
        let deaf = &mut task.containers[0];
        (deaf.ends, deaf.obeys, deaf.stop_timeout) = (None, None, timeout);
        let stop = task.at + dice.random_range(6..20) * SECOND;
        task.stop = Some((stop, StopBy::Payload));
        let at = stop + dice.random_range(40..timeout) * SECOND;
        self.faults.push(Fault { at, lasts: SECOND, what: Trouble::Kill(0) });
        self.calm_at = self.calm_at.max(at + SECOND);
    }

    /// The agent dies within the write by which the first task takes over the interface that was announced for it.
    fn tear_while_claiming(&mut self, dice: &mut SmallRng) {
        let task = &mut self.tasks[0];
        task.at = task.at.max(5 * SECOND);
        task.network = NetworkPlan::Interface { announced: Some(dice.random_range(1..4) * SECOND) };
        self.faults.push(Fault { at: task.at, lasts: SECOND, what: Trouble::TornWrite(0) });
        self.calm_at = self.calm_at.max(task.at + self.lapses);
    }
}

/// Gives some containers a restart policy. With dice of its own, so that stories without one are what they were.
fn add_restarts(dice: &mut SmallRng, tasks: &mut [TaskPlan]) {
    for task in tasks {
        for at in 0..task.containers.len() {
            let next = task.containers.get(at + 1).and_then(|next| next.waits_for);
            // One that others wait to end has to end.
            let may_go_on = !matches!(next, Some(Condition::Complete | Condition::Success));
            let container = &mut task.containers[at];
            if dice.random_bool(0.3) && may_go_on {
                let code = container.ends.map_or(0, |(_, code)| code);
                let ignored = dice.random_bool(0.2).then_some(code);
                container.restart = Some(RestartPlan { period: dice.random_range(1..20), ignored });
            }
        }
    }
}

fn task(dice: &mut SmallRng, calm_at: Millis) -> TaskPlan {
    let at = dice.random_range(1_000..calm_at * 3 / 4);
    let count = dice.random_range(1..=3);
    let mut containers: Vec<ContainerPlan> = Vec::new();
    for _ in 0..count {
        let next = container(dice, containers.last());
        containers.push(next);
    }
    if containers.iter().all(|container| !container.essential) {
        containers.last_mut().expect("there is one").essential = true;
    }
    let network = match dice.random_range(0..10) {
        0..4 => NetworkPlan::Interface { announced: None },
        4..7 => NetworkPlan::Interface { announced: Some(dice.random_range(100..5_000).min(at)) },
        7..9 => NetworkPlan::Nothing,
        _ => NetworkPlan::Host { port: dice.random_range(8000..8003) },
    };
    let stop = dice.random_bool(0.6).then(|| {
        let by = if dice.random_bool(0.75) { StopBy::Payload } else { StopBy::Manifest };
        (at + dice.random_range(0..calm_at / 2), by)
    });
    TaskPlan { at, containers, network, stop }
}

fn container(dice: &mut SmallRng, before: Option<&ContainerPlan>) -> ContainerPlan {
    let ends = dice.random_bool(0.35).then(|| {
        let code = if dice.random_bool(0.6) { 0 } else { dice.random_range(1..100) };
        (dice.random_range(50..40_000), code)
    });
    let waits_for = before.filter(|_| dice.random_bool(0.5)).map(|before| match before {
        ContainerPlan { ends: Some((_, 0)), .. } => Condition::Success,
        ContainerPlan { ends: Some(_), .. } => Condition::Complete,
        ContainerPlan { healthy_after: Some(_), .. } => Condition::Healthy,
        _ => Condition::Start,
    });
    ContainerPlan {
        // One that others wait to end may end.
        essential: ends.is_none() || dice.random_bool(0.3),
        ends,
        obeys: dice.random_bool(0.7).then(|| dice.random_range(1..8_000)),
        stop_timeout: if dice.random_bool(0.2) {
            dice.random_range(60..=120)
        } else {
            dice.random_range(2..60)
        },
        waits_for,
        healthy_after: dice.random_bool(0.2).then(|| dice.random_range(0..20_000)),
        restart: None,
    }
}

fn fault(dice: &mut SmallRng, calm_at: Millis, moments: &[Millis]) -> Fault {
    let pick = dice.random_range(0..8);
    let steps = if dice.random_bool(0.3) { 0 } else { dice.random_range(0..40) };
    let what = match dice.random_range(0..34) {
        0..9 => Trouble::Kill(steps),
        9 => Trouble::DataLost(steps),
        10 => Trouble::Reboot,
        11..13 => Trouble::ContainerdDown,
        13 => Trouble::ContainerdHangs,
        14 => Trouble::ContainerdSlow,
        15 => Trouble::EventsLost,
        16..18 => Trouble::CallFails(dice.random()),
        18 => Trouble::Vanish(pick),
        19 => Trouble::OutOfMemory(pick),
        20 => Trouble::Refused,
        21 => Trouble::BlackHole,
        22 => Trouble::Reset,
        23 => Trouble::AnswersLost,
        24..26 => Trouble::Muddle,
        26 => Trouble::DiskFull,
        27 => Trouble::DiskSlow,
        28 => Trouble::ClockJump(dice.random_range(-600..600)),
        29..31 => Trouble::NetworkFails,
        31..33 => Trouble::TornWrite(pick / 2),
        _ => Trouble::Stranger(pick),
    };
    // Where something happens there is more to be broken.
    let at = if dice.random_bool(0.6) {
        moments[dice.random_range(0..moments.len())] + dice.random_range(0..1_500)
    } else {
        dice.random_range(0..calm_at)
    };
    Fault { at, lasts: dice.random_range(10..30_000), what }
}

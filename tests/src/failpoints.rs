//! Every point at which the agent may be killed by a test. What each boundary means stands in docs/explanation/failpoints.md.

/// A named place in the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Its name, as in the source.
    pub name: &'static str,
    /// What makes an agent pass it.
    pub scene: Scene,
    /// At which passes it is tried: the first in `make test`, all of them in `make soak`.
    pub hits: [usize; 3],
}

/// What makes an agent pass a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// A start, in the middle of whatever another agent was killed at.
    Start,
    /// A start without a data directory.
    Birth,
    /// The word to stop, in the middle of work.
    Stop,
    /// Work that comes to a running agent.
    Work,
    /// Containers that are started again in place, which take their time.
    Restarts,
    /// Starts of containers whose answers are lost.
    Unanswered,
    /// What a containerd that died left where it keeps its shims.
    Stale,
    /// A container in the agent's namespace that bears no task.
    Stranger,
}

/// How the points of one kind are tried.
type Way = (Scene, [usize; 3]);

/// Passed once in each life of an agent: tried three times.
const START: Way = (Scene::Start, [1, 1, 1]);
/// The same in the first life of all.
const BIRTH: Way = (Scene::Birth, [1, 1, 1]);
/// Passed whenever a task wants it.
const WORK: Way = (Scene::Work, [1, 2, 3]);
/// Passed all the time, at the start too: the first of these lies in the middle of the work.
const TURN: Way = (Scene::Work, [9, 1, 20]);
/// Passed when a container is started again.
const AGAIN: Way = (Scene::Restarts, [1, 2, 3]);
/// Passed when an agent is told to stop.
const STOP: Way = (Scene::Stop, [1, 1, 1]);
/// Passed after a start that nobody answered.
const UNANSWERED: Way = (Scene::Unanswered, [1, 1, 1]);
/// Passed for each container whose place in containerd is taken.
const STALE: Way = (Scene::Stale, [1, 2, 3]);
/// Passed at the start, before there is work, and again some seconds later.
const LISTING: Way = (Scene::Work, [2, 1, 2]);
/// Passed once for each stranger.
const STRANGER: Way = (Scene::Stranger, [1, 1, 1]);

/// All of them, in the order in which a task meets them.
pub const POINTS: &[Point] = &[
    // An agent starts.
    point("open.schema-written", BIRTH),
    point("open.database-built", BIRTH),
    point("open.database-placed", BIRTH),
    point("open.mark-built", BIRTH),
    point("open.mark-placed", BIRTH),
    point("recovery.store-opened", START),
    point("recovery.restored", START),
    point("recovery.connected", START),
    point("recovery.abandoned-ended", START),
    point("recovery.listed", START),
    point("recovery.networks-swept", START),
    point("recovery.swept", START),
    point("recovery.before-ready", START),
    point("register.before", START),
    point("register.accepted", START),
    point("register.saved", START),
    // A message comes and is taken in.
    point("message.heard", WORK),
    point("credentials.stored", WORK),
    point("credentials.before-ack", WORK),
    point("owner.taken", TURN),
    point("owner.before-save", TURN),
    point("store.before-begin", TURN),
    point("store.begun", TURN),
    point("store.written", TURN),
    point("store.committed", TURN),
    point("store.marked", TURN),
    point("owner.saved", TURN),
    point("owner.replied", TURN),
    point("owner.begun", TURN),
    point("ack.before-queue", WORK),
    point("ack.before-write", WORK),
    point("ack.written", WORK),
    // Its network.
    point("network.before", WORK),
    point("network.pin-file-made", WORK),
    point("network.namespace-made", WORK),
    point("network.pair-made", WORK),
    point("network.task-end-set", WORK),
    point("network.host-end-set", WORK),
    point("network.connected", WORK),
    point("network.files-written", WORK),
    point("network.endpoint-listens", WORK),
    point("network.after", WORK),
    // Its image.
    point("image.before", WORK),
    point("image.resolved", WORK),
    point("image.leased", WORK),
    point("image.documents-kept", WORK),
    point("image.layer-written", WORK),
    point("image.unpack-prepared", WORK),
    point("image.unpack-applied", WORK),
    point("image.unpacked", WORK),
    point("image.tied", WORK),
    point("image.before-lease-end", WORK),
    point("image.after", WORK),
    // Its containers.
    point("create.before", WORK),
    point("create.cgroup-made", WORK),
    point("users.leased", WORK),
    point("users.viewed", WORK),
    point("users.read", WORK),
    point("users.view-removed", WORK),
    point("create.recorded", WORK),
    point("create.snapshot-made", WORK),
    point("stale.found", STALE),
    point("stale.shims-ended", STALE),
    point("stale.hidden-removed", STALE),
    point("stale.unmounted", STALE),
    point("stale.root-removed", STALE),
    point("stale.bundle-removed", STALE),
    point("stale.cleared", STALE),
    point("create.after", WORK),
    point("start.before", WORK),
    point("start.after", WORK),
    point("inspect.before", UNANSWERED),
    point("inspect.after", UNANSWERED),
    point("probe.before", WORK),
    point("probe.made", WORK),
    point("probe.started", WORK),
    point("probe.after", WORK),
    point("exit.heard", WORK),
    point("exit.told", WORK),
    point("listing.before", LISTING),
    point("listing.told", LISTING),
    point("renew.before", AGAIN),
    point("renew.cleared", AGAIN),
    point("renew.noted", AGAIN),
    point("renew.after", AGAIN),
    point("signal.before", WORK),
    point("signal.after", WORK),
    point("delete.before", WORK),
    point("delete.ended", WORK),
    point("delete.task-deleted", WORK),
    point("delete.record-deleted", WORK),
    point("delete.after", WORK),
    // What is told of it.
    point("report.before", WORK),
    point("report.taken", WORK),
    point("attached.before", WORK),
    point("attached.taken", WORK),
    // Its end.
    point("release.before", WORK),
    point("release.endpoint-closed", WORK),
    point("release.pair-removed", WORK),
    point("release.disconnected", WORK),
    point("release.unpinned", WORK),
    point("release.files-removed", WORK),
    point("release.after", WORK),
    point("forget.before", WORK),
    point("forget.after", WORK),
    // What is none of its tasks'.
    point("stranger.before", STRANGER),
    point("stranger.after", STRANGER),
    // An agent stops.
    point("stop.told", STOP),
    point("stop.runtime-closed", STOP),
    point("stop.effects-drained", STOP),
    point("stop.parts-ended", STOP),
];

const fn point(name: &'static str, (scene, hits): Way) -> Point {
    Point { name, scene, hits }
}

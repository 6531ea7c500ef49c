//! One life of the agent, from what was seen to run to the owner loop: start and recovery are this one path.
//!
//! ```text
//! what runs → sweep → owner loop ┬ effects
//!                                └ events of the runtime
//! ```
//! Owns the order of a beginning. Refuses to open anything: what it works with comes in through the seams, so that a simulation
//! begins and ends lives as the real agent does.

use crate::effects::sweep::Networks;
use crate::effects::{Effects, World};
use crate::failpoint::failpoint;
use crate::foreign::Foreign;
use crate::observe::{self, Lister, Watch};
use crate::owner::{INBOX, Input, Owner, tell};
use crate::seam::Outside;
use crate::systemd::Watchdog;
use crate::timekeeper::Timekeeper;
use crate::view::View;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_core::effect::Reply;
use wharf_core::event::Event;
use wharf_core::node::Node;

/// What a life begins with.
pub struct Life<O: Outside> {
    /// The node as it was saved.
    pub node: Node,
    /// Where it is saved.
    pub store: Arc<O::Store>,
    /// What effects work with; which tasks may have a network is filled in here.
    pub world: World<O>,
    /// Who looks at the runtime.
    pub lister: Lister<O::Runtime>,
    /// What it saw.
    pub observed: Event,
    /// Containers that bear no task.
    pub foreign: Foreign,
    /// Where readers look.
    pub view: watch::Sender<Arc<View>>,
    /// Who watches that the loop goes on.
    pub watchdog: Watchdog,
}

/// A life that has begun.
pub struct Begun<O: Outside> {
    /// Where events go.
    pub inbox: mpsc::Sender<Input>,
    /// What the node wants said.
    pub replies: mpsc::Receiver<Reply>,
    /// The hands.
    pub effects: Effects<O>,
}

/// Begins: what runs is the first that the node hears of.
pub async fn begin<O: Outside>(life: Life<O>, tracker: &TaskTracker, stop: &CancellationToken) -> Begun<O> {
    let Life { node, store, world, lister, observed, foreign, view, watchdog } = life;
    let (clock, views) = (world.clock.clone(), view.subscribe());
    let (inbox, inputs) = mpsc::channel(INBOX);
    let (replies, spoken) = mpsc::channel(INBOX);
    let known = node.tasks().keys().chain(node.attachments().keys()).chain(observe::tasks_of(&observed));
    let networks = Networks::known(known);
    let effects = Effects::new(World { networks, ..world }, inbox.clone());
    effects.sweep(stop.child_token()).await;
    failpoint!("recovery.swept");
    // The first input: what runs. Everything else queues behind it.
    tell(&inbox, Input::Event(observed)).await;
    let time = Timekeeper::new(clock, lister.boot.clone());
    let watch = Watch::<O> { lister, begun: Instant::now(), view: views, inbox: inbox.clone(), foreign };
    let shown = Default::default();
    let owner =
        Owner { node, store, time, inbox: inputs, effects: effects.clone(), replies, view, shown, watchdog };
    wharf_wait::begin(tracker, owner.run(stop.child_token()));
    wharf_wait::begin(tracker, watch.run(stop.child_token()));
    Begun { inbox, replies: spoken, effects }
}

//! What every runtime promises.

mod end;
mod life;
mod renewal;

use super::{drive, quiet_world, until};
use crate::host::{labels, request};
use crate::message;
use crate::runtime::SimRuntime;
use crate::scenario::{ContainerPlan, RestartPlan};
use crate::world::World;
use std::future::Future;
use tokio::sync::mpsc;
use wharf_agent::seam::Runtime;
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_runtime::{CreateContainer, ExitStatus, ObservedContainer, ObservedState, RuntimeEvent};

/// What the process of a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// It runs, and ends with 143 on SIGTERM.
    Obeys,
    /// It runs, and ignores SIGTERM.
    IsDeaf,
    /// It ends with 7 after a moment.
    Ends,
}

/// A runtime that holds nothing yet.
pub trait Yard {
    /// The runtime.
    type Runtime: Runtime;

    /// A connection to it.
    fn runtime(&self) -> Self::Runtime;

    /// A container of the yard, one for each kind of process. It bears `INSCRIPTION`.
    fn container(&self, process: Process) -> CreateContainer;

    /// Name of an image that is in the store.
    fn image(&self) -> String;

    /// A process and all that keeps an eye on it are gone.
    fn vanish(&self, id: &str);

    /// Removes what is left, and checks that nothing else is.
    fn clear(self) -> impl Future<Output = ()>;
}

/// A time that nothing is measured by.
const T0: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// What containers of a yard bear: more than a label may hold.
pub const INSCRIPTION: [u8; 5000] = [7; 5000];

/// The runtime of a simulated world.
#[derive(Debug)]
pub struct Simulated(World);

impl Simulated {
    /// One in which nothing goes wrong.
    #[expect(
        clippy::new_without_default,
        reason = "it needs a tokio runtime, and a default should need nothing"
    )]
    pub fn new() -> Self {
        let restart = Some(RestartPlan { period: 0, ignored: None });
        let plan = ContainerPlan { restart, ..ContainerPlan::steady() };
        let (deaf, ends) = (ContainerPlan { obeys: None, ..plan.clone() }, Some((300, 7)));
        let world = quiet_world(vec![plan.clone(), deaf, ContainerPlan { ends, ..plan }]);
        drive(&world);
        Self(world)
    }
}

impl Yard for Simulated {
    type Runtime = SimRuntime;

    fn runtime(&self) -> SimRuntime {
        SimRuntime::new(self.0.clone())
    }

    fn container(&self, process: Process) -> CreateContainer {
        let task = self.0.lock().plane.goals[0].arn.clone();
        let name = message::name(process as usize);
        let bare = request(&runtime_id(&task, &name), labels(task.as_str(), &name));
        CreateContainer { inscription: INSCRIPTION.to_vec(), ..bare }
    }

    fn image(&self) -> String {
        "registry.example/app:1".to_owned()
    }

    fn vanish(&self, id: &str) {
        self.0.change(|state| state.vanishes(id));
    }

    async fn clear(self) {
        let broken = self.0.lock().broken.clone();
        assert_eq!(broken, None, "the simulator's own checks");
    }
}

/// Runs every rule in a new yard each.
pub async fn all<Y: Yard, F: Future<Output = Y>>(mut new: impl FnMut() -> F) {
    macro_rules! each {
        ($($file:ident::$rule:ident)*) => {
            $(
                let yard = new().await;
                $file::$rule(&yard).await;
                yard.clear().await;
            )*
        };
    }
    each! {
        life::what_is_not_there_is_said_to_be_so
        life::an_image_that_is_there_is_the_same_each_time
        life::a_listing_gives_back_what_a_container_bears
        life::creating_and_starting_twice_is_doing_it_once
        life::another_container_of_the_same_name_is_refused
        life::one_that_was_never_started_is_deleted_without_an_exit
        end::the_exit_is_the_same_by_event_listing_inspection_and_deletion
        end::what_has_ended_is_shown_until_it_is_deleted
        end::what_has_ended_is_not_started_again_and_is_only_created_anew
        renewal::what_has_ended_is_followed_by_a_new_process_in_place
        renewal::what_runs_or_is_not_there_gets_no_new_process
        end::a_signal_reaches_the_process_or_says_that_there_is_none
        end::deleting_kills_what_runs_and_leaves_the_others_alone
        life::commands_run_where_a_process_is_and_nowhere_else
        life::what_lives_of_a_container_is_found_by_its_cgroup_and_ended_there
        end::a_process_that_vanished_is_not_said_to_run_and_can_be_deleted
    }
}

async fn up<R: Runtime>(runtime: &R, request: &CreateContainer) {
    runtime.create(request).await.expect("it can be created");
    runtime.start(&request.id).await.expect("it can be started");
}

async fn listed<R: Runtime>(runtime: &R, id: &str) -> Option<ObservedContainer> {
    let mut all = runtime.list().await.expect("containers are listed").into_iter();
    all.find(|container| container.id == id)
}

/// What is seen of a container, by listing and by looking at it alone.
async fn seen<R: Runtime>(runtime: &R, id: &str) -> Option<ObservedState> {
    let listed = listed(runtime, id).await.map(|container| container.state);
    assert_eq!(runtime.inspect(id).await.expect("it can be looked at"), listed, "{id}: both ways agree");
    listed
}

async fn exit_of<R: Runtime>(runtime: &R, id: &str) -> ExitStatus {
    let mut exit = None;
    until("the process has ended", async || {
        if let Some(ObservedState::Exited(seen)) = listed(runtime, id).await.map(|found| found.state) {
            exit = Some(seen);
        }
        exit.is_some()
    })
    .await;
    exit.expect("it was waited for")
}

async fn next_exit(events: &mut mpsc::Receiver<RuntimeEvent>) -> (String, ExitStatus) {
    let heard = async {
        loop {
            match events.recv().await.expect("events go on") {
                RuntimeEvent::Exited { container_id, exit } => return (container_id, exit),
                RuntimeEvent::Oom { .. } | RuntimeEvent::Resubscribed | RuntimeEvent::Disconnected => {}
            }
        }
    };
    tokio::time::timeout(super::PATIENCE, heard).await.expect("the exit is told")
}

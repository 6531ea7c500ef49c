//! What every runtime promises.

use super::{drive, quiet_world, until};
use crate::host::{labels, request};
use crate::message;
use crate::runtime::SimRuntime;
use crate::scenario::{ContainerPlan, RestartPlan};
use crate::world::World;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use wharf_agent::seam::Runtime;
use wharf_core::event::Exit;
use wharf_core::restart::Restarts;
use wharf_core::task::runtime_id;
use wharf_core::time::Timestamp;
use wharf_runtime::{
    CreateContainer, CreateError, ExecError, ExitStatus, ObservedContainer, ObservedState, ProcessOptions,
    PullPolicy, RenewContainer, RenewError, RuntimeEvent, SignalOutcome, StartError,
};

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
        ($($rule:ident)*) => {
            $(
                let yard = new().await;
                $rule(&yard).await;
                yard.clear().await;
            )*
        };
    }
    each! {
        what_is_not_there_is_said_to_be_so
        an_image_that_is_there_is_the_same_each_time
        a_listing_gives_back_what_a_container_bears
        creating_and_starting_twice_is_doing_it_once
        another_container_of_the_same_name_is_refused
        one_that_was_never_started_is_deleted_without_an_exit
        the_exit_is_the_same_by_event_listing_inspection_and_deletion
        what_has_ended_is_shown_until_it_is_deleted
        what_has_ended_is_not_started_again_and_is_only_created_anew
        what_has_ended_is_followed_by_a_new_process_in_place
        what_runs_or_is_not_there_gets_no_new_process
        a_signal_reaches_the_process_or_says_that_there_is_none
        deleting_kills_what_runs_and_leaves_the_others_alone
        commands_run_where_a_process_is_and_nowhere_else
        a_process_that_vanished_is_not_said_to_run_and_can_be_deleted
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

async fn what_is_not_there_is_said_to_be_so<Y: Yard>(yard: &Y) {
    let (runtime, id) = (yard.runtime(), yard.container(Process::Obeys).id);
    runtime.ping().await.expect("it answers");
    assert_eq!(seen(&runtime, &id).await, None);
    assert!(matches!(runtime.start(&id).await, Err(StartError::NotFound { .. })));
    assert_eq!(runtime.signal(&id, "SIGTERM").await.expect("it answers"), SignalOutcome::Gone);
    assert_eq!(runtime.delete(&id).await.expect("it answers"), None);
    let probe = runtime.exec(&id, "probe", &["/bin/true".to_owned()], Duration::from_secs(5)).await;
    assert!(matches!(probe, Err(ExecError::NotRunning { .. })), "{probe:?}");
}

async fn an_image_that_is_there_is_the_same_each_time<Y: Yard>(yard: &Y) {
    let (runtime, name) = (yard.runtime(), yard.image());
    let one = runtime.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.expect("it is there");
    let other = runtime.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.expect("it is there");
    assert_eq!((&one.config_digest, &one.digest), (&other.config_digest, &other.digest));
}

async fn a_listing_gives_back_what_a_container_bears<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    let created = listed(&runtime, &request.id).await.expect("it is listed");
    assert_eq!(created.inscription, INSCRIPTION);
    assert!(request.labels.iter().all(|(name, value)| created.labels.get(name) == Some(value)));
    assert!(created.created_at_ms.is_some());
    assert_eq!((created.state, created.started_at_ms), (ObservedState::Created, None));
    let started = runtime.start(&request.id).await.expect("it can be started");
    let running = listed(&runtime, &request.id).await.expect("it is listed");
    assert_eq!(running.state, ObservedState::Running { pid: started.pid });
    // The kernel counts in hundredths of a second, from a boot that it knows to the second.
    let since = running.started_at_ms.expect("the time of a start is known while it runs");
    assert!((since - started.at_ms).abs() < 60_000, "{since} {}", started.at_ms);
    runtime.delete(&request.id).await.expect("it can be deleted");
}

async fn creating_and_starting_twice_is_doing_it_once<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    runtime.create(&request).await.expect("it is adopted");
    assert_eq!(runtime.list().await.expect("containers are listed").len(), 1);
    let started = runtime.start(&request.id).await.expect("it can be started");
    assert_eq!(runtime.start(&request.id).await.expect("it is adopted").pid, started.pid);
    runtime.create(&request).await.expect("what runs is adopted too");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Running { pid: started.pid }));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

async fn another_container_of_the_same_name_is_refused<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    up(&runtime, &request).await;
    let process = ProcessOptions { command: Some(vec!["/bin/false".to_owned()]), ..request.process.clone() };
    let other = CreateContainer { process, ..request.clone() };
    assert!(matches!(runtime.create(&other).await, Err(CreateError::Exists { .. })));
    assert!(matches!(seen(&runtime, &request.id).await, Some(ObservedState::Running { .. })));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

async fn one_that_was_never_started_is_deleted_without_an_exit<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Created));
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), None);
    assert_eq!(seen(&runtime, &request.id).await, None);
}

async fn the_exit_is_the_same_by_event_listing_inspection_and_deletion<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    let mut events = runtime.events();
    let first = tokio::time::timeout(super::PATIENCE, events.recv()).await.expect("events flow");
    assert_eq!(first, Some(RuntimeEvent::Resubscribed));
    up(&runtime, &request).await;
    let (id, exit) = next_exit(&mut events).await;
    assert_eq!((id.as_str(), exit.code), (request.id.as_str(), 7));
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Exited(exit)));
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), Some(exit));
}

async fn what_has_ended_is_shown_until_it_is_deleted<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    up(&runtime, &request).await;
    let exit = exit_of(&runtime, &request.id).await;
    for _ in 0..3 {
        assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Exited(exit)));
    }
    let ended = listed(&runtime, &request.id).await.expect("it is listed");
    assert_eq!(ended.inscription, INSCRIPTION);
    assert_eq!(ended.started_at_ms, None, "the kernel knows the start of what runs, and of nothing else");
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), Some(exit));
    assert_eq!(seen(&runtime, &request.id).await, None);
    assert_eq!(runtime.delete(&request.id).await.expect("deleting again is fine"), None);
}

/// Whoever creates what has ended gets a new one: not to do that is the agent's part.
async fn what_has_ended_is_not_started_again_and_is_only_created_anew<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    up(&runtime, &request).await;
    exit_of(&runtime, &request.id).await;
    let again = runtime.start(&request.id).await;
    assert!(matches!(again, Err(StartError::Runtime { .. })), "{again:?}");
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Created));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

fn renewal(request: &CreateContainer, restarts: u32) -> RenewContainer {
    let restarts =
        Restarts { count: restarts, first_start: T0, last_exit: Exit { code: 7, at: T0 } }.encode();
    let (id, tty, log) = (request.id.clone(), request.process.tty, request.log.clone());
    RenewContainer { id, tty, log, restarts }
}

async fn what_has_ended_is_followed_by_a_new_process_in_place<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    up(&runtime, &request).await;
    let mut last = exit_of(&runtime, &request.id).await;
    let record = listed(&runtime, &request.id).await.expect("it is listed");
    assert!(record.restarts.is_empty(), "nothing is noted before the first");
    for number in 1..=2 {
        let renewal = renewal(&request, number);
        runtime.renew(&renewal).await.expect("it can be renewed");
        runtime.renew(&renewal).await.expect("what waits is adopted");
        let now = listed(&runtime, &request.id).await.expect("it is listed");
        assert_eq!((now.state, &now.restarts), (ObservedState::Created, &renewal.restarts));
        assert_eq!((now.created_at_ms, &now.inscription), (record.created_at_ms, &record.inscription));
        runtime.start(&request.id).await.expect("it can be started");
        let exit = exit_of(&runtime, &request.id).await;
        assert_eq!(exit.code, 7);
        assert!(exit.at_ms > last.at_ms, "it is another end");
        last = exit;
    }
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), Some(last));
}

async fn what_runs_or_is_not_there_gets_no_new_process<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    let renewal = renewal(&request, 1);
    assert!(matches!(runtime.renew(&renewal).await, Err(RenewError::NotFound { .. })));
    up(&runtime, &request).await;
    let running = seen(&runtime, &request.id).await;
    let refused = runtime.renew(&renewal).await;
    assert!(matches!(refused, Err(RenewError::Runs { .. })), "{refused:?}");
    assert_eq!(seen(&runtime, &request.id).await, running);
    runtime.delete(&request.id).await.expect("it can be deleted");
}

async fn a_signal_reaches_the_process_or_says_that_there_is_none<Y: Yard>(yard: &Y) {
    let (runtime, polite, deaf) =
        (yard.runtime(), yard.container(Process::Obeys), yard.container(Process::IsDeaf));
    up(&runtime, &polite).await;
    up(&runtime, &deaf).await;
    for (id, signal, code) in [(&polite.id, "SIGTERM", 143), (&deaf.id, "SIGKILL", 137)] {
        if signal == "SIGKILL" {
            assert_eq!(runtime.signal(id, "SIGTERM").await.expect("sent"), SignalOutcome::Delivered);
            assert!(matches!(seen(&runtime, id).await, Some(ObservedState::Running { .. })), "it is deaf");
        }
        assert_eq!(runtime.signal(id, signal).await.expect("sent"), SignalOutcome::Delivered);
        assert_eq!(exit_of(&runtime, id).await.code, code, "{signal}");
        assert_eq!(runtime.signal(id, signal).await.expect("answered"), SignalOutcome::Gone);
        runtime.delete(id).await.expect("it can be deleted");
    }
}

async fn deleting_kills_what_runs_and_leaves_the_others_alone<Y: Yard>(yard: &Y) {
    let (runtime, one, other) =
        (yard.runtime(), yard.container(Process::IsDeaf), yard.container(Process::Obeys));
    let mut events = runtime.events();
    let first = tokio::time::timeout(super::PATIENCE, events.recv()).await.expect("events flow");
    assert_eq!(first, Some(RuntimeEvent::Resubscribed));
    up(&runtime, &one).await;
    up(&runtime, &other).await;
    let exit = runtime.delete(&one.id).await.expect("it can be deleted");
    assert_eq!(exit.map(|exit| exit.code), Some(137));
    assert_eq!(next_exit(&mut events).await, (one.id.clone(), exit.expect("it ran")));
    assert_eq!(seen(&runtime, &one.id).await, None);
    assert!(matches!(seen(&runtime, &other.id).await, Some(ObservedState::Running { .. })));
    runtime.delete(&other.id).await.expect("it can be deleted");
}

async fn commands_run_where_a_process_is_and_nowhere_else<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Obeys));
    let run = async |name: &str| {
        runtime.exec(&request.id, name, &["/bin/true".to_owned()], Duration::from_secs(5)).await
    };
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(run("early").await.expect("a process that waits is one").exit_code, Some(0));
    runtime.start(&request.id).await.expect("it can be started");
    assert_eq!(run("while").await.expect("it runs").exit_code, Some(0));
    runtime.signal(&request.id, "SIGTERM").await.expect("sent");
    exit_of(&runtime, &request.id).await;
    let late = run("late").await;
    assert!(late.is_err(), "{late:?}");
    runtime.delete(&request.id).await.expect("it can be deleted");
}

async fn a_process_that_vanished_is_not_said_to_run_and_can_be_deleted<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::IsDeaf));
    up(&runtime, &request).await;
    yard.vanish(&request.id);
    until("it is seen to be gone", async || {
        matches!(listed(&runtime, &request.id).await.map(|c| c.state), Some(ObservedState::Vanished))
    })
    .await;
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Vanished));
    // containerd may take a moment to see that the shim is dead.
    until("a signal finds nobody", async || {
        matches!(runtime.signal(&request.id, "SIGKILL").await, Ok(SignalOutcome::Gone))
    })
    .await;
    assert!(runtime.start(&request.id).await.is_err(), "there is nothing to start");
    runtime.delete(&request.id).await.expect("it can be deleted");
    assert_eq!(seen(&runtime, &request.id).await, None);
}

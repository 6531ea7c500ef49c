//! Ends: seen, asked for and forced.

use super::super::until;
use super::{INSCRIPTION, Process, Yard, exit_of, listed, next_exit, seen, up};
use wharf_agent::seam::Runtime;
use wharf_runtime::{ObservedState, RuntimeEvent, SignalOutcome, StartError};

pub(super) async fn the_exit_is_the_same_by_event_listing_inspection_and_deletion<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    let mut events = runtime.events();
    let first = tokio::time::timeout(super::super::PATIENCE, events.recv()).await.expect("events flow");
    assert_eq!(first, Some(RuntimeEvent::Resubscribed));
    up(&runtime, &request).await;
    let (id, exit) = next_exit(&mut events).await;
    assert_eq!((id.as_str(), exit.code), (request.id.as_str(), 7));
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Exited(exit)));
    assert_eq!(runtime.delete(&request.id).await.expect("it can be deleted"), Some(exit));
}

pub(super) async fn what_has_ended_is_shown_until_it_is_deleted<Y: Yard>(yard: &Y) {
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
pub(super) async fn what_has_ended_is_not_started_again_and_is_only_created_anew<Y: Yard>(yard: &Y) {
    let (runtime, request) = (yard.runtime(), yard.container(Process::Ends));
    up(&runtime, &request).await;
    exit_of(&runtime, &request.id).await;
    let again = runtime.start(&request.id).await;
    assert!(matches!(again, Err(StartError::Runtime { .. })), "{again:?}");
    runtime.create(&request).await.expect("it can be created");
    assert_eq!(seen(&runtime, &request.id).await, Some(ObservedState::Created));
    runtime.delete(&request.id).await.expect("it can be deleted");
}

pub(super) async fn a_signal_reaches_the_process_or_says_that_there_is_none<Y: Yard>(yard: &Y) {
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

pub(super) async fn deleting_kills_what_runs_and_leaves_the_others_alone<Y: Yard>(yard: &Y) {
    let (runtime, one, other) =
        (yard.runtime(), yard.container(Process::IsDeaf), yard.container(Process::Obeys));
    let mut events = runtime.events();
    let first = tokio::time::timeout(super::super::PATIENCE, events.recv()).await.expect("events flow");
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

pub(super) async fn a_process_that_vanished_is_not_said_to_run_and_can_be_deleted<Y: Yard>(yard: &Y) {
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

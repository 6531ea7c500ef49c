//! Another process in place of one that has ended.

use super::{Process, T0, Yard, exit_of, listed, seen, up};
use wharf_agent::seam::Runtime;
use wharf_core::event::Exit;
use wharf_core::restart::Restarts;
use wharf_runtime::{CreateContainer, ObservedState, RenewContainer, RenewError};

fn renewal(request: &CreateContainer, restarts: u32) -> RenewContainer {
    let restarts =
        Restarts { count: restarts, first_start: T0, last_exit: Exit { code: 7, at: T0 } }.encode();
    let (id, tty, log) = (request.id.clone(), request.process.tty, request.log.clone());
    RenewContainer { id, tty, log, restarts }
}

pub(super) async fn what_has_ended_is_followed_by_a_new_process_in_place<Y: Yard>(yard: &Y) {
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

pub(super) async fn what_runs_or_is_not_there_gets_no_new_process<Y: Yard>(yard: &Y) {
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

//! Makings that the runtime undoes before anything was started: they are done again, a few times, and nothing is said of them.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::event::{Event, Observation};
use wharf_core::node::Node;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::Status;
use wharf_core::work::Act;

fn undone() -> Event {
    let reason = Reason::new(ReasonCode::CannotStartContainer, "container t-app does not exist");
    Event::ContainerUndone { container: of("t", "app"), reason }
}

/// A task whose start is under way.
fn starting() -> Bench {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(pulled(of("t", "app")));
    bench.on(Event::NetworkReady { task: arn("t") });
    assert_eq!(words(&bench.on(created(of("t", "app")))), ["start app"]);
    bench
}

#[test]
fn what_was_undone_is_made_again_and_nothing_is_said_of_it() {
    let mut bench = starting();
    assert_eq!(words(&bench.on(undone())), [""; 0], "after a rest");
    assert_eq!(bench.task("t").status(), Some(Status::Pending));
    assert_eq!(words(&bench.after(seconds(2))), ["create app"]);
    assert_eq!(words(&bench.on(created(of("t", "app")))), ["start app"]);
    bench.on(Event::ContainerStarted { container: of("t", "app"), at: bench.now });
    assert_eq!(bench.task("t").status(), Some(Status::Running));
}

#[test]
fn what_is_undone_again_and_again_is_given_up_with_what_the_runtime_says() {
    let mut bench = starting();
    for _ in 0..4 {
        bench.on(undone());
        assert!(words(&bench.after(seconds(60))).contains(&"create app".to_owned()));
        bench.on(created(of("t", "app")));
    }
    bench.on(undone());
    let stopped = bench.container("t", "app").stopped().expect("given up");
    assert_eq!(stopped.exit_code, None, "it never ran");
    let reason = stopped.reason.as_ref().expect("it says why");
    assert_eq!(reason.to_string(), "CannotStartContainerError: container t-app does not exist");
}

#[test]
fn what_was_undone_while_its_task_is_to_stop_is_removed() {
    let mut bench = starting();
    bench.on(stop("t"));
    assert_eq!(words(&bench.on(undone())), ["delete app"], "its record and its snapshot may be there");
    assert_eq!(bench.container("t", "app").started_at(), None);
}

#[test]
fn a_new_process_that_was_undone_is_made_again() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").restarted(60, &[])]));
    bench.after(seconds(100));
    bench.on(exited(of("t", "app"), 3, bench.now));
    assert_eq!(words(&bench.on(renewed(of("t", "app")))), ["start app"]);
    bench.on(undone());
    assert_eq!(words(&bench.after(seconds(2))), ["renew app"]);
    assert_eq!(words(&bench.on(renewed(of("t", "app")))), ["start app"]);
}

#[test]
fn a_new_process_that_is_undone_again_and_again_is_given_up() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").restarted(60, &[])]));
    bench.after(seconds(100));
    bench.on(exited(of("t", "app"), 3, bench.now));
    for _ in 0..4 {
        bench.on(renewed(of("t", "app")));
        bench.on(undone());
        assert!(words(&bench.after(seconds(60))).contains(&"renew app".to_owned()));
    }
    bench.on(renewed(of("t", "app")));
    bench.on(undone());
    let stopped = bench.container("t", "app").stopped().expect("given up");
    assert_eq!(stopped.exit_code, Some(3), "as its last process ended");
    assert!(stopped.reason.is_some());
}

#[test]
fn an_adopted_container_whose_image_nobody_knows_is_not_made_again() {
    let mut bench = Bench::new();
    let spec = a_task("t", vec![a_container("app"), a_container("side").helper()]);
    let readable = [(of("t", "side"), Observation::Running { pid: 7, since: None })];
    let all = [(of("t", "app"), Observation::Created), readable[0].clone()];
    bench.node = Node::restore(config(), vec![]).unwrap();
    assert!(words(&bench.on(listed(&all, borne(&readable, &spec), true))).contains(&"start app".to_owned()));
    bench.on(undone());
    assert!(bench.container("t", "app").stopped().is_some());
}

#[test]
fn an_exit_that_was_heard_during_a_start_that_nobody_answers_counts() {
    for (code, reason) in [(3, None), (137, Some(ReasonCode::CannotStartContainer))] {
        let mut bench = starting();
        bench.on(exited(of("t", "app"), code, bench.now));
        let away = Reason::new(ReasonCode::CannotStartContainer, "containerd is away");
        bench.on(Event::Postponed {
            container: of("t", "app"),
            act: Act::Start,
            reason: away,
            suspect: None,
        });
        let stopped = bench.container("t", "app").stopped().expect("its end was heard of");
        assert_eq!((stopped.exit_code, stopped.reason.as_ref().map(|r| r.code)), (Some(code), reason));
    }
}

#[test]
fn the_exit_of_what_was_never_started_is_none_of_the_applications() {
    let exit = |bench: &mut Bench| drop(bench.on(exited(of("t", "app"), 137, bench.now)));
    for exit_first in [true, false] {
        let mut bench = starting();
        if exit_first {
            exit(&mut bench);
        }
        bench.on(undone());
        exit(&mut bench);
        assert_eq!(words(&bench.after(seconds(2))), ["create app"]);
        assert!(bench.container("t", "app").stopped().is_none());
    }
}

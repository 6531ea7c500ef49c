//! `dependsOn`.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::event::Event;
use wharf_core::report::Status;
use wharf_core::spec::{Condition, ContainerSpec};
use wharf_core::wait::{Awaited, Until};

/// `app` depends on `side`; both images are there and `side` is being created.
fn begun(condition: Condition, side: ContainerSpec) -> Bench {
    let mut bench = Bench::new();
    let effects = bench.on(run(a_task("t", vec![a_container("app").after("side", condition), side])));
    assert_eq!(words(&effects), ["pull app", "pull side"], "images are pulled ahead of conditions");
    bench.on(pulled(of("t", "app")));
    assert_eq!(words(&bench.on(pulled(of("t", "side")))), ["create side"]);
    bench.on(created(of("t", "side")));
    bench
}

fn side_started(bench: &mut Bench) -> Vec<String> {
    let at = bench.now;
    words(&bench.on(Event::ContainerStarted { container: of("t", "side"), at }))
}

#[test]
fn start_holds_once_the_other_has_started() {
    let mut bench = begun(Condition::Start, a_container("side"));
    assert_eq!(side_started(&mut bench), ["create app"]);
}

#[test]
fn start_holds_for_one_that_has_started_and_stopped_since() {
    let mut bench = begun(Condition::Start, a_container("side").helper());
    bench.on(exited(of("t", "side"), 1, T0));
    assert_eq!(
        side_started(&mut bench),
        ["create app"],
        "its end was heard of before its start was answered"
    );
    assert_eq!(bench.container("t", "side").stopped().unwrap().exit_code, Some(1));
}

#[test]
fn start_never_holds_for_one_that_could_not_be_started() {
    let mut bench = begun(Condition::Start, a_container("side").helper());
    let reason = reason(wharf_core::reason::ReasonCode::CannotStartContainer);
    bench.on(Event::StartFailed { container: of("t", "side"), reason });
    let effects = bench.on(deleted(of("t", "side")));
    let effects = [effects, bench.on(deleted(of("t", "app")))].concat();
    assert!(words(&effects).contains(&"release".to_owned()));
    let app = bench.container("t", "app").stopped().unwrap();
    let why = "ContainerDependencyError: dependency side did not become START: it has stopped";
    assert_eq!(app.reason.as_ref().unwrap().to_string(), why);
    assert_eq!(app.exit_code, None);
    assert_eq!(bench.task("t").reason().unwrap().to_string(), why);
}

#[test]
fn complete_waits_for_the_exit_whatever_its_code() {
    let mut bench = begun(Condition::Complete, a_container("side").helper());
    assert_eq!(side_started(&mut bench), [""; 0]);
    assert!(words(&bench.on(exited(of("t", "side"), 5, T0))).contains(&"create app".to_owned()));
}

#[test]
fn success_waits_for_exit_code_0() {
    let mut bench = begun(Condition::Success, a_container("side").helper());
    assert_eq!(side_started(&mut bench), [""; 0]);
    assert!(words(&bench.on(exited(of("t", "side"), 0, T0))).contains(&"create app".to_owned()));
}

#[test]
fn success_never_holds_after_another_exit_code() {
    let mut bench = begun(Condition::Success, a_container("side").helper());
    side_started(&mut bench);
    bench.on(exited(of("t", "side"), 1, T0));
    assert!(bench.container("t", "app").stopped().is_some());
}

#[test]
fn healthy_waits_for_the_health_check() {
    let mut bench = begun(Condition::Healthy, a_container("side").checked());
    assert_eq!(side_started(&mut bench), [""; 0]);
    assert_eq!(words(&bench.after(seconds(10))), ["probe side"]);
    assert_eq!(words(&bench.on(probed(of("t", "side"), 0))), ["create app"]);
}

#[test]
fn a_start_timeout_gives_up_the_one_that_waits() {
    let mut side = a_container("side").helper();
    side.start_timeout = Some(seconds(7));
    let mut bench = begun(Condition::Success, side);
    side_started(&mut bench);
    let wait = bench.node.waiting_for(&arn("t"), bench.now).unwrap();
    let what = Awaited::Dependency {
        container: "app".to_owned(),
        on: "side".to_owned(),
        condition: Condition::Success,
    };
    assert_eq!((wait.what, wait.until), (what, Until::At(T0.plus(seconds(7)))));
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(7))));
    bench.after(seconds(7));
    let app = bench.container("t", "app").stopped().unwrap();
    assert_eq!(app.exit_code, Some(143), "ECS says so although it never started");
    assert!(app.reason.as_ref().unwrap().to_string().starts_with("ContainerDependencyError: "));
}

#[test]
fn a_start_timeout_does_not_count_before_the_start() {
    let mut side = a_container("side").helper();
    side.start_timeout = Some(seconds(7));
    let mut bench = begun(Condition::Success, side);
    bench.after(seconds(60));
    assert!(bench.container("t", "app").stopped().is_none());
}

/// What the control plane is told of a task with these containers, which runs nothing.
fn refusal(containers: Vec<ContainerSpec>) -> String {
    let mut bench = Bench::new();
    let turn = bench.turn(run(a_task("t", containers)));
    assert_eq!(turn.replies.len(), 1, "it is acknowledged: it was understood");
    assert_eq!(words(&turn.effects), ["release", "report STOPPED"]);
    report(&turn.effects).reason
}

#[test]
fn a_dependency_on_an_unknown_container_is_refused() {
    let why = refusal(vec![a_container("app").after("nobody", Condition::Start)]);
    assert_eq!(why, "TaskDependencyError: container app depends on nobody, which the task does not have");
}

#[test]
fn dependencies_in_a_circle_are_refused() {
    let why = refusal(vec![
        a_container("free"),
        a_container("app").after("side", Condition::Start),
        a_container("side").after("app", Condition::Complete),
    ]);
    assert_eq!(why, "TaskDependencyError: containers depend on each other in a circle: app, side");
}

#[test]
fn healthy_without_a_health_check_is_refused() {
    let why = refusal(vec![a_container("app").after("side", Condition::Healthy), a_container("side")]);
    let text = "TaskDependencyError: container app waits for side to be healthy, which has no health check";
    assert_eq!(why, text);
}

#[test]
fn containers_without_order_go_ahead_side_by_side() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app"), a_container("side")])));
    let effects = bench.on(pulled(of("t", "side")));
    assert!(words(&effects).contains(&"create side".to_owned()));
    assert_eq!(bench.task("t").status(), Some(Status::Pending));
}

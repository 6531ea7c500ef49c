//! The closed list of reasons: each code is provoked where the core decides it, and says what it means.

use crate::bench::Bench;
use crate::build::*;
use std::path::Path;
use wharf_core::event::{Event, Goal, Observation};
use wharf_core::note::Note;
use wharf_core::reason::ReasonCode::{self, *};
use wharf_core::spec::Condition;

/// A task whose one container runs.
fn running() -> Bench {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench
}

fn why_of_task(bench: &Bench) -> String {
    bench.task("t").why().expect("it is to stop").to_string()
}

fn why_of_app(bench: &Bench) -> String {
    bench.container("t", "app").why().expect("it has stopped").to_string()
}

#[test]
fn a_stop_by_the_control_plane_says_so_and_is_not_told_back_to_it() {
    let mut bench = running();
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    let why = "StoppedByControlPlane: the control plane asked for it with a payload";
    assert_eq!(why_of_task(&bench), why);
    let effects = bench.on(exited(of("t", "app"), 0, T0.plus(seconds(2))));
    let effects = bench.succeed(effects);
    assert_eq!(report(&effects).reason, "", "ECS's agent has no words for it");
    let why = "ContainerStopped: it ended 2 s after it was to stop, with exit code 0";
    assert_eq!(why_of_app(&bench), why);
}

#[test]
fn a_stop_by_a_confirmed_manifest_says_so() {
    let mut bench = running();
    let manifest =
        |timeline| Event::ManifestReceived { message_id: "m".to_owned(), timeline, tasks: [].into() };
    bench.on(manifest(1));
    bench.on(Event::StopsVerified { message_id: "m".to_owned(), tasks: vec![arn("t")] });
    let why = "StoppedByControlPlane: the control plane asked for it by leaving it out of its manifest, and confirmed that";
    assert_eq!(why_of_task(&bench), why);
}

#[test]
fn an_essential_container_that_exits_is_the_reason_of_its_task() {
    let mut bench = running();
    bench.on(exited(of("t", "app"), 3, T0.plus(seconds(5))));
    assert_eq!(why_of_task(&bench), "EssentialContainerExited: essential container app exited with code 3");
    assert_eq!(why_of_app(&bench), "ContainerExited: it exited with code 3 after 5 s");
}

#[test]
fn helpers_that_have_all_ended_are_the_reason_of_their_task() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").helper()]));
    bench.on(exited(of("t", "app"), 0, T0));
    let why = "AllContainersExited: all containers have ended, none of them essential";
    assert_eq!(why_of_task(&bench), why);
}

#[test]
fn a_container_that_had_to_be_killed_is_told_from_one_that_stopped() {
    let mut bench = running();
    let asked = bench.on(stop("t"));
    bench.succeed(asked);
    let killed = bench.after(seconds(30));
    bench.succeed(killed);
    bench.on(exited(of("t", "app"), 137, T0.plus(seconds(30))));
    let why = "ContainerKilled: it did not end within 30 s of being asked to and was killed; exit code 137";
    assert_eq!(why_of_app(&bench), why);
}

#[test]
fn sigkill_that_nobody_of_us_sent_came_from_outside() {
    let mut bench = running();
    bench.on(exited(of("t", "app"), 137, T0));
    let sent =
        "it was killed with SIGKILL, which neither the agent nor the kernel's out-of-memory killer sent";
    assert_eq!(why_of_app(&bench), format!("KilledFromOutside: {sent}"));
    assert_eq!(why_of_task(&bench), format!("KilledFromOutside: essential container app: {sent}"));
}

#[test]
fn out_of_memory_is_the_reason_of_container_and_task() {
    let mut bench = running();
    bench.on(Event::OutOfMemory { container: of("t", "app") });
    bench.on(exited(of("t", "app"), 137, T0));
    assert_eq!(why_of_app(&bench), "OutOfMemoryError: Container killed due to memory usage");
    let why = "OutOfMemoryError: essential container app: Container killed due to memory usage";
    assert_eq!(why_of_task(&bench), why);
}

#[test]
fn what_never_started_says_that_its_task_was_to_stop() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(pulled(of("t", "app")));
    bench.on(created(of("t", "app")));
    bench.on(stop("t"));
    bench.on(Event::StartFailed { container: of("t", "app"), reason: reason(CannotStartContainer) });
    assert_eq!(why_of_app(&bench), "CannotStartContainerError: because of the test");
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.on(stop("t"));
    assert_eq!(why_of_app(&bench), "ContainerNotStarted: its task was to stop before it was started");
}

#[test]
fn definitions_that_cannot_be_are_refused_with_their_code() {
    let twice = a_task("t", vec![a_container("app"), a_container("app")]);
    let circle = a_task("t", vec![a_container("app").after("app", Condition::Start)]);
    let large = a_task("t", vec![a_container("app").needs(1, 9999)]);
    let cases = [
        (twice, UnrecognizedTask, "UnrecogniedTaskError: task has two containers named app"),
        (circle, TaskDependency, "TaskDependencyError: containers depend on each other in a circle: app"),
        (
            large,
            Unplaceable,
            "ResourceNotAvailableError: task needs 9999 MiB of memory and the host has 2048",
        ),
    ];
    for (spec, code, text) in cases {
        let mut bench = Bench::new();
        let effects = bench.on(run(spec));
        let why = bench.task("t").why().unwrap();
        assert_eq!((why.code, why.to_string().as_str()), (code, text));
        assert_eq!(report(&effects).reason, text, "and the control plane is told");
    }
}

#[test]
fn a_dependency_that_fails_names_the_container_and_its_condition() {
    let mut bench = Bench::new();
    let app = a_container("app").after("side", Condition::Success);
    bench.up(a_task("t", vec![app, a_container("side").helper()]));
    bench.on(exited(of("t", "side"), 1, T0));
    let text = "ContainerDependencyError: dependency side did not become SUCCESS: it has stopped";
    assert_eq!((why_of_app(&bench), why_of_task(&bench)), (text.to_owned(), text.to_owned()));
    assert_eq!(bench.container("t", "app").why().unwrap().code, DependencyFailed);
}

#[test]
fn a_task_stopped_in_the_queue_says_that_it_had_not_begun() {
    let mut bench = Bench::new();
    let needs = |id| Goal::Run(Box::new(a_task(id, vec![a_container("app").needs(1, 1500)])));
    bench.on(payload("m", vec![needs("s"), needs("t")]));
    bench.on(stop("t"));
    let text = "TaskStoppedBeforePullBeginError: task was stopped before its first image was pulled";
    assert_eq!(why_of_app(&bench), text);
    assert_eq!(bench.container("t", "app").why().unwrap().code, TaskStoppedBeforePullBegin);
}

#[test]
fn what_is_late_says_what_was_waited_for() {
    let mut bench = Bench::new();
    bench.on(run(a_task("t", vec![a_container("app")])));
    bench.after(seconds(2 * 3600));
    let text = "DockerTimeoutError: Could not transition to PULLED; timed out after waiting 7200 s";
    assert_eq!(why_of_app(&bench), text);
    assert_eq!(bench.task("t").why().unwrap().code, Timeout);
    let mut bench = Bench::new();
    bench.on(run(awsvpc(a_task("t", vec![a_container("app")]))));
    bench.after(seconds(60));
    let text = "ContainerNetworkingError: network of the task was not ready after 60 s";
    assert_eq!(why_of_task(&bench), text);
    assert_eq!(bench.task("t").why().unwrap().code, ContainerNetworking);
}

#[test]
fn a_container_that_is_gone_says_that_nobody_saw_it_end() {
    let mut bench = running();
    bench.restart(&[]);
    assert_eq!(why_of_app(&bench), "ContainerVanishedError: container app is gone from the runtime");
    assert_eq!(bench.container("t", "app").why().unwrap().code, ContainerVanished);
    let mut bench = running();
    bench.restart(&[(of("t", "app"), Observation::Vanished)]);
    let text = "ContainerVanishedError: essential container app: container app is gone from the runtime";
    assert_eq!(why_of_task(&bench), text);
}

/// These stop nothing: the act is tried again, and the log says why.
#[test]
fn what_is_tried_again_is_noted_with_its_reason() {
    let container = || of("t", "app");
    let unstoppable = Event::SignalFailed { container: container(), reason: reason(CannotStopContainer) };
    let unremovable = Event::DeleteFailed { container: container(), reason: reason(CannotRemoveContainer) };
    let cases = [
        (stop("t"), unstoppable, "CannotStopContainerError"),
        (exited(container(), 0, T0), unremovable, "CannotRemoveContainerError"),
    ];
    for (begin, failure, name) in cases {
        let mut bench = running();
        bench.on(begin);
        bench.on(failure);
        let noted = bench.notes.iter().find_map(|note| match note {
            Note::WillRetry { reason, .. } => reason.clone(),
            _ => None,
        });
        assert_eq!(noted.unwrap().to_string(), format!("{name}: because of the test"));
    }
}

/// What the edge finds out reaches the report as it came.
#[test]
fn a_reason_of_the_edge_becomes_that_of_container_and_task() {
    for code in [CannotPullContainer, CannotPullContainerAuth, CannotPullImageManifest, DiskFull] {
        let mut bench = Bench::new();
        bench.on(run(a_task("t", vec![a_container("app")])));
        let effects = bench.on(Event::ImageFailed { container: of("t", "app"), reason: reason(code) });
        let text = format!("{}: because of the test", code.as_str());
        assert_eq!((why_of_app(&bench), why_of_task(&bench)), (text.clone(), text.clone()));
        assert_eq!(report(&effects).reason, text);
    }
    for (code, name) in [
        (CannotCreateContainer, "CannotCreateContainerError"),
        (ResourceInitialization, "ResourceInitializationError"),
        (HostConfig, "HostConfigError"),
    ] {
        let mut bench = Bench::new();
        bench.on(run(a_task("t", vec![a_container("app")])));
        bench.on(pulled(of("t", "app")));
        bench.on(Event::CreateFailed { container: of("t", "app"), reason: reason(code) });
        assert_eq!(why_of_task(&bench), format!("{name}: because of the test"));
    }
}

#[test]
fn every_code_has_a_name_of_its_own_a_cause_and_a_hint() {
    let mut names: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ReasonCode::ALL.len());
    for code in ReasonCode::ALL {
        for sentence in [code.cause(), code.hint()] {
            assert!(sentence.ends_with('.') && sentence.len() > 10, "{code:?}: {sentence}");
        }
    }
}

#[test]
fn the_text_of_every_code_is_compared_in_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tests = String::new();
    for dir in ["agent/core/tests/core", "agent/tests/agent", "tests/tests/e2e"] {
        for entry in std::fs::read_dir(root.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                tests += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let missing: Vec<&str> = ReasonCode::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|name| !tests.contains(&format!("\"{name}: ")) && !tests.contains(&format!("\"{name}\"")))
        .collect();
    assert!(missing.is_empty(), "no test compares the text of {missing:?}");
}

//! Tasks that nobody remembers: the data directory was lost, the containers are there.

use crate::bench::Bench;
use crate::build::*;
use crate::control::manifest;
use std::collections::BTreeMap;
use wharf_core::adopt::Inscription;
use wharf_core::effect::Reply;
use wharf_core::event::{Desired, Event, Exit, Observation, Remains};
use wharf_core::node::Node;
use wharf_core::note::Note;
use wharf_core::phase::Phase;
use wharf_core::reason::ReasonCode;
use wharf_core::report::Status;
use wharf_core::spec::{Condition, TaskSpec};
use wharf_core::work::Act;

const RUNNING: Observation = Observation::Running { pid: 7, since: None };

fn exit(code: i32) -> Observation {
    Observation::Exited(Exit { code, at: T0 })
}

/// A web server with a migration before it and a sidecar beside it.
fn web() -> TaskSpec {
    let migration = a_container("migration").helper();
    let app = a_container("app").after("migration", Condition::Success);
    awsvpc(a_task("t", vec![migration, app, a_container("side").helper()]))
}

#[test]
fn a_running_task_is_adopted_and_nothing_of_it_is_touched() {
    let mut bench = Bench::new();
    let all = [(of("t", "migration"), exit(0)), (of("t", "app"), RUNNING), (of("t", "side"), RUNNING)];
    let effects = bench.restart_without_state(&all, &web());
    assert_eq!(words(&effects), ["prepare", "report RUNNING"]);
    let report = report(&effects);
    let told: Vec<_> = report.containers.iter().map(|c| (c.name.as_str(), c.status, c.exit_code)).collect();
    let expected = [
        ("migration", Status::Stopped, Some(0)),
        ("app", Status::Running, None),
        ("side", Status::Running, None),
    ];
    assert_eq!(told, expected);
    assert!(report.containers.iter().all(|c| c.image_digest.is_some() && c.runtime_id.is_some()));
    assert!(bench.notes.contains(&Note::TaskAdopted { task: arn("t"), running: 2 }));
    assert_eq!(bench.container("t", "app").started_at(), Some(T0), "its deadlines count from its real start");
}

#[test]
fn an_adopted_task_is_saved_and_stops_like_any_other() {
    let mut bench = Bench::new();
    let all = [(of("t", "app"), RUNNING)];
    let spec = a_task("t", vec![a_container("app")]);
    let effects = bench.restart_without_state(&all, &spec);
    bench.succeed(effects);
    assert_eq!(words(&bench.restart(&all)), [""; 0], "the next start knows it");
    assert_eq!(words(&bench.on(stop("t"))), ["ask app"]);
}

#[test]
fn a_container_that_never_was_is_begun_when_its_time_comes() {
    let mut bench = Bench::new();
    let effects =
        bench.restart_without_state(&[(of("t", "migration"), exit(0)), (of("t", "side"), RUNNING)], &web());
    assert_eq!(words(&effects), ["prepare", "pull app", "report PENDING"]);
    let all = bench.succeed(effects);
    assert!(words(&all).contains(&"start app".to_owned()));
    assert!(!words(&all).iter().any(|word| word.ends_with("migration")), "what has run is not run again");
}

#[test]
fn a_container_that_ended_and_bears_nothing_readable_is_not_begun_again() {
    let mut bench = Bench::new();
    bench.node = Node::restore(config(), vec![]).unwrap();
    let spec = a_task("t", vec![a_container("app"), a_container("side").helper()]);
    let readable = [(of("t", "app"), RUNNING)];
    let all = [readable[0].clone(), (of("t", "side"), exit(3))];
    let effects = bench.on(listed(&all, borne(&readable, &spec), true));
    assert_eq!(words(&effects), ["report RUNNING"]);
    assert_eq!(report(&effects).containers[1].exit_code, Some(3));
}

#[test]
fn a_task_of_which_nothing_runs_is_told_as_stopped_and_not_begun_again() {
    for shown in [Observation::Created, Observation::Vanished] {
        let mut bench = Bench::new();
        let effects = bench.restart_without_state(&[(of("t", "migration"), shown)], &web());
        let all = bench.succeed(effects);
        assert!(!words(&all).iter().any(|word| word.starts_with("start")), "{shown:?}: {:?}", words(&all));
        let last = all.iter().rev().find_map(|effect| match effect {
            wharf_core::effect::Effect::ReportTask { report, .. } => Some(report.clone()),
            _ => None,
        });
        let last = last.unwrap();
        assert_eq!(last.status, Status::Stopped);
        assert!(last.reason.starts_with("AgentStateLostError: "), "{}", last.reason);
    }
}

#[test]
fn a_task_that_was_just_being_removed_is_not_begun_again() {
    let mut bench = Bench::new();
    let spec = a_task("t", vec![a_container("app"), a_container("side").helper()]);
    let effects = bench.restart_without_state(&[(of("t", "side"), exit(143))], &spec);
    let all = bench.succeed(effects);
    assert!(!words(&all).iter().any(|word| word.starts_with("create")), "{:?}", words(&all));
    assert_eq!(reported(&all).last(), Some(&Status::Stopped));
}

#[test]
fn a_task_that_ended_unseen_is_told_with_its_exit_code() {
    let mut bench = Bench::new();
    let spec = a_task("t", vec![a_container("app")]);
    let effects = bench.restart_without_state(&[(of("t", "app"), exit(5))], &spec);
    let all = bench.succeed(effects);
    assert_eq!(reported(&all), [Status::Running, Status::Stopped]);
    assert_eq!(bench.container("t", "app").stopped().unwrap().exit_code, Some(5));
}

#[test]
fn a_code_with_which_what_was_never_started_ends_too_is_told_with_the_doubt() {
    let doubt = "AgentStateLostError: the agent's state was lost; it ended with code 137, and whether its program ran is not known";
    for (code, reason) in [(137, Some(doubt)), (3, None)] {
        let mut bench = Bench::new();
        let all = [(of("t", "app"), RUNNING), (of("t", "side"), exit(code))];
        let spec = a_task("t", vec![a_container("app"), a_container("side").helper()]);
        bench.restart_without_state(&all, &spec);
        let side = bench.container("t", "side").stopped().unwrap();
        assert_eq!(side.exit_code, Some(code));
        assert_eq!(side.reason.as_ref().map(ToString::to_string).as_deref(), reason);
    }
}

#[test]
fn what_may_never_have_run_is_not_said_to_have_run() {
    for (code, statuses) in [(137, &[Status::Stopped][..]), (3, &[Status::Running, Status::Stopped])] {
        let mut bench = Bench::new();
        let spec = a_task("t", vec![a_container("app")]);
        let effects = bench.restart_without_state(&[(of("t", "app"), exit(code))], &spec);
        let mut told = reported(&bench.succeed(effects));
        told.retain(|status| *status >= Status::Running);
        assert_eq!(told, statuses, "{code}");
    }
}

#[test]
fn a_task_that_was_told_running_does_not_go_back_when_the_end_of_a_restart_leaves_a_doubt() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app").restarted(10, &[]), a_container("side")]));
    bench.after(seconds(20));
    let renewal = bench.on(exited(of("t", "app"), 3, bench.now));
    let start = bench.on(success(&renewal[0], bench.now));
    assert_eq!(words(&start), ["start app"]);
    let unanswered = reason(ReasonCode::CannotStartContainer);
    let (container, act) = (of("t", "app"), Act::Start);
    bench.on(Event::Postponed { container, act, reason: unanswered, suspect: None });
    bench.on(exited(of("t", "app"), 137, bench.now));
    assert!(bench.container("t", "app").stopped().is_some());
    assert_eq!(bench.task("t").status(), Some(Status::Running), "the other one still stops");
}

#[test]
fn what_is_known_of_an_end_takes_the_place_of_the_doubt() {
    let mut bench = Bench::new();
    let all = [(of("t", "app"), exit(137))];
    let effects = bench.restart_without_state(&all, &a_task("t", vec![a_container("app")]));
    assert!(words(&effects).contains(&"delete app".to_owned()));
    let remains = Some(Remains { out_of_memory: true, ..Remains::default() });
    bench.on(Event::ContainerDeleted { container: of("t", "app"), exit: None, remains });
    let reason = bench.container("t", "app").stopped().unwrap().reason.clone();
    assert_eq!(reason.unwrap().code, ReasonCode::OutOfMemory);
}

#[test]
fn what_the_control_plane_has_said_to_stop_is_not_adopted() {
    let mut bench = Bench::new();
    let all = [(of("t", "app"), RUNNING)];
    let spec = a_task("t", vec![a_container("app")]);
    bench.on(stop("t"));
    let effects = bench.restart(&[]);
    bench.succeed(effects);
    let effects = bench.on(listed(&all, borne(&all, &spec), false));
    assert_eq!((bench.node.tasks().len(), words(&effects)), (0, vec!["delete app".to_owned()]));
}

#[test]
fn after_the_start_only_what_is_listed_twice_is_adopted() {
    let mut bench = Bench::new();
    let all = [(of("t", "app"), RUNNING)];
    let spec = a_task("t", vec![a_container("app")]);
    bench.on(listed(&all, borne(&all, &spec), false));
    assert_eq!(bench.node.tasks().len(), 0);
    bench.on(listed(&all, borne(&all, &spec), false));
    assert_eq!(bench.task("t").status(), Some(Status::Running));
}

#[test]
fn a_definition_that_does_not_fit_its_containers_adopts_nothing() {
    let mut bench = Bench::new();
    let other = a_task("t", vec![a_container("other")]);
    let effects = bench.restart_without_state(&[(of("t", "app"), RUNNING)], &other);
    assert_eq!((bench.node.tasks().len(), words(&effects)), (0, vec![]));
    assert!(matches!(bench.notes.as_slice(), [Note::Orphan { .. }]), "{:?}", bench.notes);
}

#[test]
fn an_adopted_task_holds_its_resources() {
    let mut bench = Bench::new();
    let big = |id| a_task(id, vec![a_container("app").needs(1500, 1)]);
    bench.restart_without_state(&[(of("t", "app"), RUNNING)], &big("t"));
    assert_eq!(words(&bench.on(run(big("u")))), [""; 0]);
}

#[test]
fn what_a_container_bears_reads_back_and_a_newer_form_is_refused() {
    let bytes = Inscription::encode(&web(), &image());
    assert_eq!(Inscription::decode(&bytes).unwrap(), Inscription { task: web(), image: image() });
    let newer = String::from_utf8(bytes).unwrap().replacen("\"v\":1", "\"v\":2", 1);
    assert!(Inscription::decode(newer.as_bytes()).is_err());
    assert!(Inscription::decode(b"").is_err());
}

// ---- containers that nobody knows ----

fn with_orphan() -> Bench {
    let mut bench = Bench::new();
    bench.on(seen(&[(of("t", "app"), RUNNING)], true));
    bench
}

#[test]
fn an_unknown_container_is_said_once_and_left_alone_until_its_time_is_over() {
    let mut bench = with_orphan();
    bench.on(seen(&[(of("t", "app"), RUNNING)], false));
    let said = bench.notes.iter().filter(|note| matches!(note, Note::Orphan { .. })).count();
    assert_eq!(said, 1);
    assert_eq!(words(&bench.after(seconds(3599))), [""; 0]);
    assert_eq!(words(&bench.after(seconds(1))), ["delete app"]);
    let effects = bench.on(deleted(of("t", "app")));
    assert_eq!(words(&effects), ["release", "report STOPPED"]);
    assert!(report(&effects).reason.starts_with("UnknownContainerError: "));
}

#[test]
fn an_unknown_container_stays_for_ever_where_policy_says_so() {
    let mut config = config();
    config.unknown_wait = None;
    let mut bench = Bench::with(config);
    bench.on(seen(&[(of("t", "app"), RUNNING)], true));
    assert_eq!((words(&bench.after(seconds(1_000_000))), bench.node.next_wakeup()), (vec![], None));
}

#[test]
fn the_control_plane_is_asked_about_unknown_containers_and_obeyed() {
    let mut bench = with_orphan();
    let replies = bench.replies(manifest(1, &[]));
    let asked =
        |reply: &Reply| matches!(reply, Reply::VerifyStops { candidates, .. } if *candidates == [arn("t")]);
    assert!(replies.iter().any(asked), "{replies:?}");
    let verified = Event::StopsVerified { message_id: "manifest-1".to_owned(), tasks: vec![arn("t")] };
    assert_eq!(words(&bench.on(verified)), ["delete app"]);
    let mut bench = with_orphan();
    let wanted = manifest(1, &[("t", Desired::Running)]);
    assert!(!bench.replies(wanted).iter().any(asked), "what is wanted is not asked about");
}

// ---- reboot ----

fn in_boot(boot: &str, shown: Option<Observation>) -> Event {
    let containers = shown.into_iter().map(|state| (of("t", "app"), state)).collect();
    Event::Observed { containers, found: BTreeMap::new(), boot: boot.to_owned(), recovery: true }
}

fn restarted(bench: &mut Bench, event: Event) -> Vec<wharf_core::effect::Effect> {
    let records = bench.store.iter();
    let records = records
        .map(|(key, value)| wharf_core::record::Record { key: key.clone(), value: value.clone() })
        .collect();
    bench.node = Node::restore(config(), records).unwrap();
    bench.on(event)
}

fn running() -> Bench {
    let mut bench = Bench::new();
    bench.on(seen(&[], true));
    bench.up(a_task("t", vec![a_container("app")]));
    bench
}

#[test]
fn a_task_that_a_reboot_ended_says_so() {
    for shown in [None, Some(Observation::Vanished)] {
        let mut bench = running();
        let effects = restarted(&mut bench, in_boot("the second boot", shown));
        let all = bench.succeed(effects);
        let report = report(&all);
        let why = "HostRebootedError: the host was started again under container app";
        assert_eq!((report.status, report.reason.as_str()), (Status::Stopped, why));
        assert_eq!(
            (report.containers[0].reason.as_deref(), report.containers[0].exit_code),
            (Some(why), None)
        );
        assert!(bench.notes.contains(&Note::HostRebooted));
    }
}

#[test]
fn a_container_lost_in_the_same_boot_is_not_blamed_on_a_reboot() {
    let mut bench = running();
    restarted(&mut bench, in_boot("the second boot", Some(RUNNING)));
    restarted(&mut bench, in_boot("the second boot", None));
    let Phase::Stopped(stopped) = bench.container("t", "app").phase() else { panic!("it has not stopped") };
    assert!(stopped.reason.as_ref().unwrap().to_string().starts_with("ContainerVanishedError: "));
}

#[test]
fn a_task_that_had_not_begun_goes_on_after_a_reboot() {
    let mut bench = Bench::new();
    bench.on(seen(&[], true));
    bench.on(run(a_task("t", vec![a_container("app")])));
    assert_eq!(words(&restarted(&mut bench, in_boot("the second boot", None))), ["pull app"]);
}

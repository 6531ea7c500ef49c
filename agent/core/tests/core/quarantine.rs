//! Images that crash containerd: suspected at once, tried alone, kept out at the third time, and nobody else with them.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::effect::Effect;
use wharf_core::event::{Event, ResolvedImage};
use wharf_core::note::Note;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::work::Act;

/// Digest of the image that a container of this name has.
fn digest(container: &str) -> String {
    format!("sha256:{container}")
}

/// containerd ended while it was busy with the image of `app` for this task.
fn ended(task: &str, act: Act) -> Event {
    ended_under(task, "app", act)
}

fn ended_under(task: &str, container: &str, act: Act) -> Event {
    let reason = Reason::new(ReasonCode::CannotCreateContainer, "containerd ended meanwhile");
    Event::Postponed { container: of(task, container), act, reason, suspect: Some(digest(container)) }
}

fn ready(task: &str, container: &str) -> Event {
    let image = ResolvedImage { digest: Some(digest(container)), ..image() };
    Event::ImageReady { container: of(task, container), image }
}

fn task(id: &str, container: &str) -> Event {
    run(a_task(id, vec![a_container(container)]))
}

/// A node on which these tasks pull the images of their containers.
fn pulling(tasks: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new();
    for (id, container) in tasks {
        assert_eq!(pulls(&bench.on(task(id, container))), [format!("pull {container}")]);
    }
    bench.now = bench.now.plus(seconds(1));
    bench
}

/// A node on which task `t` creates its container.
fn creating() -> Bench {
    let mut bench = pulling(&[("t", "app")]);
    assert_eq!(words(&bench.on(ready("t", "app")))[0], "create app");
    bench.now = bench.now.plus(seconds(1));
    bench
}

/// A node that keeps the image of `app` out: containerd ended three times under it.
fn quarantining() -> Bench {
    let mut bench = pulling(&[("t", "app")]);
    for _ in 0..2 {
        bench.on(ended("t", Act::Pull));
        assert_eq!(pulls(&bench.after(seconds(60))), ["pull app"]);
        bench.now = bench.now.plus(seconds(1));
    }
    bench.on(ended("t", Act::Pull));
    bench
}

fn pulls(effects: &[Effect]) -> Vec<String> {
    words(effects).into_iter().filter(|word| word.starts_with("pull")).collect()
}

fn refused(effects: &[Effect]) -> Vec<String> {
    let refused = effects.iter().filter_map(|effect| match effect {
        Effect::PullImage { refused, .. } => Some(refused.clone()),
        _ => None,
    });
    refused.flatten().collect()
}

fn is_refused(task: &str) -> Event {
    Event::ImageRefused { container: of(task, "app"), digest: digest("app") }
}

fn why(bench: &Bench, task: &str) -> Option<ReasonCode> {
    Some(bench.container(task, "app").stopped()?.reason.as_ref()?.code)
}

fn quarantined(bench: &Bench) -> Vec<String> {
    bench.node.manifest().quarantine.digests()
}

fn is_suspicious(bench: &Bench) -> bool {
    !bench.node.manifest().quarantine.is_empty()
}

#[test]
fn the_third_end_in_a_row_keeps_an_image_out_with_a_reason_and_a_line_in_the_log() {
    let mut bench = quarantining();
    assert_eq!(quarantined(&bench), [digest("app")]);
    let spoken = Note::ImageQuarantined {
        reference: "registry.test/app:1".to_owned(),
        digest: digest("app"),
        act: Act::Pull,
    };
    assert_eq!(bench.notes.iter().filter(|note| **note == spoken).count(), 1);
    let again = bench.after(seconds(60));
    assert_eq!(refused(&again), [digest("app")], "what its tag says by now may be another image");
    bench.on(is_refused("t"));
    let stopped = bench.container("t", "app").stopped().unwrap().clone();
    assert_eq!(
        stopped.reason.unwrap().to_string(),
        "ImageQuarantinedError: image registry.test/app:1 is sha256:app, and containerd ended 3 times in a row while that was pulled or a container was made of it; it is not used for another 1439 min"
    );
}

#[test]
fn the_verdict_outlives_the_agent_and_ends_with_its_time() {
    let mut bench = quarantining();
    bench.restart(&[]);
    assert_eq!(refused(&bench.on(task("u", "app"))), [digest("app")]);
    bench.on(is_refused("u"));
    assert_eq!(why(&bench, "u"), Some(ReasonCode::ImageQuarantined));
    bench.after(seconds(24 * 3600));
    assert_eq!(refused(&bench.on(task("v", "app"))), [""; 0]);
    assert!(!is_suspicious(&bench), "it begins anew");
}

#[test]
fn an_agent_that_keeps_no_image_out_forgets_at_its_start_and_suspects_none() {
    let mut bench = quarantining();
    bench.config.image_quarantine = seconds(0);
    bench.restart(&[]);
    assert!(!is_suspicious(&bench));
    assert_eq!(pulls(&bench.after(seconds(60))), [""; 0], "it is under way already");
    bench.on(ended("t", Act::Pull));
    assert!(!is_suspicious(&bench));
}

#[test]
fn a_success_clears_an_image_however_often() {
    let mut bench = pulling(&[("t", "app")]);
    for _ in 0..5 {
        for _ in 0..2 {
            bench.on(ended("t", Act::Pull));
            bench.after(seconds(60));
            bench.now = bench.now.plus(seconds(1));
        }
        assert!(is_suspicious(&bench));
        bench.on(ready("t", "app"));
        assert!(!is_suspicious(&bench));
        bench.on(Event::CreateFailed { container: of("t", "app"), reason: reason(ReasonCode::HostConfig) });
        bench = pulling(&[("t", "app")]);
    }
}

#[test]
fn a_pull_that_succeeds_says_nothing_about_a_creation_and_a_creation_says_all() {
    let mut bench = creating();
    bench.on(ended("t", Act::Create));
    bench.after(seconds(60));
    bench.on(task("u", "app"));
    bench.on(ready("u", "app"));
    assert!(is_suspicious(&bench));
    bench.on(created(of("t", "app")));
    assert!(!is_suspicious(&bench));
}

#[test]
fn a_container_is_not_created_of_an_image_that_is_kept_out() {
    let mut bench = creating();
    for _ in 0..2 {
        bench.on(ended("t", Act::Create));
        assert_eq!(words(&bench.after(seconds(20))), ["create app"]);
        bench.now = bench.now.plus(seconds(1));
    }
    bench.on(ended("t", Act::Create));
    assert_eq!(why(&bench, "t"), Some(ReasonCode::ImageQuarantined));
}

#[test]
fn an_image_of_which_a_container_was_made_here_is_never_suspected() {
    let mut bench = creating();
    bench.on(created(of("t", "app")));
    for id in ["u", "v"] {
        bench.on(task(id, "app"));
    }
    for _ in 0..5 {
        bench.now = bench.now.plus(seconds(60));
        bench.on(ended("u", Act::Pull));
        bench.on(ended("v", Act::Pull));
        bench.after(seconds(60));
    }
    assert!(!is_suspicious(&bench));
}

#[test]
fn one_end_that_several_acts_meet_counts_once() {
    let mut bench = pulling(&[("t", "app"), ("u", "app"), ("v", "app")]);
    for id in ["t", "u", "v"] {
        bench.on(ended(id, Act::Pull));
    }
    assert_eq!(quarantined(&bench), [""; 0]);
}

#[test]
fn an_end_counts_for_no_image_when_two_that_are_new_were_used() {
    let mut bench = pulling(&[("t", "app"), ("u", "web")]);
    for _ in 0..5 {
        bench.on(ended_under("u", "web", Act::Pull));
        bench.on(ended("t", Act::Pull));
        // One gets its turn and keeps it so long that the other begins beside it.
        assert_eq!(pulls(&bench.after(seconds(60))).len(), 1);
        assert_eq!(pulls(&bench.after(seconds(5 * 60))).len(), 1);
        bench.now = bench.now.plus(seconds(1));
    }
    assert!(is_suspicious(&bench));
    assert_eq!(quarantined(&bench), [""; 0]);
}

#[test]
fn of_two_images_the_one_that_crashes_containerd_is_found() {
    let mut bench = pulling(&[("t", "app"), ("u", "web")]);
    bench.on(ended("t", Act::Pull));
    bench.on(ended_under("u", "web", Act::Pull));
    while quarantined(&bench).is_empty() {
        let begun = pulls(&bench.after(seconds(60)));
        bench.now = bench.now.plus(seconds(1));
        assert_eq!(begun.len(), 1, "one at a time");
        let next = if begun == ["pull app"] { ended("t", Act::Pull) } else { ready("u", "web") };
        bench.on(next);
    }
    assert_eq!(quarantined(&bench), [digest("app")]);
}

#[test]
fn after_the_first_end_new_images_rest_and_then_go_one_at_a_time() {
    let mut bench = pulling(&[("t", "app")]);
    bench.on(ended("t", Act::Pull));
    assert_eq!(pulls(&bench.on(task("u", "web"))), [""; 0]);
    assert_eq!(
        bench.node.waiting_for(&arn("u"), bench.now).unwrap().what.to_string(),
        "the image of web, which is new here: such images are used one at a time while one is suspected of crashing containerd"
    );
    assert_eq!(pulls(&bench.after(seconds(9))), [""; 0], "containerd shows whether it stands");
    let wakes = bench.node.next_wakeup().unwrap();
    assert_eq!(wakes, bench.now.plus(seconds(1)));
    assert_eq!(pulls(&bench.after(seconds(1))), ["pull app"]);
    assert_eq!(pulls(&bench.after(seconds(60))), [""; 0]);
    let failed = Event::ImageFailed { container: of("t", "app"), reason: reason(ReasonCode::Timeout) };
    assert_eq!(pulls(&bench.on(failed)), ["pull web"]);
}

#[test]
fn images_that_are_at_home_here_go_on_while_another_is_tried() {
    let mut bench = Bench::new();
    let effects = bench.on(task("h", "home"));
    let asked = bench.succeed(effects);
    assert!(words(&asked).contains(&"create home".to_owned()));
    bench.on(task("t", "app"));
    bench.now = bench.now.plus(seconds(1));
    bench.on(ended("t", Act::Pull));
    assert_eq!(pulls(&bench.on(task("i", "home"))), ["pull home"]);
}

#[test]
fn a_containerd_that_ends_by_itself_takes_back_what_is_held_against_images() {
    let mut bench = pulling(&[("t", "app")]);
    bench.on(ended("t", Act::Pull));
    bench.after(seconds(60));
    bench.now = bench.now.plus(seconds(1));
    bench.on(ended("t", Act::Pull));
    for left in [true, false] {
        // What rested may be tried at once, and is put off: the end finds nothing under way.
        bench.on(seen(&[], false));
        bench.on(stop("t"));
        bench.now = bench.now.plus(seconds(6));
        bench.on(Event::RuntimeLost);
        assert_eq!(is_suspicious(&bench), left);
        bench.on(Event::RuntimeLost);
        assert_eq!(is_suspicious(&bench), left, "it was not there in between");
    }
    assert!(bench.notes.contains(&Note::ImageCleared { digest: digest("app") }));
}

#[test]
fn an_end_that_an_act_met_and_the_events_tell_of_is_one() {
    let mut bench = pulling(&[("t", "app")]);
    for n in 0..3 {
        if n > 0 {
            bench.on(Event::RuntimeLost);
        }
        bench.on(ended("t", Act::Pull));
        bench.now = bench.now.plus(seconds(1));
        bench.on(Event::RuntimeLost);
        bench.on(seen(&[], false));
        bench.after(seconds(60));
        bench.now = bench.now.plus(seconds(1));
    }
    assert_eq!(quarantined(&bench), [digest("app")]);
}

#[test]
fn a_suspicion_that_nothing_confirms_ends_after_an_hour() {
    let mut bench = pulling(&[("t", "app")]);
    bench.on(ended("t", Act::Pull));
    bench.on(stop("t"));
    bench.after(seconds(3599));
    assert!(is_suspicious(&bench));
    bench.after(seconds(1));
    assert!(!is_suspicious(&bench));
}

#[test]
fn a_clock_that_is_set_back_holds_no_image_up() {
    let mut bench = pulling(&[("t", "app")]);
    bench.now = bench.now.plus(seconds(24 * 3600));
    bench.on(ended("t", Act::Pull));
    bench.now = T0;
    let again = bench.on(task("u", "web"));
    assert_eq!(pulls(&again).len(), 1);
}

#[test]
fn of_too_many_images_the_oldest_is_forgotten() {
    let names: Vec<String> = (0..100).map(|n| format!("app{n}")).collect();
    let mut bench = Bench::new();
    for name in &names {
        bench.on(task(name, name));
    }
    for name in &names {
        bench.now = bench.now.plus(seconds(1));
        bench.on(ended_under(name, name, Act::Pull));
    }
    let saved = bench.store.iter().find(|(key, _)| key.id == "node").unwrap().1;
    let saved = String::from_utf8(saved.clone()).unwrap();
    assert_eq!(saved.matches("sha256:").count(), 64);
    assert!(saved.contains("sha256:app99") && !saved.contains("sha256:app0\""));
}

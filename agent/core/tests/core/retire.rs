//! How stopped tasks are forgotten: the record first, the story days later, by count and by age.

use crate::bench::Bench;
use crate::build::*;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_core::config::NodeConfig;
use wharf_core::event::{Event, Remains};
use wharf_core::note::Note;
use wharf_core::record::{self, Record, Table};
use wharf_core::report::Status;
use wharf_core::story::Story;
use wharf_protocol::arn::TaskArn;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs a task to its end, released and reported.
fn live_and_die(bench: &mut Bench, id: &str) {
    bench.up(a_task(id, vec![a_container("app")]));
    let effects = bench.on(exited(of(id, "app"), 3, bench.now));
    bench.succeed(effects);
}

fn stories(bench: &Bench) -> BTreeMap<TaskArn, Story> {
    let records = bench.store.iter().map(|(key, value)| Record { key: key.clone(), value: value.clone() });
    record::history(&records.collect::<Vec<_>>()).unwrap()
}

fn tables(bench: &Bench) -> Vec<Table> {
    bench.store.keys().map(|key| key.table).collect()
}

#[test]
fn after_the_retention_the_record_goes_and_its_story_is_left() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 3, T0));
    let remains = Remains {
        peak_memory: Some(5 << 20),
        memory_limit: Some(8 << 20),
        out_of_memory: false,
        last_lines: vec!["goodbye".to_owned()],
    };
    let gone =
        Event::ContainerDeleted { container: of("t", "app"), exit: None, remains: Some(remains.clone()) };
    let effects = bench.on(gone);
    bench.succeed(effects);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(3 * HOUR)));
    bench.after(3 * HOUR);
    assert_eq!(tables(&bench), [Table::History]);
    assert!(bench.notes.contains(&Note::TaskForgotten { task: arn("t") }), "volumes and logs go now");
    let story = &stories(&bench)[&arn("t")];
    assert_eq!((story.status, story.told), (Some(Status::Stopped), Some(Status::Stopped)));
    assert_eq!(
        story.why.as_ref().unwrap().to_string(),
        "EssentialContainerExited: essential container app exited with code 3"
    );
    assert_eq!((story.containers[0].exit_code, &story.containers[0].remains), (Some(3), &Some(remains)));
    assert!(story.journal.moments().len() > 5);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(7 * DAY)));
}

#[test]
fn a_story_goes_after_its_age() {
    let mut bench = Bench::new();
    live_and_die(&mut bench, "t");
    bench.after(3 * HOUR);
    bench.after(7 * DAY - 3 * HOUR - seconds(1));
    assert_eq!(tables(&bench), [Table::History]);
    bench.after(seconds(1));
    assert_eq!((tables(&bench), bench.node.next_wakeup()), (vec![], None));
}

#[test]
fn of_too_many_stories_the_oldest_go_first() {
    let mut bench = Bench::with(NodeConfig { history_count: 2, ..config() });
    for id in ["c", "a", "b"] {
        live_and_die(&mut bench, id);
        bench.after(seconds(60));
    }
    bench.after(3 * HOUR);
    let left: Vec<TaskArn> = stories(&bench).into_keys().collect();
    assert_eq!(left, [arn("a"), arn("b")]);
}

#[test]
fn without_room_for_stories_none_is_left() {
    let mut bench = Bench::with(NodeConfig { history_count: 0, ..config() });
    live_and_die(&mut bench, "t");
    bench.after(3 * HOUR);
    assert_eq!(tables(&bench), []);
}

#[test]
fn stories_outlive_a_restart_and_keep_their_time() {
    let mut bench = Bench::new();
    live_and_die(&mut bench, "t");
    bench.after(3 * HOUR);
    bench.restart(&[]);
    assert_eq!(bench.node.history().len(), 1);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(7 * DAY)));
    bench.after(7 * DAY);
    assert_eq!(tables(&bench), [Table::Node], "but for the boot that the restart was seen in");
}

#[test]
fn a_story_that_could_not_be_saved_is_saved_in_the_next_turn() {
    let mut bench = Bench::new();
    live_and_die(&mut bench, "t");
    let turn = bench.node.step(vec![Event::Woken], T0.plus(3 * HOUR));
    bench.node.take_back(&turn);
    bench.now = T0.plus(3 * HOUR);
    bench.turn(Event::Woken);
    assert_eq!(tables(&bench), [Table::History]);
}

#[test]
fn a_task_of_which_only_the_story_is_left_never_runs_again() {
    let mut bench = Bench::new();
    live_and_die(&mut bench, "t");
    bench.after(3 * HOUR);
    let effects = bench.on(run(a_task("t", vec![a_container("app")])));
    assert_eq!(words(&effects), ["report STOPPED"]);
}

#[test]
fn an_interface_for_a_task_of_which_only_the_story_is_left_is_not_made_again() {
    let mut bench = Bench::new();
    live_and_die(&mut bench, "t");
    bench.after(3 * HOUR);
    let message = announced("t", bench.now.plus(HOUR));
    assert_eq!(words(&bench.on(message)), [""; 0], "its address may be another's by now");
    assert!(bench.attachment("t").is_none());
}

#[test]
fn a_task_whose_stop_was_not_told_keeps_its_record() {
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![a_container("app")]));
    bench.on(exited(of("t", "app"), 3, T0));
    bench.on(deleted(of("t", "app")));
    bench.on(Event::TaskReleased { task: arn("t") });
    bench.after(30 * DAY);
    assert_eq!(bench.node.tasks().len(), 1);
}

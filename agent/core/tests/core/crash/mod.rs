//! The crash test: the agent is killed at every boundary of every scenario while the world moves on, and what it
//! acknowledged is never sent again.
//!
//! `world` is the host and what the control plane took, `downtime` what happens to it, `driver` is the shell's order of things with a kill switch, `explore` uses it,
//! `scenarios` are the stories, `faults` are ways to build the shell wrong. No fault: nothing is found. Each fault: found.

mod checks;
mod downtime;
mod driver;
mod explore;
mod faults;
mod scenarios;
mod world;

use downtime::Downtime;
use explore::{Plan, explore, explore_failed_saves};
use faults::Fault;

/// What is found when the shell is built right: nothing, at any boundary of any scenario, whatever happens meanwhile.
#[test]
fn a_crash_at_any_boundary_is_survived() {
    let mut points = 0;
    for scenario in scenarios::all() {
        for downtime in Downtime::ALL {
            for newest_first in [false, true] {
                let outcome = explore(&Plan { newest_first, ..Plan::of(&scenario, downtime) });
                assert_eq!(
                    outcome.found, None,
                    "{} / {downtime:?} / newest first {newest_first}",
                    scenario.name
                );
                points += outcome.points;
            }
        }
    }
    println!("{points} crash points survived");
    assert!(points > 5_000, "the scenarios have become too small: {points} crash points");
}

/// A second crash while recovering from the first.
#[test]
fn a_crash_during_recovery_is_survived() {
    let mut points = 0;
    for scenario in scenarios::all() {
        let outcome = explore(&Plan { again: true, ..Plan::of(&scenario, Downtime::Quiet) });
        assert_eq!(outcome.found, None, "{}", scenario.name);
        points += outcome.points;
    }
    println!("{points} double crash points survived");
}

/// A save that fails delays and loses nothing: its turn is taken back and comes again.
#[test]
fn a_failed_save_is_survived() {
    let mut points = 0;
    for scenario in scenarios::all() {
        let outcome = explore_failed_saves(&Plan::of(&scenario, Downtime::Quiet));
        assert_eq!(outcome.found, None, "{}", scenario.name);
        points += outcome.points;
    }
    println!("{points} failed saves survived");
}

/// The test is worth something only if it sees mistakes: each of them is put in, one at a time.
#[test]
fn every_fault_is_found() {
    println!("{:<20} {:>6}  first seen", "fault", "points");
    for fault in Fault::ALL {
        let mut points = 0;
        let found = Downtime::ALL.into_iter().find_map(|downtime| {
            scenarios::all().iter().find_map(|scenario| {
                let outcome = explore(&Plan { fault: Some(fault), ..Plan::of(scenario, downtime) });
                points += outcome.points;
                outcome.found.map(|what| format!("{}, {downtime:?}: {what}", scenario.name))
            })
        });
        let found = found.unwrap_or_else(|| panic!("{fault:?} was not found in {points} crash points"));
        println!("{:<20} {points:>6}  {found}", format!("{fault:?}"));
    }
}

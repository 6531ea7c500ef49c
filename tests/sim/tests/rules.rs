//! The simulator holds to what it promises: the same seed is the same story, no seed breaks a rule, and mistakes are found.

use std::collections::BTreeSet;
use std::path::PathBuf;
use wharf_sim::{History, Mistake, RULES, Scenario, run, shrink};

/// Seeds that a mistake may take until it is found: a bound above what was measured.
const PATIENCE: u64 = 5_000;

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 0..50 {
        let story = Scenario::of(seed);
        let [one, other] = [(); 2].map(|()| run(&story, None, History::kept()));
        assert_eq!(one.history.hash(), other.history.hash(), "seed {seed}");
        assert_eq!(one.history.lines(), other.history.lines(), "seed {seed}");
    }
}

#[test]
fn a_story_survives_being_written_down() {
    for seed in 0..50 {
        let story = Scenario::of(seed);
        let json = serde_json::to_string(&story).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), story);
    }
}

/// Stories that once found a bug of the agent, or a mistake that few seeds find, as `--shrink` printed them; by name.
fn kept() -> Vec<(String, Scenario)> {
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");
    let paths = std::fs::read_dir(home).expect(home).map(|entry| entry.expect(home).path());
    let read = |path: PathBuf| {
        let (name, text) = (path.display().to_string(), std::fs::read_to_string(&path).expect(home));
        (name, serde_json::from_str(&text).expect("a story"))
    };
    paths.map(read).collect()
}

#[test]
fn no_story_that_once_failed_fails_again() {
    let kept = kept();
    assert!(!kept.is_empty());
    for (name, story) in kept {
        assert_eq!(run(&story, None, History::default()).broken, None, "{name}");
    }
}

/// The first story that breaks such a rule with this mistake, and none without it: that would say nothing about the mistake.
/// The stories that are kept come first, then those of the seeds.
fn found(mistake: Mistake, such: impl Fn(&str) -> bool) -> Option<Scenario> {
    let broken = |story: &Scenario, mistake| run(story, mistake, History::default()).broken;
    let stories = kept().into_iter().map(|(_, story)| story).chain((0..PATIENCE).map(Scenario::of));
    let breaks = |story: &Scenario| broken(story, Some(mistake)).is_some_and(|it| such(it.rule));
    stories.into_iter().find(|story| breaks(story) && broken(story, None).is_none())
}

#[test]
fn every_known_mistake_is_found_and_its_story_can_be_shortened() {
    for mistake in Mistake::ALL {
        let long = found(mistake, |_| true);
        let long = long.unwrap_or_else(|| panic!("{mistake:?} is not found in {PATIENCE} seeds"));
        let short = shrink(&long, Some(mistake));
        let rule = |story: &Scenario| run(story, Some(mistake), History::default()).broken.map(|b| b.rule);
        assert_eq!(rule(&short), rule(&long), "{mistake:?}");
        assert!(short.faults.len() <= long.faults.len() && short.tasks.len() <= long.tasks.len());
    }
}

#[test]
fn every_rule_is_broken_by_a_mistake_so_none_is_one_that_always_holds() {
    for (rule, mistake) in RULES {
        let found = found(mistake, |broken| broken == rule);
        assert!(found.is_some(), "{mistake:?} does not break {rule} in {PATIENCE} seeds");
    }
}

#[test]
fn every_rule_is_written_down_and_what_is_written_down_is_checked() {
    let text = include_str!("../../../docs/explanation/invariants.md");
    let written: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(rule, _)| rule))
        .collect();
    assert_eq!(written, RULES.iter().map(|(rule, _)| *rule).collect());
}

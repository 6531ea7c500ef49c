//! The simulator holds to what it promises: the same seed is the same story, no seed breaks a rule, and mistakes are found.

use std::collections::BTreeSet;
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

/// Stories that once found a bug of the agent, as `--shrink` printed them.
#[test]
fn no_story_that_once_failed_fails_again() {
    let stories = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories")).unwrap();
    let paths: Vec<_> = stories.map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty());
    for path in paths {
        let story: Scenario = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(run(&story, None, History::default()).broken, None, "{}", path.display());
    }
}

#[test]
fn every_known_mistake_is_found_and_its_story_can_be_shortened() {
    for mistake in Mistake::ALL {
        let broken = |seed: u64, mistake| run(&Scenario::of(seed), mistake, History::default()).broken;
        // What fails without the mistake too says nothing about it.
        let found = (0..PATIENCE)
            .find(|seed| broken(*seed, Some(mistake)).is_some() && broken(*seed, None).is_none());
        let seed = found.unwrap_or_else(|| panic!("{mistake:?} is not found in {PATIENCE} seeds"));
        let (long, short) = (Scenario::of(seed), shrink(&Scenario::of(seed), Some(mistake)));
        let rule = |story: &Scenario| run(story, Some(mistake), History::default()).broken.map(|b| b.rule);
        assert_eq!(rule(&short), rule(&long), "{mistake:?}");
        assert!(short.faults.len() <= long.faults.len() && short.tasks.len() <= long.tasks.len());
    }
}

/// Whether the story of a seed breaks a rule with this mistake, and none without it: that would say nothing about the mistake.
fn breaks(seed: u64, mistake: Mistake, rule: &str) -> bool {
    let broken = |mistake| run(&Scenario::of(seed), mistake, History::default()).broken;
    broken(Some(mistake)).is_some_and(|it| it.rule == rule) && broken(None).is_none()
}

#[test]
fn every_rule_is_broken_by_a_mistake_so_none_is_one_that_always_holds() {
    for (rule, mistake) in RULES {
        let found = (0..PATIENCE).any(|seed| breaks(seed, mistake, rule));
        assert!(found, "{mistake:?} does not break {rule} in {PATIENCE} seeds");
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

//! Containers in the agent's namespace that bear no task.

use std::collections::BTreeSet;
use std::time::Duration;
use wharf_agent::foreign::{Foreign, Verdict};

/// Time since the beginning at the first listing.
const SEEN: Duration = Duration::from_secs(700);
const HOUR: Duration = Duration::from_secs(3600);

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn verdict(news: &[&str], due: &[&str]) -> Verdict {
    let list = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
    Verdict { news: list(news), due: list(due) }
}

#[test]
fn each_is_reported_once_and_due_when_its_own_time_is_over() {
    let mut foreign = Foreign::new(Some(HOUR));
    assert_eq!(foreign.listed(ids(&["a"]), SEEN), verdict(&["a"], &[]));
    assert_eq!(foreign.listed(ids(&["a", "b"]), SEEN + HOUR / 2), verdict(&["b"], &[]));
    assert_eq!(foreign.listed(ids(&["a", "b"]), SEEN + HOUR), verdict(&[], &["a"]));
    assert_eq!(
        foreign.listed(ids(&["a", "b"]), SEEN + HOUR * 2),
        verdict(&[], &["a", "b"]),
        "until it is gone"
    );
}

#[test]
fn one_that_was_gone_and_came_back_is_a_new_one() {
    let mut foreign = Foreign::new(Some(HOUR));
    foreign.listed(ids(&["a"]), SEEN);
    assert_eq!(foreign.listed(ids(&[]), SEEN + HOUR / 2), verdict(&[], &[]));
    assert_eq!(foreign.listed(ids(&["a"]), SEEN + HOUR), verdict(&["a"], &[]));
}

#[test]
fn where_they_are_kept_they_are_reported_and_never_due() {
    let mut foreign = Foreign::new(None);
    assert_eq!(foreign.listed(ids(&["a"]), SEEN), verdict(&["a"], &[]));
    assert_eq!(foreign.listed(ids(&["a"]), SEEN + HOUR * 10_000), verdict(&[], &[]));
}

//! Containers in our namespace that bear no task: reported when first seen, removed by policy.
//!
//! The namespace is the agent's own, so what is in it and bears no labels of ours was put there by hand or by mistake. What bears
//! the labels of a task is not a matter of this module: the node adopts it or answers for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was seen of them, and for how long they may stay.
#[derive(Debug)]
pub struct Foreign {
    /// Time from the first sight to the removal; `None`: they stay.
    wait: Option<Duration>,
    /// By the time since the watch began: a clock that is set brings nobody's end about.
    since: BTreeMap<String, Duration>,
}

/// What follows from a listing, by container id.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Seen for the first time: to be reported.
    pub news: Vec<String>,
    /// Their time is over: to be removed. Named again in the next listing if they are still there.
    pub due: Vec<String>,
}

impl Foreign {
    /// Nothing seen yet.
    pub fn new(wait: Option<Duration>) -> Self {
        Self { wait, since: BTreeMap::new() }
    }

    /// Takes in which of them a listing showed.
    pub fn listed(&mut self, ids: BTreeSet<String>, now: Duration) -> Verdict {
        self.since.retain(|id, _| ids.contains(id));
        let news = ids.iter().filter(|id| !self.since.contains_key(*id)).cloned().collect();
        for id in ids {
            self.since.entry(id).or_insert(now);
        }
        let over = |since: &Duration| self.wait.is_some_and(|wait| since.saturating_add(wait) <= now);
        let due = self.since.iter().filter(|(_, since)| over(since)).map(|(id, _)| id.clone()).collect();
        Verdict { news, due }
    }
}

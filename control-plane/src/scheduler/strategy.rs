//! Placement strategies: each keeps the instances it likes best, so that a list of them works as tie-breakers.

use super::Candidate;
use std::collections::BTreeMap;

/// A placement strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// Any instance.
    Random,
    /// The instance that leaves the least CPU over.
    BinpackCpu,
    /// The instance that leaves the least memory over.
    BinpackMemory,
    /// The instance with the fewest tasks of the group.
    SpreadInstances,
    /// The value of this attribute with the fewest tasks of the group.
    SpreadAttribute(String),
}

impl Strategy {
    /// Reads `type` and `field`; `None` when ECS knows no such strategy.
    pub fn parse(kind: &str, field: Option<&str>) -> Option<Self> {
        let folded = field.map(str::to_ascii_lowercase);
        match (kind, folded.as_deref()) {
            ("random", _) => Some(Self::Random),
            ("binpack", Some("cpu")) => Some(Self::BinpackCpu),
            ("binpack", Some("memory")) => Some(Self::BinpackMemory),
            ("spread", None | Some("instanceid" | "host")) => Some(Self::SpreadInstances),
            ("spread", Some(_)) => {
                field?.strip_prefix("attribute:").map(|name| Self::SpreadAttribute(name.to_owned()))
            }
            _ => None,
        }
    }

    /// Keeps the best of the candidates.
    pub(super) fn narrow<'a>(&self, candidates: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
        match self {
            Self::Random => candidates,
            Self::BinpackCpu => lowest(candidates, |candidate| candidate.left.cpu),
            Self::BinpackMemory => lowest(candidates, |candidate| candidate.left.memory),
            Self::SpreadInstances => lowest(candidates, |candidate| candidate.group_tasks),
            Self::SpreadAttribute(name) => {
                let value =
                    |candidate: &Candidate<'a>| candidate.instance.attributes.get(name).cloned().flatten();
                let mut tasks = BTreeMap::new();
                for candidate in &candidates {
                    *tasks.entry(value(candidate)).or_insert(0) += candidate.group_tasks;
                }
                lowest(candidates, |candidate| tasks.get(&value(candidate)).copied())
            }
        }
    }
}

fn lowest<'a, K: Ord>(
    candidates: Vec<Candidate<'a>>,
    key: impl Fn(&Candidate<'a>) -> K,
) -> Vec<Candidate<'a>> {
    let Some(least) = candidates.iter().map(&key).min() else { return candidates };
    candidates.into_iter().filter(|candidate| key(candidate) == least).collect()
}

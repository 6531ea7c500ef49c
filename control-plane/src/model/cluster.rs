//! Clusters: names that instances and tasks belong to.

use super::table::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_protocol::api;

/// A cluster; deleted ones stay as inactive, as ECS shows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// False once it was deleted.
    pub active: bool,
    /// The operator's tags.
    pub tags: BTreeMap<String, String>,
    /// Settings such as `containerInsights`; kept and shown, without effect.
    pub settings: Vec<api::ClusterSetting>,
}

impl Record for Cluster {
    const TABLE: &'static str = "cluster";
    type Key = String;
    fn key(&self) -> String {
        self.name.clone()
    }
}

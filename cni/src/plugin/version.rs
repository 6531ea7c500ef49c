//! The versions of the protocol, and what differs between them.

use std::fmt;

use serde_json::Value;

/// A version of CNI that the plugin speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 0.3.1: lists of interfaces and addresses.
    V0_3_1,
    /// 0.4.0: adds CHECK.
    V0_4_0,
    /// 1.0.0: addresses no longer name their family.
    V1_0_0,
    /// 1.1.0: adds GC, STATUS and the MTU of interfaces.
    V1_1_0,
}

impl Version {
    /// The newest.
    pub const LATEST: Self = Self::V1_1_0;
    /// All, oldest first.
    pub const ALL: [Self; 4] = [Self::V0_3_1, Self::V0_4_0, Self::V1_0_0, Self::V1_1_0];

    /// The version of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// The version a configuration speaks, if it is one of ours and can be read that far.
    pub fn in_text(input: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(input).ok()?;
        Self::named(value.get("cniVersion")?.as_str()?)
    }

    fn name(self) -> &'static str {
        match self {
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

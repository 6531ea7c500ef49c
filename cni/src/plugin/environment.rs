//! The call's parameters, which CNI passes in environment variables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Failure;

/// The variables of a call; an empty one counts as absent.
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// What a runtime can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Add,
    Del,
    Check,
    Gc,
    Status,
    Version,
}

/// One interface of one container: what ADD, DEL and CHECK are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub container: String,
    pub interface: String,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(text))
    }

    /// These variables alone.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: variables.into_iter().filter(|(_, value)| !value.is_empty()).collect() }
    }

    pub fn command(&self) -> Result<Command, Failure> {
        match self.required("CNI_COMMAND")? {
            "ADD" => Ok(Command::Add),
            "DEL" => Ok(Command::Del),
            "CHECK" => Ok(Command::Check),
            "GC" => Ok(Command::Gc),
            "STATUS" => Ok(Command::Status),
            "VERSION" => Ok(Command::Version),
            other => Err(Failure::environment(format!("CNI_COMMAND {other:?} is not known"))),
        }
    }

    /// The container and interface, checked to be names.
    pub fn subject(&self) -> Result<Subject, Failure> {
        let container = self.required("CNI_CONTAINERID")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !container.bytes().all(plain) || !container.as_bytes()[0].is_ascii_alphanumeric() {
            return Err(Failure::environment(format!("CNI_CONTAINERID {container:?} is not a container id")));
        }
        let interface = self.required("CNI_IFNAME")?;
        Ok(Subject { container: container.to_owned(), interface: interface.to_owned() })
    }

    /// The container's network namespace.
    pub fn namespace(&self) -> Result<PathBuf, Failure> {
        self.required("CNI_NETNS").map(PathBuf::from)
    }

    /// The container's network namespace, which a DEL may no longer know.
    pub fn namespace_if_known(&self) -> Option<PathBuf> {
        self.get("CNI_NETNS").map(PathBuf::from)
    }

    /// The directories with plugins.
    pub fn search_path(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(std::env::split_paths(self.required("CNI_PATH")?).collect())
    }

    /// A value of `CNI_ARGS`, which is `KEY=value;KEY=value`; keys of others are ignored.
    pub fn argument(&self, key: &str) -> Option<&str> {
        let pairs = self.get("CNI_ARGS")?.split(';').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).map(|(_, value)| value).next_back()
    }

    /// Whether there is such a variable.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::environment(format!("the environment lacks {name}")))
    }
}

impl Subject {
    /// What the library knows the attachment by: a container may be attached more than once.
    pub fn id(&self) -> String {
        format!("{}/{}", self.container, self.interface)
    }
}

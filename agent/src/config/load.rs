//! Reads the files and the environment: the one part of this module that touches the world.

use super::error::{ConfigError, ConfigErrors};
use super::resolve::{Flag, Resolution, SourceText, Sources, find, resolve};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Where the two files are, and whether somebody asked for them by name.
struct Location {
    /// The path.
    path: PathBuf,
    /// A named file has to exist; a default one may be absent.
    named: bool,
}

/// Reads the environment of the process and the files that flags and environment name, and resolves them.
pub fn load(flags: Vec<Flag>) -> Result<Resolution, ConfigErrors> {
    let text = |os: std::ffi::OsString| os.into_string().ok();
    let environment: BTreeMap<String, String> =
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let mut errors = Vec::new();
    let mut file = |name| read(locate(name, &flags, &environment), &mut errors);
    let (native, env_file) = (file("WHARF_CONFIG"), file("WHARF_ECS_CONFIG"));
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    resolve(&Sources { flags, environment, native, env_file })
}

/// The path that a bootstrap key comes to.
fn locate(name: &'static str, flags: &[Flag], environment: &BTreeMap<String, String>) -> Location {
    let flag = flags.iter().rev().find(|flag| flag.name == name).map(|flag| flag.value.as_str());
    let named =
        flag.or_else(|| environment.get(name).map(String::as_str)).map(str::trim).filter(|t| !t.is_empty());
    let default = find(name).map_or("", |key| key.default);
    Location { path: PathBuf::from(named.unwrap_or(default)), named: named.is_some() }
}

fn read(location: Location, errors: &mut Vec<ConfigError>) -> Option<SourceText> {
    let Location { path, named } = location;
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(SourceText { path, text }),
        Err(source) if source.kind() == ErrorKind::NotFound && !named => None,
        Err(source) => {
            errors.push(ConfigError::Unreadable { path, source });
            None
        }
    }
}

//! Words that other programs start ours with: arguments, and the environment of a CNI call.

#[path = "../../agent/runtime/src/bin/wharf-logger/settings.rs"]
mod settings;

use settings::Settings;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use wharf_agent::cli;
use wharf_cni::plugin::{self, Environment};

/// A network for the calls.
const NETWORK: &[u8] = include_bytes!("corpus/cni_config/smallest");

/// The words of a command line, one in each line of the input.
pub fn command_line(data: &[u8]) {
    let words = data.split(|byte| *byte == b'\n').map(OsStr::from_bytes);
    if let Err(error) = cli::parse_from([OsStr::new("wharf-agent")].into_iter().chain(words)) {
        assert!(!error.to_string().is_empty());
    }
}

/// What the shim tells the logger of a container, one word in each line: a container must not stand still for what is wrong.
pub fn logger_arguments(data: &[u8]) {
    let Settings { path, max_size, max_files } =
        Settings::parse(String::from_utf8_lossy(data).lines().map(str::to_owned));
    assert!(path.is_none_or(|path| path.is_absolute()) && max_size != Some(0) && max_files > 0);
}

/// The variables of a CNI call, one in each line. ADD is only planned, and nothing else is done that needs a kernel.
pub fn cni_environment(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let variables: Vec<_> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).filter(is_only_planned).collect();
    if let Err(refusal) = plugin::answer(&Environment::of(variables), NETWORK, true) {
        assert!(!refusal.to_string().is_empty());
    }
}

fn is_only_planned((name, value): &(String, String)) -> bool {
    name != "CNI_COMMAND" || !matches!(value.as_str(), "DEL" | "CHECK" | "GC" | "STATUS")
}

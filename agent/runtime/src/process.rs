//! What the kernel says of a process, to check what containerd says.

use std::fs;
use std::path::Path;

/// Command name of containerd's shims, as far as the kernel keeps it (15 bytes).
const SHIM: &str = "containerd-shim";

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: char,
    parent: u32,
}

/// True when a container's process is alive: there, no zombie, and a child of a shim. A number used again is neither.
pub(crate) fn is_alive_in_container(pid: u32) -> bool {
    shim_of(pid).is_some()
}

/// Returns the shim of a container's living process.
pub(crate) fn shim_of(pid: u32) -> Option<u32> {
    let process = stat(pid).filter(|process| !matches!(process.state, 'Z' | 'X' | 'x'))?;
    stat(process.parent).filter(|parent| parent.name == SHIM).map(|_| process.parent)
}

/// Returns the shims that a containerd started in a namespace for one of these containers. Reads all of `/proc`.
pub(crate) fn shims_for(address: &Path, namespace: &str, ids: &[&str]) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: &u32| {
        stat(*pid).is_some_and(|process| process.name == SHIM)
            && arguments(*pid).is_some_and(|arguments| {
                let value = |flag: &str| {
                    arguments.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].as_str())
                };
                value("-address").is_some_and(|other| same_file(address, Path::new(other)))
                    && value("-namespace") == Some(namespace)
                    && value("-id").is_some_and(|id| ids.contains(&id))
            })
    };
    pids.filter(ours).collect()
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn arguments(pid: u32) -> Option<Vec<String>> {
    let line = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).ok()?;
    Some(line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?)
}

fn parse_stat(line: &str) -> Option<Stat> {
    // The name may hold anything, brackets too: it ends at the last one.
    let (name, rest) = line.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some(Stat { name: name.to_owned(), state, parent: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_confuse_its_state() {
        let stat = parse_stat("42 (a) Z (b) S 7 42 42 0").unwrap();
        assert_eq!(stat, Stat { name: "a) Z (b".into(), state: 'S', parent: 7 });
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn a_process_that_no_shim_began_is_not_a_container() {
        assert!(!is_alive_in_container(std::process::id()));
        assert!(!is_alive_in_container(u32::MAX));
    }
}

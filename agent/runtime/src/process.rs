//! What the kernel says of a process, to check what containerd says.

use crate::time::now_ms;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

/// Command name of containerd's shims, as far as the kernel keeps it (15 bytes).
const SHIM: &str = "containerd-shim";

/// Ticks of `/proc` in a second: fixed in the kernel's interface, whatever its timer does.
const TICKS: f64 = 100.0;
/// Command names of runtimes' inits: runc's is `runc:[2:INIT]`.
const INITS: [&str; 3] = ["runc", "crun", "youki"];

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: char,
    parent: u32,
    /// When it began, in ticks since the boot.
    began: u64,
}

/// True when a container's process is alive: there, no zombie, and a child of a shim. A number used again is neither.
pub(crate) fn is_alive_in_container(pid: u32) -> bool {
    shim_of(pid).is_some()
}

/// When a process began, in milliseconds since 1970; a clock that was set meanwhile moves it along.
pub(crate) fn started_at_ms(pid: u32) -> Option<i64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let age = Duration::try_from_secs_f64(uptime - stat(pid)?.began as f64 / TICKS).unwrap_or_default();
    Some(now_ms().saturating_sub(i64::try_from(age.as_millis()).ok()?))
}

/// True while the process is the runtime's own init, which waits to become the container's program.
///
/// A shim whose start was broken off goes on saying "created" of a program that runs.
pub(crate) fn waits_for_start(pid: u32) -> bool {
    stat(pid).is_some_and(|process| INITS.iter().any(|init| process.name.starts_with(init)))
}

/// True for a process in a process namespace below ours, as those of every container are. While one of them lives, so does the
/// container's main process: the kernel ends a namespace with its first process.
pub(crate) fn is_contained(pid: u32) -> bool {
    namespace_depth(pid).is_some_and(|(depth, _)| depth > 1)
}

/// Returns the first process of the outermost process namespace among these: the main process of a container, where they are all of its.
pub(crate) fn main_of(processes: &[u32]) -> Option<u32> {
    let first = |pid: &&u32| namespace_depth(**pid).filter(|(depth, number)| *depth > 1 && *number == 1);
    processes.iter().filter_map(|pid| first(&pid).map(|(depth, _)| (depth, *pid))).min().map(|(_, pid)| pid)
}

/// How many process namespaces a process is in, of those that are seen from here, and its number in the innermost.
fn namespace_depth(pid: u32) -> Option<(usize, u32)> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace();
    Some((numbers.clone().count(), numbers.last()?.parse().ok()?))
}

/// True for what becomes a container: the runtime's init, also before it has a namespace and bears its name.
pub(crate) fn is_becoming(pid: u32) -> bool {
    let program = arguments(pid).and_then(|arguments| arguments.into_iter().next()).unwrap_or_default();
    let name = Path::new(&program).file_name().and_then(|name| name.to_str());
    waits_for_start(pid) || name.is_some_and(|name| INITS.contains(&name))
}

/// Returns the shim of a container's living process.
pub(crate) fn shim_of(pid: u32) -> Option<u32> {
    let process = stat(pid).filter(|process| !matches!(process.state, 'Z' | 'X' | 'x'))?;
    stat(process.parent).filter(|parent| parent.name == SHIM).map(|_| process.parent)
}

/// Returns when a process was started, in ticks since the boot.
pub(crate) fn started(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.began)
}

/// Returns the living children of a process. Reads all of `/proc`.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let living = |process: Stat| process.parent == parent && !matches!(process.state, 'Z' | 'X' | 'x');
    pids.filter(|pid| stat(*pid).is_some_and(living)).collect()
}

/// Returns the shims that a containerd started in a namespace for one of these containers. Reads all of `/proc`.
pub(crate) fn shims_for(address: &Path, namespace: &str, ids: &[&str]) -> Vec<u32> {
    let shims = shims(address, namespace).into_iter();
    shims.filter(|(_, id)| ids.contains(&id.as_str())).map(|(pid, _)| pid).collect()
}

/// Returns the shims that a containerd started in a namespace, and for which container. Reads all of `/proc`.
pub(crate) fn shims(address: &Path, namespace: &str) -> Vec<(u32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: u32| {
        stat(pid).filter(|process| process.name == SHIM)?;
        let arguments = arguments(pid)?;
        let value =
            |flag: &str| arguments.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].as_str());
        let of_ours = value("-address").is_some_and(|other| same_file(address, Path::new(other)))
            && value("-namespace") == Some(namespace);
        value("-id").filter(|_| of_ours).map(|id| (pid, id.to_owned()))
    };
    pids.filter_map(ours).collect()
}

/// True for a shim that has not opened its log, which is to be its standard error, and never will: the directory is gone.
pub(crate) fn is_forsaken(shim: u32) -> bool {
    let error = fs::metadata(Path::new("/proc").join(shim.to_string()).join("fd/2"));
    has_lost_its_directory(shim) && error.is_ok_and(|error| !error.file_type().is_fifo())
}

/// True for a shim whose directory is gone: that of the container for which it was started, which is not the last that it may serve.
pub(crate) fn has_lost_its_directory(shim: u32) -> bool {
    let directory = fs::read_link(Path::new("/proc").join(shim.to_string()).join("cwd"));
    directory.is_ok_and(|path| path.as_os_str().as_bytes().ends_with(b" (deleted)"))
}

/// Returns the last word of a process's command line: what a shim's program was asked to do, as `start` or `delete`.
pub(crate) fn asked_to(pid: u32) -> Option<String> {
    arguments(pid)?.into_iter().rfind(|word| !word.is_empty())
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
    let parent = fields.next()?.parse().ok()?;
    // Field 22 of the whole line; the parent is field 4.
    Some(Stat { name: name.to_owned(), state, parent, began: fields.nth(17)?.parse().ok()? })
}

/// Reads a line as the kernel's account of a process: its name and its parent. For tests that feed it what no kernel says.
#[doc(hidden)]
pub fn try_process(line: &str) -> Option<(String, u32)> {
    parse_stat(line).map(|stat| (stat.name, stat.parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_confuse_its_state() {
        let stat = parse_stat("42 (a) Z (b) S 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 815 0").unwrap();
        assert_eq!(stat, Stat { name: "a) Z (b".into(), state: 'S', parent: 7, began: 815 });
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn a_process_began_before_now_and_after_its_parent() {
        let (me, parent) = (started_at_ms(std::process::id()).unwrap(), started_at_ms(1).unwrap());
        assert!(parent <= me + 20 && me <= now_ms() + 20, "{parent} {me} {}", now_ms());
        assert_eq!(started_at_ms(u32::MAX), None);
    }

    #[test]
    fn a_process_that_no_shim_began_is_not_a_container() {
        for pid in [std::process::id(), u32::MAX] {
            assert!(!is_alive_in_container(pid) && !is_contained(pid) && !is_becoming(pid), "{pid}");
        }
    }
}

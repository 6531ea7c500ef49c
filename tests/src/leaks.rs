//! The leak check: what the kernel and containerd hold, before and after.
//!
//! It asks `ip`, `nft`, `ctr` and `/proc`, none of Wharf's own code, so that it cannot share a mistake with it.

use crate::containerd::PrivateContainerd;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What was found, by kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory(BTreeMap<&'static str, BTreeSet<String>>);

/// Where to look for what a test could leave.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The containerd that was used.
    pub containerd: &'a PrivateContainerd,
    /// The containerd namespace of the agent.
    pub namespace: &'a str,
    /// The agent's cgroup root, e.g. `/wharf-e2e-12`.
    pub cgroup_root: &'a str,
    /// The directory of the test's own.
    pub dir: &'a Path,
    /// Prefix of the agent's links, e.g. `wh3`.
    pub link_prefix: &'a str,
    /// Name of the agent's nftables table.
    pub table: &'a str,
}

/// First words of tables that have no option to leave them out.
const HEADINGS: [&str; 2] = ["KEY", "REF"];

impl Inventory {
    /// The inventory of a place where nothing is.
    pub fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// Looks at everything in `scope`.
    pub fn take(scope: &Scope<'_>) -> Self {
        let mut found = BTreeMap::new();
        found.insert("links", lines_with(&run(&mut Command::new("ip"), &["-o", "link"]), scope.link_prefix));
        found.insert(
            "addresses",
            lines_with(&run(&mut Command::new("ip"), &["-o", "addr"]), scope.link_prefix),
        );
        let routes = run(&mut Command::new("ip"), &["route", "show", "table", "all"]);
        found.insert("routes", lines_with(&routes, scope.link_prefix));
        found.insert(
            "nftables tables",
            lines_with(&run(&mut Command::new("nft"), &["list", "tables"]), scope.table),
        );
        found.insert("mounts", mounts_of(scope));
        found.insert("namespaces", namespaces_below(scope.dir));
        found.insert("cgroups", cgroups(scope.cgroup_root));
        found.insert("shims", shims(scope).into_values().collect());
        for (kind, args) in [
            ("containers", ["containers", "ls", "-q"]),
            ("tasks", ["tasks", "ls", "-q"]),
            ("leases", ["leases", "ls", "-q"]),
        ] {
            found.insert(kind, lines_with(&run(&mut scope.containerd.ctr(scope.namespace), &args), ""));
        }
        found.insert("snapshots", active_snapshots(scope));
        found.insert("nftables rules", rules(scope));
        found.insert("files of the run directory", files_below(&scope.dir.join("run")));
        Self(found)
    }

    /// The same with what images keep in containerd; only to be compared with a look after the images were loaded.
    pub fn take_with_images(scope: &Scope<'_>) -> Self {
        let Self(mut found) = Self::take(scope);
        let all = |args: &[&str]| lines_with(&run(&mut scope.containerd.ctr(scope.namespace), args), "");
        let rows = |args: &[&str]| {
            all(args).into_iter().filter(|line| !HEADINGS.iter().any(|word| line.starts_with(word))).collect()
        };
        found.insert("snapshots of images", rows(&["snapshots", "ls"]));
        found.insert("content", all(&["content", "ls", "-q"]));
        found.insert("content being written", rows(&["content", "active"]));
        Self(found)
    }

    /// What is here and was not in `before`, as readable lines.
    pub fn beyond(&self, before: &Self) -> Vec<String> {
        let nothing = BTreeSet::new();
        let mut extra = Vec::new();
        for (kind, now) in &self.0 {
            let then = before.0.get(kind).unwrap_or(&nothing);
            extra.extend(now.difference(then).map(|line| format!("{kind}: {line}")));
        }
        extra
    }

    /// How many objects of each kind there are.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.0.iter().map(|(kind, found)| (*kind, found.len())).collect()
    }
}

/// How many files a process holds open.
pub fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs and is ours").count()
}

/// Counts before and after, beside each other.
pub fn table(before: &BTreeMap<&'static str, usize>, after: &BTreeMap<&'static str, usize>) -> String {
    let kinds: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let count = |counts: &BTreeMap<&str, usize>, kind: &str| counts.get(kind).copied().unwrap_or_default();
    let row = |kind: &&&'static str| {
        let (before, after) = (count(before, kind), count(after, kind));
        format!("| {kind} | {before} | {after} | {} |\n", after.abs_diff(before))
    };
    let rows: String = kinds.iter().map(row).collect();
    format!("| Kind | Before | After | Difference |\n|---|---|---|---|\n{rows}")
}

/// Panics if, after a grace of five seconds for what the kernel removes in its own time, more is there than `before`.
pub fn assert_nothing_left(scope: &Scope<'_>, before: &Inventory) {
    // The networks of two hundred tasks are removed one after the other, each in some 30 ms of the kernel's.
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let extra = Inventory::take(scope).beyond(before);
        if extra.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind:\n  {}", extra.join("\n  "));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Detaches every mount below `dir`, deepest first.
pub fn unmount_below(dir: &Path) {
    for point in mounts_below(dir).iter().rev() {
        // One that is gone already is no matter.
        let _ = nix::mount::umount2(point.as_str(), nix::mount::MntFlags::MNT_DETACH);
    }
}

fn run(command: &mut Command, args: &[&str]) -> String {
    let output =
        command.args(args).output().expect("`make setup-test` installs the programs of the leak check");
    // A program that fails must not look like one that found nothing.
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn lines_with(text: &str, needle: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.is_empty() && line.contains(needle)).map(str::to_owned).collect()
}

fn mountinfo() -> String {
    std::fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted")
}

fn mounts_below(dir: &Path) -> BTreeSet<String> {
    let below = format!("{}/", dir.display());
    mountinfo()
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|point| point.starts_with(&below))
        .map(str::to_owned)
        .collect()
}

/// Mounts below the test's own directory, and containerd's of the agent's containers.
fn mounts_of(scope: &Scope<'_>) -> BTreeSet<String> {
    let mut found = mounts_below(scope.containerd.dir());
    found.retain(|point| point.contains(&format!("/{}/", scope.namespace)));
    found.extend(mounts_below(scope.dir));
    found
}

/// Pinned namespaces: mounts of the kernel's file system for them.
fn namespaces_below(dir: &Path) -> BTreeSet<String> {
    let below = format!("{}/", dir.display());
    let pinned = mountinfo();
    let pinned =
        pinned.lines().filter(|line| line.contains(" - nsfs ")).filter_map(|line| line.split(' ').nth(4));
    pinned.filter(|point| point.starts_with(&below)).map(str::to_owned).collect()
}

/// Lines of the agent's own table: its chains, sets and rules. One call, for a table may go between two.
fn rules(scope: &Scope<'_>) -> BTreeSet<String> {
    let ruleset = run(&mut Command::new("nft"), &["list", "ruleset"]);
    let mut ours = false;
    let own = |line: &&str| {
        if line.starts_with("table ") {
            ours = line.ends_with(&format!(" {} {{", scope.table));
        }
        ours
    };
    ruleset.lines().filter(own).map(|line| line.trim().to_owned()).collect()
}

/// Every file below `dir`; directories are no matter.
fn files_below(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.insert(entry.path().display().to_string());
        }
    }
    found
}

/// Directories named like the agent's cgroup root, and all below, in every hierarchy.
pub fn cgroups(root: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|e| e.path());
    for hierarchy in hierarchies.chain([Path::new("/sys/fs/cgroup").to_owned()]) {
        collect_directories(&hierarchy.join(root.trim_start_matches('/')), &mut found);
    }
    found
}

fn collect_directories(dir: &Path, found: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    found.insert(dir.display().to_string());
    for entry in entries.flatten().filter(|e| e.path().is_dir()) {
        collect_directories(&entry.path(), found);
    }
}

/// Shims of the scope's containerd and namespace: process id and command line.
pub fn shims(scope: &Scope<'_>) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let Ok(raw) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let words: Vec<_> = raw.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let is_shim = words.first().is_some_and(|w| w.contains("containerd-shim"));
        if is_shim && words.iter().any(|w| w == scope.namespace) {
            found.insert(pid, words.join(" "));
        }
    }
    found
}

/// Snapshots that containers write to; the committed ones belong to images, which stay.
fn active_snapshots(scope: &Scope<'_>) -> BTreeSet<String> {
    let list = run(&mut scope.containerd.ctr(scope.namespace), &["snapshots", "ls"]);
    list.lines().filter(|line| line.contains("Active") || line.contains("View")).map(str::to_owned).collect()
}

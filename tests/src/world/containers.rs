//! What containerd says of the host's containers.

use super::Host;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long containerd may say UNKNOWN of a container before that is believed.
const UNKNOWN: Duration = Duration::from_secs(10);

impl Host {
    /// What runs, as `ctr task ls` says: container id to (process id, status). Of a shim that takes more than two seconds to say so,
    /// containerd says UNKNOWN and 0: it is asked again for a while.
    pub fn tasks(&self) -> BTreeMap<String, (u32, String)> {
        let end = Instant::now() + UNKNOWN;
        loop {
            let tasks = self.tasks_as_listed();
            if tasks.values().all(|(_, status)| status != "UNKNOWN") || Instant::now() >= end {
                return tasks;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn tasks_as_listed(&self) -> BTreeMap<String, (u32, String)> {
        let output = self.containerd().ctr(&self.namespace).args(["tasks", "ls"]).output().expect("ctr runs");
        assert!(output.status.success(), "ctr tasks ls failed: {}", String::from_utf8_lossy(&output.stderr));
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), (words.next()?.parse().ok()?, words.next()?.to_owned())))
        };
        table.lines().skip(1).filter_map(row).collect()
    }

    /// Ids of the containers that containerd has a record of.
    pub fn containers(&self) -> BTreeSet<String> {
        let mut command = self.containerd().ctr(&self.namespace);
        let output = command.args(["containers", "ls", "-q"]).output().expect("ctr runs");
        assert!(
            output.status.success(),
            "ctr containers ls failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Runs a shell command inside a running container, with the container's own environment: exit code and output.
    pub fn exec(&self, container: &str, script: &str) -> (Option<i32>, String) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("test-{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let output = self
            .containerd()
            .ctr(&self.namespace)
            .args(["tasks", "exec", "--exec-id", &id, "--fifo-dir"])
            .arg(self.dir.path().join("fifo"))
            .args([container, "sh", "-c", script])
            .stdin(Stdio::null())
            .output()
            .expect("ctr runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }
}

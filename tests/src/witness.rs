//! What containerd itself says happened: every start and every exit in one namespace, from before the first to after the last.
//!
//! An agent that is killed forgets; this process does not, so it knows the true exit codes and whether anything was started twice.

use crate::containerd::PrivateContainerd;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Starts and exits of containers, by container id.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The process of each start, in order.
    pub starts: BTreeMap<String, Vec<i64>>,
    /// The code with which each process that was started ended, in order. One that was only created is ended too, by a code that its
    /// shim invents; and of one that has ended containerd may tell another end, when it cleans up after the shim.
    pub exits: BTreeMap<String, Vec<i64>>,
    /// The processes that have ended, each with its container.
    ended: BTreeSet<(String, i64)>,
}

/// A listener of containerd's events; ended when dropped.
#[derive(Debug)]
pub struct Witness {
    // A lock, not a message: one thread writes, a test reads the whole at any time.
    seen: Arc<Mutex<Seen>>,
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Witness {
    /// Listens from now on to what happens in `namespace`.
    pub fn listen(containerd: &PrivateContainerd, namespace: &str) -> Result<Self> {
        let mut command = containerd.ctr(namespace);
        let mut child =
            command.arg("events").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("ctr runs")?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (kept, namespace) = (Arc::clone(&seen), namespace.to_owned());
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().expect("no holder panics").note(&line, &namespace);
            }
        });
        Ok(Self { seen, child, reader: Some(reader) })
    }

    /// Everything seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no holder panics").clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.reader.take().map(JoinHandle::join);
    }
}

impl Seen {
    /// Takes a line of `ctr events`: date, time and zone, namespace, topic, the event as JSON.
    fn note(&mut self, line: &str, namespace: &str) {
        let Some((head, json)) = line.split_once(" {") else { return };
        let mut words = head.split_whitespace().rev();
        let (Some(topic), Some(of)) = (words.next(), words.next()) else { return };
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&format!("{{{json}")) else { return };
        let Some(container) = event["container_id"].as_str().filter(|_| of == namespace) else { return };
        let Some(pid) = event["pid"].as_i64() else { return };
        let started = |this: &Self| this.starts.get(container).is_some_and(|pids| pids.contains(&pid));
        match topic {
            "/tasks/start" => self.starts.entry(container.to_owned()).or_default().push(pid),
            // The exit of a probe has the probe's id.
            "/tasks/exit"
                if event["id"] == container
                    && started(self)
                    && self.ended.insert((container.to_owned(), pid)) =>
            {
                // Zero is left out, as protobuf does.
                let code = event["exit_status"].as_i64().unwrap_or(0);
                self.exits.entry(container.to_owned()).or_default().push(code);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_of_one_namespace_starts_and_ends_once_and_probes_are_not_counted() {
        let mut seen = Seen::default();
        let lines = [
            r#"2026-01-01 10:00:00.0 +0000 UTC ours /tasks/exit {"container_id":"a","id":"a","pid":6,"exit_status":137}"#,
            r#"2026-01-01 10:00:00.1 +0000 UTC ours /tasks/start {"container_id":"a","pid":7}"#,
            r#"2026-01-01 10:00:00.2 +0000 UTC other /tasks/start {"container_id":"a","pid":8}"#,
            r#"2026-01-01 10:00:00.3 +0000 UTC ours /tasks/exit {"container_id":"a","id":"health-1","pid":9,"exit_status":1}"#,
            r#"2026-01-01 10:00:00.4 +0000 UTC ours /tasks/exit {"container_id":"a","id":"a","pid":7,"exit_status":42}"#,
            r#"2026-01-01 10:00:00.45 +0000 UTC ours /tasks/exit {"container_id":"a","id":"a","pid":7,"exit_status":137}"#,
            r#"2026-01-01 10:00:00.5 +0000 UTC ours /tasks/start {"container_id":"b","pid":8}"#,
            r#"2026-01-01 10:00:00.6 +0000 UTC ours /tasks/exit {"container_id":"b","id":"b","pid":8}"#,
            "not an event",
        ];
        lines.iter().for_each(|line| seen.note(line, "ours"));
        assert_eq!(seen.starts, BTreeMap::from([("a".to_owned(), vec![7]), ("b".to_owned(), vec![8])]));
        assert_eq!(seen.exits, BTreeMap::from([("a".to_owned(), vec![42]), ("b".to_owned(), vec![0])]));
    }
}

//! A host of their own for the calls of the CNI plugin: what a damaged call would leave is seen, and nothing else is touched.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wharf_cni::netns;
use wharf_tests::world::product;

/// Two network namespaces, the host's and a task's, and a directory with plugins in which there is ours.
pub struct Lab {
    directory: tempfile::TempDir,
    pub host: PathBuf,
    pub task: PathBuf,
    pub plugins: PathBuf,
}

/// What came of one run of the program.
pub struct Said {
    pub code: Option<i32>,
    pub answer: Vec<u8>,
    pub errors: String,
    pub took: Duration,
    /// The most memory that it held, in bytes.
    pub peak: u64,
}

impl Lab {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [host, task, plugins] = ["host", "task", "plugins"].map(|name| directory.path().join(name));
        netns::create(&host).unwrap();
        netns::create(&task).unwrap();
        std::fs::create_dir(&plugins).unwrap();
        std::os::unix::fs::symlink(product("wharf-cni"), plugins.join("wharf-cni")).unwrap();
        Self { directory, host, task, plugins }
    }

    /// Runs the program on the host.
    pub fn run(&self, variables: &[(String, String)], input: &[u8]) -> Said {
        let peak = self.directory.path().join("peak");
        let begun = Instant::now();
        let spawn = || {
            let mut plugin = Command::new(product("wharf-peak"))
                .args([&peak, &product("wharf-cni")])
                .env_clear()
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("`cargo build --bins` makes it");
            // The plugin may answer before it has read all.
            drop(plugin.stdin.take().unwrap().write_all(input));
            plugin.wait_with_output().unwrap()
        };
        let output = netns::run(&self.host, spawn).unwrap();
        let took = begun.elapsed();
        let kibibytes: u64 = std::fs::read_to_string(peak).unwrap().parse().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Said { code: output.status.code(), answer: output.stdout, errors, took, peak: kibibytes << 10 }
    }

    /// All that a call can have made, on the host and in the task's namespace.
    pub fn inventory(&self) -> String {
        let rules = netns::run(&self.host, || Command::new("nft").args(["list", "ruleset"]).output());
        let rules = String::from_utf8(rules.unwrap().unwrap().stdout).unwrap();
        format!("{rules}{}{}", names(&self.host), names(&self.task))
    }
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.answer).unwrap_or_else(|error| panic!("{error}: {:?}", self.answer))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        netns::delete(&self.host).unwrap();
        netns::delete(&self.task).unwrap();
    }
}

/// Links and routes of a namespace, as the kernel lists them; without the counters of the links.
fn names(namespace: &Path) -> String {
    let read = |file: &str| {
        let path = format!("/proc/thread-self/net/{file}");
        netns::run(namespace, || std::fs::read_to_string(path)).unwrap().unwrap()
    };
    let (links, routes) = (read("dev"), read("route"));
    let links = links.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    // The head of the table is there once there was a route.
    let routes = routes.lines().skip(1);
    format!("{:?} {:?}", links.collect::<Vec<_>>(), routes.collect::<Vec<_>>())
}

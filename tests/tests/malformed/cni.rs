//! Calls of the CNI plugin: its parsing in this process, and the program itself.

use crate::tally::{Tally, house_corpus};
use std::io::Write;
use std::process::{Command, Stdio};
use wharf_cni::plugin::Config;
use wharf_tests::world::product;

/// Runs of the program; a process each is what makes them few.
const RUNS: usize = 300;

pub fn configurations() -> Tally {
    Tally::run("CNI configurations", house_corpus("cni_config"), |input| {
        if let Err(failure) = Config::parse(input) {
            assert!(!failure.message.is_empty(), "a failure says what is wrong");
        }
    })
}

pub fn processes() -> Tally {
    let verbs = ["VERSION", "STATUS", "CHECK", "DEL", "GC", "NONSENSE"];
    let mut number = 0;
    Tally::run_processes("CNI plugin runs", RUNS, house_corpus("cni_config"), |input| {
        number += 1;
        let mut plugin = Command::new(product("wharf-cni"))
            .env_clear()
            .env("CNI_COMMAND", verbs[number % verbs.len()])
            .env("CNI_CONTAINERID", "malformed")
            .env("CNI_IFNAME", "eth0")
            .env("CNI_NETNS", "/nonexistent/netns")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`cargo build --bins` makes it");
        // The plugin may answer before it has read all.
        drop(plugin.stdin.take().unwrap().write_all(input));
        let output = plugin.wait_with_output().unwrap();
        let (code, errors) = (output.status.code(), String::from_utf8_lossy(&output.stderr));
        assert!(matches!(code, Some(0 | 1)), "it ended with {:?}: {errors}", output.status);
        assert!(!errors.contains("panicked"), "{errors}");
        if code == Some(1) {
            let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an error of CNI");
            assert!(said["code"].is_u64(), "{said}");
        }
    })
}

//! A registry of the tests' own: Debian's docker-registry, empty, on a free port of loopback.

use crate::containerd::temporary;
use anyhow::{Context, Result, ensure};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running registry; killed and removed when dropped.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Registry {
    /// Starts an empty one and waits until it answers.
    pub fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("registry-").tempdir_in(temporary())?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = dir.path().join("config.yml");
        let storage = dir.path().join("storage");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            storage.display()
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("cannot start docker-registry; `make setup-test` installs it")?;
        let registry = Self { address, child, _dir: dir };
        let end = Instant::now() + Duration::from_secs(20);
        while crate::http::get(address, "/v2/").is_err() {
            ensure!(Instant::now() < end, "docker-registry does not answer on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

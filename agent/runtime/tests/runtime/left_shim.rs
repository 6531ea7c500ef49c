//! Shims that nobody asks for anything: what is left where a create is broken off whose caller was killed.

use crate::lab::{LONG, Lab, command, until};
use nix::sys::stat::Mode;
use std::fs::{self, DirEntry, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A ttrpc message: no bytes of payload, stream 1, a request, no flags. Whoever serves answers it, if only that there is no such method.
const NO_SUCH_METHOD: [u8; 10] = [0, 0, 0, 0, 0, 0, 0, 1, 1, 0];

impl Lab {
    /// Has a shim started for a container, and takes its directory away while it waits for a reader of its log there. It listens where
    /// the next shim of the same group would, and never serves.
    pub async fn leave_a_shim_behind(&self, id: &str, group: &str) -> u32 {
        let (shim, _) = self.start_shim(id, group).await;
        fs::remove_dir_all(bundle(self)).unwrap();
        shim
    }

    /// The same a moment later: it has its log, and serves, and nobody asks anything of it.
    pub async fn leave_a_shim_behind_that_serves(&self, id: &str, group: &str) -> u32 {
        let (shim, address) = self.start_shim(id, group).await;
        let _reader = File::open(bundle(self).join("log")).unwrap();
        // Not before: it asks for its directory after it has opened its log, and ends where that is gone.
        wait_for_an_answer(&address);
        fs::remove_dir_all(bundle(self)).unwrap();
        shim
    }

    /// Starts a shim that then waits for a reader of its log. Returns its process and what it said of where it listens.
    async fn start_shim(&self, id: &str, group: &str) -> (u32, String) {
        // One of a container that was deleted may still be ending.
        until("no other shim is there", async || self.shims().is_empty()).await;
        let bundle = bundle(self);
        fs::create_dir(&bundle).unwrap();
        nix::unistd::mkfifo(&bundle.join("log"), Mode::S_IRWXU).unwrap();
        let spec = serde_json::json!({ "annotations": { "io.containerd.runc.v2.group": group } });
        fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
        let address = self.config().address.display().to_string();
        let started = command("containerd-shim-runc-v2")
            .args(["-namespace", &self.config().namespace, "-id", id, "-address", &address, "start"])
            .env("TTRPC_ADDRESS", format!("{address}.ttrpc"))
            .current_dir(&bundle)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        let [shim] = self.shims()[..] else { panic!("one shim: {:?}", self.shims()) };
        let opens_its_log = format!("/proc/{shim}/task");
        until("the shim waits for a reader of its log", async || {
            let threads = fs::read_dir(&opens_its_log).unwrap().flatten();
            let at = |thread: DirEntry| fs::read_to_string(thread.path().join("wchan"));
            threads.into_iter().any(|thread| at(thread).is_ok_and(|at| at == "wait_for_partner"))
        })
        .await;
        (shim, String::from_utf8(started.stdout).unwrap())
    }
}

/// The directory in which the shim is started.
fn bundle(lab: &Lab) -> PathBuf {
    lab.path().join("left")
}

/// Waits until the shim that said where it listens answers there: in plain words, or in JSON since containerd 2.
fn wait_for_an_answer(said: &str) {
    let path = said.split_once("unix://").expect("a socket").1;
    let path = path.split(['"', '\n']).next().unwrap_or_default();
    let mut shim = UnixStream::connect(Path::new(path)).unwrap();
    shim.set_read_timeout(Some(LONG)).unwrap();
    shim.write_all(&NO_SUCH_METHOD).unwrap();
    let mut answer = NO_SUCH_METHOD;
    shim.read_exact(&mut answer).expect("the shim serves");
}

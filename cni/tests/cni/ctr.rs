//! A client that is not ours: containerd's `ctr run --cni` drives the plugin.
//!
//! `ctr` has its directories built in, so it runs in a mount namespace that shows it ours; containerd is a private one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wharf_cni::netns;

use crate::lab::{Lab, PATIENCE};

const CONFIG: &str = r#"{ "cniVersion": "1.0.0", "name": "ctr-net", "plugins": [
    { "type": "wharf-cni", "addresses": ["10.0.0.5"], "gateway": "10.0.0.1" } ] }"#;
const PAGE: &str = "from a container that ctr connected";
const RUN: &str = r#"
set -eu
mkdir "$W/etc" "$W/etc.work" "$W/opt"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$W/etc,workdir=$W/etc.work" /etc
mount --bind "$W/opt" /opt
rm -rf /etc/cni; mkdir -p /etc/cni/net.d /opt/cni/bin
cp "$PLUGIN" /opt/cni/bin/
cp "$W/net.conflist" /etc/cni/net.d/
trap '"$SCRIPTS/private-containerd" stop "$W/containerd"' EXIT
"$SCRIPTS/private-containerd" start "$W/containerd"
ctr --address "$W/containerd/containerd.sock" run --rm --cni --rootfs "$W/rootfs" web /bin/busybox httpd -f -p 80 -h /www
"#;

/// A container that `ctr` runs in the foreground; ended by [`Self::stop`], or when dropped.
struct Container {
    work: tempfile::TempDir,
    namespace: String,
    ctr: Child,
}

impl Container {
    fn start(host: &Path) -> Self {
        // Not on an overlay, where containerd could not keep its root.
        let work = tempfile::tempdir_in("/var/tmp").unwrap();
        let namespace = format!("wharf-cni-{}", std::process::id());
        let rootfs = work.path().join("rootfs");
        for directory in ["bin", "www", "proc", "sys", "dev"] {
            std::fs::create_dir_all(rootfs.join(directory)).unwrap();
        }
        std::fs::copy("/bin/busybox", rootfs.join("bin/busybox")).unwrap();
        std::fs::write(rootfs.join("www/index.html"), PAGE).unwrap();
        std::fs::write(work.path().join("net.conflist"), CONFIG).unwrap();
        let spawn = || {
            Command::new("unshare")
                .args(["--mount", "--propagation", "private", "sh", "-c", RUN])
                .env("W", work.path())
                .env("PLUGIN", env!("CARGO_BIN_EXE_wharf-cni"))
                .env("SCRIPTS", concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts"))
                .env("CONTAINERD_NAMESPACE", &namespace)
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        };
        let ctr = netns::run(host, spawn).unwrap();
        Self { work, namespace, ctr }
    }

    /// Kills the container and waits for `ctr`, which disconnects it, and for its containerd to be gone.
    fn stop(mut self) {
        assert!(self.kill());
        self.ctr.wait().unwrap();
    }

    fn kill(&self) -> bool {
        let socket = self.work.path().join("containerd/containerd.sock");
        let ctr = Command::new("ctr")
            .args(["--address", socket.to_str().unwrap(), "--namespace", &self.namespace])
            .args(["task", "kill", "--signal", "KILL", "web"])
            .status();
        ctr.unwrap().success()
    }

    /// The control groups that runc leaves for the namespace, in the one or the many hierarchies.
    fn control_groups(&self) -> Vec<PathBuf> {
        let root = Path::new("/sys/fs/cgroup");
        let many = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        many.chain([root.to_owned()]).map(|hierarchy| hierarchy.join(&self.namespace)).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // After a failed test the container may still run; then it must not outlive the test.
        if self.ctr.try_wait().unwrap().is_none() {
            if !self.kill() {
                self.ctr.kill().unwrap();
            }
            self.ctr.wait().unwrap();
        }
        for group in self.control_groups() {
            let _ = std::fs::remove_dir(group); // most hierarchies have none
        }
    }
}

/// Fetches the page as soon as somebody serves it.
fn fetch(host: &Path) -> String {
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        let asked = netns::run(host, || {
            let mut stream = TcpStream::connect_timeout(&"10.0.0.5:80".parse().unwrap(), PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n")?;
            let mut page = String::new();
            stream.read_to_string(&mut page)?;
            std::io::Result::Ok(page)
        });
        match asked.unwrap() {
            Ok(page) => return page,
            Err(error) if Instant::now() >= deadline => panic!("nobody serves 10.0.0.5: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
fn ctr_connects_and_disconnects_a_container_by_our_plugin() {
    let lab = Lab::new();
    lab.sees("ip", &["link", "set", "lo", "up"]);
    let before = lab.inventory();
    let container = Container::start(&lab.host);
    let page = fetch(&lab.host);
    assert!(page.contains(PAGE), "{page}");
    assert!(lab.inventory().contains("10.0.0.5"));
    container.stop();
    assert_eq!(lab.inventory(), before);
}

//! A host of its own for each test: a network namespace, namespaces for its tasks, and real TCP between them.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use wharf_cni::{AddError, Attached, Attachment, CheckError, DelError, Fabric, Swept, netns};

/// How long anything in a test may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Lab {
    directory: tempfile::TempDir,
    pub host: PathBuf,
}

impl Lab {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = directory.path().join("host");
        netns::create(&host).unwrap();
        // A new namespace inherits the machine's switch; a fresh host has it off.
        netns::run(&host, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "0")).unwrap().unwrap();
        Self { directory, host }
    }

    /// A further namespace, such as a task's.
    pub fn namespace(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        netns::create(&path).unwrap();
        path
    }

    /// Runs async code as if it were a process on the test's host.
    pub fn on_host<F: Future>(&self, work: impl FnOnce() -> F + Send) -> F::Output
    where
        F::Output: Send,
    {
        netns::run(&self.host, || runtime().block_on(work())).unwrap()
    }

    pub fn add(&self, fabric: &Fabric, wish: &Attachment) -> Result<Attached, AddError> {
        self.on_host(|| wharf_cni::add(fabric, wish))
    }

    pub fn del(&self, fabric: &Fabric, wish: &Attachment) -> Result<(), DelError> {
        self.on_host(|| wharf_cni::del(fabric, &wish.id, &wish.namespace))
    }

    pub fn check(&self, fabric: &Fabric, wish: &Attachment) -> Result<(), CheckError> {
        self.on_host(|| wharf_cni::check(fabric, wish))
    }

    pub fn sweep(&self, fabric: &Fabric, keep: &[&str]) -> Swept {
        let keep: BTreeSet<String> = keep.iter().map(|&id| id.to_owned()).collect();
        self.on_host(|| wharf_cni::sweep(fabric, &keep)).unwrap()
    }

    /// A neighbour of the host that knows no task: 192.0.2.2 there, 192.0.2.1 at the host.
    pub fn outside(&self) -> PathBuf {
        let outside = self.namespace("outside");
        let peer = ["peer", "name", "up0", "netns", outside.to_str().unwrap()];
        self.sees("ip", &[&["link", "add", "up0", "type", "veth"], &peer[..]].concat());
        for (namespace, address) in [(&self.host, "192.0.2.1/24"), (&outside, "192.0.2.2/24")] {
            // No link-local address, whose progress would show in the inventory.
            sees(namespace, "ip", &["link", "set", "up0", "addrgenmode", "none"]);
            sees(namespace, "ip", &["addr", "add", address, "dev", "up0"]);
            sees(namespace, "ip", &["link", "set", "up0", "up"]);
        }
        outside
    }

    /// Makes a namespace and connects it.
    pub fn task(&self, fabric: &Fabric, id: &str, address: &str) -> Attachment {
        let wish = attachment(id, &self.namespace(id), address);
        self.add(fabric, &wish).unwrap();
        wish
    }

    /// What a program prints on the test's host; the observer is not the code under test.
    pub fn sees(&self, program: &str, arguments: &[&str]) -> String {
        sees(&self.host, program, arguments)
    }

    /// All that a network can leave behind on the host, as other programs see it.
    pub fn inventory(&self) -> String {
        let mut all = self.sees("nft", &["list", "ruleset"]);
        // Names alone: whether a link has noticed its carrier yet depends on the moment.
        let links = self.sees("ip", &["-br", "link"]);
        all.extend(
            links.lines().filter_map(|line| line.split_whitespace().next()).map(|name| format!("{name}\n")),
        );
        for what in [&["-o", "addr"][..], &["route", "show", "table", "all"], &["neigh"]] {
            all += &self.sees("ip", what);
        }
        let routes6 = self.sees("ip", &["-6", "route", "show", "table", "all"]);
        all.extend(routes6.lines().map(|line| format!("{line}\n")));
        // Every link gets a route for IPv6 multicast, and its routes lose `linkdown`, once it has noticed its carrier.
        let settled = all.lines().filter(|line| !line.starts_with("multicast "));
        settled.map(|line| line.replace("linkdown", "").trim_end().to_owned() + "\n").collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if netns::exists(&path) {
                netns::delete(&path).unwrap();
            }
        }
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn attachment(id: &str, namespace: &Path, address: &str) -> Attachment {
    Attachment {
        id: id.into(),
        namespace: namespace.into(),
        interface: "eth0".into(),
        mac: None,
        addresses: vec![address.parse().unwrap()],
        gateway4: Some(Ipv4Addr::new(10, 0, 0, 1)),
        gateway6: None,
    }
}

pub fn sees(namespace: &Path, program: &str, arguments: &[&str]) -> String {
    let output = netns::run(namespace, || Command::new(program).args(arguments).output()).unwrap().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server inside a namespace that tells its one caller the address it is seen with.
pub struct Server {
    pub address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    pub fn start(namespace: &Path, address: IpAddr, port: u16) -> Self {
        let listener = netns::run(namespace, || TcpListener::bind((address, port))).unwrap().unwrap();
        Self::on(listener)
    }

    pub fn on(listener: TcpListener) -> Self {
        listener.set_nonblocking(false).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut caller, from) = listener.accept().unwrap();
            caller.write_all(from.ip().to_string().as_bytes()).unwrap();
        });
        Self { address, thread }
    }

    /// Waits for the caller to have been served.
    pub fn finish(self) {
        self.thread.join().unwrap();
    }
}

/// Calls a server from inside a namespace and returns what it says.
pub fn call(namespace: &Path, server: SocketAddr) -> std::io::Result<String> {
    netns::run(namespace, || {
        let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    })
    .unwrap()
}

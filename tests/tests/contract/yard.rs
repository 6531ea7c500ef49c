//! A namespace of a real containerd, with the demo image in it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_runtime::cgroup::CgroupRoot;
use wharf_runtime::{
    ContainerdConfig, CreateContainer, LogTarget, NetworkNamespace, ProcessOptions, PullPolicy, Resources,
};
use wharf_sim::contract::runtime::{INSCRIPTION, Process, Yard};
use wharf_tests::image::build_demo;
use wharf_tests::leaks;
use wharf_tests::world::{Host, IMAGE};

/// How long what is under way may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

/// A containerd with a namespace for one rule.
pub struct Containerd {
    host: Host,
    runtime: wharf_runtime::Containerd,
    /// The image's full name.
    image: String,
}

impl Containerd {
    /// Connects and loads the image.
    pub async fn new() -> Self {
        let host = Host::new().unwrap();
        let config = ContainerdConfig {
            address: host.containerd().socket(),
            namespace: host.namespace().to_owned(),
            run_dir: host.dir().join("run"),
            ..ContainerdConfig::default()
        };
        let runtime = wharf_runtime::Containerd::connect(&config).await.unwrap();
        let tar = host.dir().join("demo.tar");
        build_demo(IMAGE, &tar).unwrap();
        runtime.load(&tar).await.unwrap();
        let image = runtime.ensure_image(IMAGE, None, PullPolicy::Never, &[]).await.unwrap().name;
        Self { host, runtime, image }
    }
}

impl Yard for Containerd {
    type Runtime = wharf_runtime::Containerd;

    fn runtime(&self) -> wharf_runtime::Containerd {
        self.runtime.clone()
    }

    fn container(&self, process: Process) -> CreateContainer {
        let (id, script) = match process {
            Process::Obeys => ("obeys", "trap 'exit 143' TERM; while :; do sleep 0.05; done"),
            Process::IsDeaf => ("deaf", "trap '' TERM; while :; do sleep 0.05; done"),
            Process::Ends => ("ends", "sleep 0.3; exit 7"),
        };
        let command = Some(["/bin/sh", "-c", script].map(str::to_owned).to_vec());
        CreateContainer {
            id: id.to_owned(),
            labels: BTreeMap::from([("contract".to_owned(), id.to_owned())]),
            inscription: INSCRIPTION.to_vec(),
            image: self.image(),
            shim_group: "task".to_owned(),
            cgroup_path: format!("{}/task/{id}", self.host.scope().cgroup_root),
            network: NetworkNamespace::Host,
            hostname: None,
            process: ProcessOptions { command, ..ProcessOptions::default() },
            mounts: Vec::new(),
            resources: Resources::default(),
            log: LogTarget::Null,
        }
    }

    fn image(&self) -> String {
        self.image.clone()
    }

    fn vanish(&self, id: &str) {
        let (process, _) = self.host.tasks()[id];
        for pid in leaks::shims(&self.host.scope()).into_keys().chain([process]) {
            // The first death may take the other along.
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }

    async fn clear(self) {
        self.runtime.remove_image(&self.image).await.unwrap();
        CgroupRoot::host().remove(self.host.scope().cgroup_root, FAREWELL).await.unwrap();
        self.runtime.close(FAREWELL).await;
        self.host.finish();
    }
}

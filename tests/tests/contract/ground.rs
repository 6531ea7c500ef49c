//! A place in the kernel for the networks of tasks: links, tables and cgroups of its own names.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use wharf_agent::effects::Places;
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::endpoints::{Feeds, Settings, TaskEndpoints};
use wharf_agent::network::HostNetwork;
use wharf_agent::seam::Network as _;
use wharf_agent::view::View;
use wharf_cni::{Fabric, netns};
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::CgroupRoot;
use wharf_sim::contract::network::Ground;
use wharf_tests::leaks;
use wharf_tests::world::{Host, product};

/// How long the kernel may take to let go of the cgroup of all tasks.
const FAREWELL: Duration = Duration::from_secs(30);

/// The kernel of this machine.
pub struct Kernel {
    host: Host,
    network: HostNetwork,
}

impl Kernel {
    /// Nothing of tasks is there yet.
    pub fn new() -> Self {
        let host = Host::new().unwrap();
        let scope = host.scope();
        let feeds = Feeds {
            view: watch::channel(Arc::new(View::default())).1,
            stats: watch::channel(Arc::default()).1,
            credentials: CredentialStore::default(),
        };
        let network = HostNetwork {
            fabric: Fabric {
                interface_prefix: scope.link_prefix.to_owned(),
                table: scope.table.to_owned(),
                ..Fabric::default()
            },
            cgroups: CgroupRoot::host(),
            endpoints: TaskEndpoints::new(feeds, Settings::default()),
            places: Places {
                run: host.dir().join("run"),
                data: host.dir().join("data"),
                cgroup_root: scope.cgroup_root.into(),
                logger: product("wharf-logger"),
            },
            task_limits: true,
        };
        Self { host, network }
    }

    fn namespace(&self, task: &TaskArn) -> PathBuf {
        self.network.places.namespace(task)
    }
}

impl Ground for Kernel {
    type Network = HostNetwork;

    fn network(&self) -> &HostNetwork {
        &self.network
    }

    fn addresses(&self, task: &TaskArn) -> Option<BTreeSet<IpAddr>> {
        let path = self.namespace(task);
        if !path.exists() {
            return None;
        }
        let list = || Command::new("ip").args(["-o", "address"]).output().unwrap();
        let output = netns::run(&path, list).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut words = text.split_whitespace();
        let mut found = BTreeSet::new();
        while let Some(word) = words.next() {
            if matches!(word, "inet" | "inet6") {
                let address = words.next().unwrap().split('/').next().unwrap();
                found.insert(address.parse::<IpAddr>().unwrap());
            }
        }
        found.retain(is_its_own);
        Some(found)
    }

    fn has_cgroup(&self, task: &TaskArn) -> bool {
        let cgroups = leaks::cgroups(self.host.scope().cgroup_root);
        cgroups.iter().any(|path| path.ends_with(task.id()))
    }

    async fn clear(self) {
        self.network.close().await;
        CgroupRoot::host().remove(self.host.scope().cgroup_root, FAREWELL).await.unwrap();
        self.host.finish();
    }
}

/// Not one of the loopback's, of the endpoint's, or of those that every link gives itself.
fn is_its_own(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    }
}

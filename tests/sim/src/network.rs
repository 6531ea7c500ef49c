//! Networks, simulated: namespaces with addresses, files and cgroups, by task.

use crate::history::Who;
use crate::host::task_cgroup;
use crate::mistake::Mistake;
use crate::world::{State, World};
use std::collections::BTreeSet;
use std::net::IpAddr;
use wharf_agent::seam::Network;
use wharf_core::event::{ContainerRef, Remains};
use wharf_core::spec::{Interface, TaskSpec};
use wharf_protocol::arn::TaskArn;
use wharf_runtime::cgroup::CgroupError;

/// The simulated kernel as far as networks go.
#[derive(Debug)]
pub struct SimNetwork {
    world: World,
}

impl SimNetwork {
    pub fn new(world: World) -> Self {
        Self { world }
    }

    async fn call(&self, what: &str, task: &str) -> Result<(), String> {
        self.world.step("before", what, task).await;
        self.world.takes(what, 1, 30).await;
        let fails = {
            let mut state = self.world.lock();
            let fails = state.weather.network_fails > 0 && state.draw("network fails", 0, 2) > 0;
            if fails {
                state.say(Who::Agent, format_args!("{what} {task} fails"));
                state.excuse(task);
            }
            fails
        };
        self.world.step("at", what, task).await;
        if fails { Err("no luck".to_owned()) } else { Ok(()) }
    }

    async fn removed(&self, what: &str, task: &TaskArn) -> Result<(), String> {
        match self.call(what, task.id()).await {
            Err(_) if self.world.lock().mistake == Some(Mistake::FailedRemovalIsDone) => Ok(()),
            answer => answer,
        }
    }
}

impl Network for SimNetwork {
    async fn make(&self, task: &TaskArn, interface: Option<&Interface>) -> Result<(), String> {
        self.call("make network of", task.id()).await?;
        let addresses: BTreeSet<IpAddr> =
            interface.into_iter().flat_map(|interface| &interface.addresses).copied().collect();
        let taken = self.world.change(|state| {
            let mut others = state.host.networks.iter().filter(|(other, _)| *other != task.id());
            let holder =
                others.find(|(_, held)| !held.is_disjoint(&addresses)).map(|(other, _)| other.clone());
            match &holder {
                Some(holder) => {
                    state.say(Who::Agent, format_args!("{holder} has the address of {}", task.id()))
                }
                None => state.say(Who::Agent, format_args!("network of {} stands", task.id())),
            }
            // The namespace is there in any case.
            let held = if holder.is_some() { BTreeSet::new() } else { addresses };
            state.host.networks.insert(task.id().to_owned(), held);
            holder
        });
        self.world.step("after", "make network of", task.id()).await;
        taken.map_or(Ok(()), |holder| Err(format!("task {holder} has the address")))
    }

    async fn unmake(&self, task: &TaskArn) -> Result<(), String> {
        self.removed("unmake network of", task).await?;
        self.world.change(|state| state.network_goes(task.id()));
        self.world.step("after", "unmake network of", task.id()).await;
        Ok(())
    }

    async fn limit(&self, task: &TaskSpec) -> Result<(), CgroupError> {
        self.world.step("at", "cgroup of", task.arn.id()).await;
        self.world.change(|state| state.host.kernel.cgroups.insert(task_cgroup(task.arn.id())));
        Ok(())
    }

    async fn release(&self, task: &TaskArn) -> Result<(), String> {
        let id = task.id();
        let mut released = self.call("release", id).await;
        if released.is_ok() {
            released = self.world.change(|state| state.release(id));
        }
        self.world.step("after", "release", id).await;
        if self.world.lock().mistake == Some(Mistake::FailedRemovalIsDone) { Ok(()) } else { released }
    }

    fn memory(&self, _container: &ContainerRef) -> Remains {
        Remains::default()
    }

    fn last_lines(&self, _container: &ContainerRef) -> Vec<String> {
        Vec::new()
    }

    async fn forget(&self, _task: &TaskArn) -> Result<(), String> {
        Ok(())
    }

    async fn sweep(&self, known: &BTreeSet<String>) {
        self.world.step("before", "a sweep", "").await;
        self.world.change(|state| {
            let networks = state.host.networks.keys();
            let unknown: Vec<String> = networks.filter(|task| !known.contains(*task)).cloned().collect();
            unknown.iter().for_each(|task| state.network_goes(task));
        });
    }

    async fn sweep_remains(&self, known: &BTreeSet<String>) {
        self.world.change(|state| {
            let tasks = state.host.kernel.tasks();
            for task in tasks.iter().filter(|task| !known.contains(*task)) {
                state.host.kernel.remove_cgroup(&task_cgroup(task));
            }
        });
    }

    async fn close(&self) {}
}

impl State {
    /// Network and cgroup go; a cgroup with a process in it stays.
    fn release(&mut self, task: &str) -> Result<(), String> {
        self.network_goes(task);
        if !self.host.kernel.remove_cgroup(&task_cgroup(task)) {
            self.say(Who::Agent, format_args!("the cgroup of {task} is not empty"));
            return Err("a process is in the cgroup".to_owned());
        }
        self.say(Who::Agent, format_args!("{task} is released"));
        Ok(())
    }

    fn network_goes(&mut self, task: &str) {
        if self.host.networks.remove(task).is_some() {
            self.check_network_goes(task);
        }
    }
}

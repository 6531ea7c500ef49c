//! What every network promises.

use super::quiet_world;
use crate::host::task_cgroup;
use crate::network::SimNetwork;
use crate::world::World;
use std::collections::BTreeSet;
use std::future::Future;
use std::net::IpAddr;
use wharf_agent::seam::Network;
use wharf_core::event::{ContainerRef, Remains};
use wharf_core::spec::{Interface, TaskSpec};
use wharf_protocol::arn::TaskArn;

/// A host on which nothing of tasks is yet.
pub trait Ground {
    /// The network.
    type Network: Network;

    /// What makes and removes.
    fn network(&self) -> &Self::Network;

    /// Addresses in a task's namespace, but for those that every namespace has; `None` where the task has no namespace.
    fn addresses(&self, task: &TaskArn) -> Option<BTreeSet<IpAddr>>;

    /// Whether the task has a cgroup.
    fn has_cgroup(&self, task: &TaskArn) -> bool;

    /// Checks that nothing is left.
    fn clear(self) -> impl Future<Output = ()>;
}

/// The network of a simulated world.
#[derive(Debug)]
pub struct Simulated {
    world: World,
    network: SimNetwork,
}

impl Simulated {
    /// One in which nothing goes wrong.
    #[expect(
        clippy::new_without_default,
        reason = "it needs a tokio runtime, and a default should need nothing"
    )]
    pub fn new() -> Self {
        let world = quiet_world(Vec::new());
        Self { network: SimNetwork::new(world.clone()), world }
    }
}

impl Ground for Simulated {
    type Network = SimNetwork;

    fn network(&self) -> &SimNetwork {
        &self.network
    }

    fn addresses(&self, task: &TaskArn) -> Option<BTreeSet<IpAddr>> {
        self.world.lock().host.networks.get(task.id()).cloned()
    }

    fn has_cgroup(&self, task: &TaskArn) -> bool {
        self.world.lock().host.kernel.cgroups.contains(&task_cgroup(task.id()))
    }

    async fn clear(self) {
        let state = self.world.lock();
        assert_eq!(state.broken, None, "the simulator's own checks");
        assert!(state.host.networks.is_empty() && state.host.kernel.cgroups.is_empty());
    }
}

/// Runs every rule on new ground each.
pub async fn all<G: Ground, F: Future<Output = G>>(mut new: impl FnMut() -> F) {
    macro_rules! each {
        ($($rule:ident)*) => {
            $(
                let ground = new().await;
                $rule(&ground).await;
                ground.clear().await;
            )*
        };
    }
    each! {
        removing_what_was_never_made_is_fine
        a_network_has_its_addresses_until_it_is_removed
        making_twice_is_making_once
        what_was_removed_can_be_made_again
        one_without_an_interface_has_no_address
        networks_stand_apart
        an_address_that_another_holds_is_refused_and_left_to_it
        a_release_takes_the_cgroup_along
        a_sweep_removes_the_networks_of_no_task_and_no_others
        what_remains_of_no_task_is_removed_and_nothing_else
        nothing_is_known_of_what_never_ran
    }
}

fn task(number: u32) -> TaskArn {
    let arn = format!("arn:aws:ecs:us-west-2:123456789012:task/contract/{number:032x}");
    TaskArn::parse(&arn).expect("an ARN")
}

fn interface(number: u8) -> Interface {
    Interface {
        attachment_arn: None,
        mac: format!("0a:00:00:00:00:{number:02x}"),
        addresses: vec![address(number)],
        gateway4: Some("198.51.100.1/24".parse().expect("a network")),
        gateway6: None,
        dns_servers: vec!["198.51.100.2".to_owned()],
        dns_search: Vec::new(),
        private_dns_name: None,
    }
}

fn address(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

fn spec(task: &TaskArn) -> TaskSpec {
    TaskSpec {
        arn: task.clone(),
        family: "contract".to_owned(),
        version: "1".to_owned(),
        service_name: None,
        launch_type: None,
        network: wharf_core::spec::Network::None,
        cpu: None,
        memory: None,
        containers: Vec::new(),
        volumes: std::collections::BTreeMap::new(),
        credentials_id: None,
        execution_credentials_id: None,
    }
}

fn known(tasks: &[&TaskArn]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.id().to_owned()).collect()
}

async fn removing_what_was_never_made_is_fine<G: Ground>(ground: &G) {
    let network = ground.network();
    for _ in 0..2 {
        network.unmake(&task(1)).await.expect("nothing is there");
        network.release(&task(1)).await.expect("nothing is there");
        network.forget(&task(1)).await.expect("nothing is there");
    }
    assert_eq!(ground.addresses(&task(1)), None);
}

async fn a_network_has_its_addresses_until_it_is_removed<G: Ground>(ground: &G) {
    let network = ground.network();
    network.make(&task(1), Some(&interface(11))).await.expect("it can be made");
    assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::from([address(11)])));
    for _ in 0..2 {
        network.unmake(&task(1)).await.expect("it can be removed");
        assert_eq!(ground.addresses(&task(1)), None);
    }
    network.release(&task(1)).await.expect("what is left can be removed");
}

async fn making_twice_is_making_once<G: Ground>(ground: &G) {
    let network = ground.network();
    for _ in 0..2 {
        network.make(&task(1), Some(&interface(11))).await.expect("it can be made");
        assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::from([address(11)])));
    }
    network.release(&task(1)).await.expect("it can be removed");
    assert_eq!(ground.addresses(&task(1)), None);
}

async fn what_was_removed_can_be_made_again<G: Ground>(ground: &G) {
    let network = ground.network();
    for number in [11, 12] {
        network.make(&task(1), Some(&interface(number))).await.expect("it can be made");
        assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::from([address(number)])));
        network.release(&task(1)).await.expect("it can be removed");
    }
    // Its address is free for another.
    network.make(&task(2), Some(&interface(12))).await.expect("it can be made");
    network.release(&task(2)).await.expect("it can be removed");
}

async fn one_without_an_interface_has_no_address<G: Ground>(ground: &G) {
    let network = ground.network();
    network.make(&task(1), None).await.expect("it can be made");
    assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::new()));
    network.release(&task(1)).await.expect("it can be removed");
    assert_eq!(ground.addresses(&task(1)), None);
}

async fn networks_stand_apart<G: Ground>(ground: &G) {
    let network = ground.network();
    let (one, other) = (task(1), task(2));
    let (mine, yours) = (interface(11), interface(12));
    let both = tokio::join!(network.make(&one, Some(&mine)), network.make(&other, Some(&yours)));
    both.0.and(both.1).expect("both can be made");
    network.release(&one).await.expect("it can be removed");
    assert_eq!(ground.addresses(&other), Some(BTreeSet::from([address(12)])));
    network.release(&other).await.expect("it can be removed");
}

async fn an_address_that_another_holds_is_refused_and_left_to_it<G: Ground>(ground: &G) {
    let network = ground.network();
    network.make(&task(1), Some(&interface(11))).await.expect("it can be made");
    network.make(&task(2), Some(&interface(11))).await.expect_err("the address is taken");
    network.unmake(&task(2)).await.expect("what was begun can be removed");
    assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::from([address(11)])));
    network.release(&task(1)).await.expect("it can be removed");
    network.release(&task(2)).await.expect("it can be removed");
}

async fn a_release_takes_the_cgroup_along<G: Ground>(ground: &G) {
    let network = ground.network();
    for _ in 0..2 {
        network.limit(&spec(&task(1))).await.expect("it can be limited");
        assert!(ground.has_cgroup(&task(1)));
    }
    network.release(&task(1)).await.expect("it can be removed");
    assert!(!ground.has_cgroup(&task(1)));
}

async fn a_sweep_removes_the_networks_of_no_task_and_no_others<G: Ground>(ground: &G) {
    let network = ground.network();
    network.make(&task(1), Some(&interface(11))).await.expect("it can be made");
    network.make(&task(2), Some(&interface(12))).await.expect("it can be made");
    network.make(&task(3), None).await.expect("it can be made");
    network.close().await;
    network.sweep(&known(&[&task(1)])).await;
    assert_eq!(ground.addresses(&task(1)), Some(BTreeSet::from([address(11)])));
    assert_eq!((ground.addresses(&task(2)), ground.addresses(&task(3))), (None, None));
    network.make(&task(1), Some(&interface(11))).await.expect("it stands, and can be made again");
    for number in 1..=3 {
        network.release(&task(number)).await.expect("it can be removed");
    }
}

async fn what_remains_of_no_task_is_removed_and_nothing_else<G: Ground>(ground: &G) {
    let network = ground.network();
    network.limit(&spec(&task(1))).await.expect("it can be limited");
    network.limit(&spec(&task(2))).await.expect("it can be limited");
    network.sweep_remains(&known(&[&task(1)])).await;
    assert_eq!((ground.has_cgroup(&task(1)), ground.has_cgroup(&task(2))), (true, false));
    network.release(&task(1)).await.expect("it can be removed");
}

async fn nothing_is_known_of_what_never_ran<G: Ground>(ground: &G) {
    let container = ContainerRef { task: task(1), container: "app".to_owned() };
    assert_eq!(ground.network().memory(&container), Remains::default());
    assert_eq!(ground.network().last_lines(&container), Vec::<String>::new());
}

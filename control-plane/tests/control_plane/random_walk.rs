//! Anything in any order, with the process killed between turns: what must hold, holds after every turn.

use super::pure::{World, awsvpc, bridge, subnet, world};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf_control_plane::model::task::{LastStatus, Reported, StopCode};
use wharf_protocol::acs::Message;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

/// Addresses that the subnet of these tests can lend.
const ADDRESSES: usize = 5;

struct Walk {
    world: World,
    random: StdRng,
    instances: Vec<ContainerInstanceArn>,
    /// What each agent was sent and has not acknowledged.
    inbox: BTreeMap<ContainerInstanceArn, Vec<Message>>,
    seen: BTreeMap<TaskArn, LastStatus>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut world = world();
        let mut with_role = awsvpc("net");
        with_role["taskRoleArn"] = serde_json::json!("arn:aws:iam::111122223333:role/net");
        world.define(with_role);
        world.define(bridge("plain"));
        let instances = vec![world.instance("a"), world.instance("b")];
        let mut walk = Self {
            world,
            random: StdRng::seed_from_u64(seed),
            instances,
            inbox: BTreeMap::new(),
            seen: BTreeMap::new(),
        };
        walk.turn();
        walk
    }

    /// Ends the turn, keeps what agents were sent, checks what must hold.
    fn turn(&mut self) {
        for message in self.world.sent() {
            self.keep(message);
        }
        self.check();
    }

    fn keep(&mut self, message: Message) {
        let instance = match &message {
            Message::PayloadMessage(payload) => payload.container_instance_arn.clone(),
            Message::AttachTaskNetworkInterfacesMessage(attach) => attach.container_instance_arn.clone(),
            Message::TaskManifestMessage(manifest) => manifest.container_instance_arn.clone(),
            _ => None,
        };
        if let Some(instance) = instance {
            self.check_message(&message);
            let instance = ContainerInstanceArn::parse(&instance).unwrap();
            self.inbox.entry(instance).or_default().push(message);
        }
    }

    fn check_message(&self, message: &Message) {
        let Message::PayloadMessage(payload) = message else { return };
        for task in payload.tasks.iter().filter(|task| task.desired_status.as_deref() == Some("RUNNING")) {
            let arn = TaskArn::parse(task.arn.as_deref().unwrap()).unwrap();
            assert!(
                self.world.task(&arn).is_attached(),
                "{arn} was handed over before its interface was there"
            );
            assert!(!self.world.task(&arn).shall_stop(), "{arn} was to stop and was started");
        }
    }

    fn check(&mut self) {
        let model = &self.world.model;
        let next = model.live.agenda.next();
        assert!(next.is_none_or(|at| at > self.world.turn.now), "something was due and not done");
        let mut addresses = BTreeSet::new();
        for task in model.tasks.iter() {
            let before = self.seen.insert(task.arn.clone(), task.status);
            assert!(
                before.is_none_or(|before| before <= task.status),
                "{} went back from {before:?}",
                task.arn
            );
            if let Some(interface) = task.interface.as_ref().filter(|_| !task.is_stopped()) {
                assert!(addresses.insert(interface.address), "{} is lent twice", interface.address);
            }
        }
        assert_eq!(model.addresses.free(&subnet()), ADDRESSES - addresses.len(), "an address is lost");
        for instance in model.instances.iter() {
            let left = model.remaining(instance);
            assert!(left.cpu >= 0 && left.memory >= 0, "{} is oversubscribed", instance.arn);
        }
        let saved = self.world.saved.keys().filter(|(table, _)| *table == "task").count();
        assert_eq!(saved, model.tasks.iter().count(), "the store has other tasks than the model");
    }

    fn a_task(&mut self) -> Option<TaskArn> {
        let tasks: Vec<_> = self.world.model.tasks.iter().map(|task| task.arn.clone()).collect();
        tasks.choose(&mut self.random).cloned()
    }

    fn an_instance(&mut self) -> ContainerInstanceArn {
        self.instances.choose(&mut self.random).cloned().unwrap()
    }

    fn step(&mut self) {
        match self.random.random_range(0..20) {
            0..=4 => {
                let family = if self.random.random_bool(0.7) { "net" } else { "plain" };
                // Refused when there is no room, no address or no agent, as it may be.
                let _launched = self.world.launch(family);
            }
            5 | 6 => self.connect(),
            7 => {
                let instance = self.an_instance();
                if self.world.model.live.is_connected(&instance) {
                    self.world.disconnect(&instance);
                }
            }
            8..=10 => self.acknowledge(),
            11..=14 => self.report(),
            15 => {
                if let Some(task) = self.a_task() {
                    let now = self.world.turn.now;
                    let task = self.world.model.tasks.edit(&task).unwrap();
                    if !task.is_stopped() {
                        task.order_stop(StopCode::UserInitiated, "enough", now);
                    }
                }
            }
            16 => {
                self.turn(); // what is in the middle of a turn when the process ends was not answered
                self.world.crash();
                self.inbox.clear();
            }
            _ => {
                let hours = self.random.random_bool(0.1);
                let span = self.random.random_range(1..if hours { 7_200_000 } else { 20_000 });
                self.world.turn.now = self.world.turn.now + Duration::from_millis(span);
            }
        }
        self.turn();
    }

    fn connect(&mut self) {
        let instance = self.an_instance();
        self.inbox.remove(&instance);
        for message in self.world.connect(&instance) {
            self.keep(message);
        }
    }

    fn acknowledge(&mut self) {
        let instance = self.an_instance();
        if self.world.model.live.is_connected(&instance) {
            let messages = self.inbox.remove(&instance).unwrap_or_default();
            self.world.acknowledge(&instance, &messages);
        }
    }

    /// Something an agent may say about a task it was told of: late, early, twice.
    fn report(&mut self) {
        let Some(task) = self.a_task().filter(|task| self.world.task(task).handed_over) else { return };
        match self.random.random_range(0..4) {
            0 | 1 if self.world.task(&task).interface.is_some() => self.world.report_attached(&task),
            0 | 1 => self.world.report_status(&task, Reported::Pending),
            2 => self.world.report_status(&task, Reported::Running),
            _ => self.world.report_status(&task, Reported::Stopped),
        }
    }

    /// From here on every agent is there and does what it is told: everything that can run must come to run.
    fn settle(&mut self) {
        for instance in self.instances.clone() {
            for message in self.world.connect(&instance) {
                self.keep(message);
            }
        }
        while let Some(messages) = self.inbox.pop_first().map(|(_, messages)| messages) {
            for message in messages {
                self.obey(message);
            }
            self.turn();
        }
    }

    fn obey(&mut self, message: Message) {
        match message {
            Message::AttachTaskNetworkInterfacesMessage(attach) => {
                let task = TaskArn::parse(attach.task_arn.as_deref().unwrap()).unwrap();
                self.world.report_attached(&task);
            }
            Message::PayloadMessage(payload) => {
                for task in payload.tasks {
                    let arn = TaskArn::parse(task.arn.as_deref().unwrap()).unwrap();
                    let running = task.desired_status.as_deref() == Some("RUNNING");
                    self.world
                        .report_status(&arn, if running { Reported::Running } else { Reported::Stopped });
                }
            }
            _ => {}
        }
    }
}

#[test]
fn whatever_happens_the_rules_hold_and_everything_comes_to_run_or_stop() {
    for seed in 0..60 {
        let mut walk = Walk::new(seed);
        for _ in 0..150 {
            walk.step();
        }
        walk.settle();
        for task in walk.world.model.tasks.iter() {
            assert!(
                matches!(task.status, LastStatus::Running | LastStatus::Stopped),
                "seed {seed}: {} is left {:?}",
                task.arn,
                task.status
            );
        }
    }
}

#[test]
fn every_saved_row_reads_back_as_it_was() {
    let mut walk = Walk::new(7);
    for _ in 0..300 {
        walk.step();
    }
    let saved = walk.world.saved.clone();
    walk.world.crash();
    for arn in walk.world.model.tasks.iter().map(|task| task.arn.clone()).collect::<Vec<_>>() {
        walk.world.model.tasks.edit(&arn);
    }
    for change in walk.world.model.take_changes() {
        let key = (change.table, change.key);
        assert_eq!(saved.get(&key), change.value.as_ref());
    }
}

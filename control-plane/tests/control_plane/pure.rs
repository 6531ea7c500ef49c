//! A model in the hands of a test: time and randomness are values, so every run is the same.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_control_plane::model::address::Subnet;
use wharf_control_plane::model::cluster::Cluster;
use wharf_control_plane::model::definition::Definition;
use wharf_control_plane::model::instance::{AgentVersion, Instance, InstanceStatus};
use wharf_control_plane::model::launch::Order;
use wharf_control_plane::model::live::SessionId;
use wharf_control_plane::model::resources::{Capacity, Ports};
use wharf_control_plane::model::session::Hello;
use wharf_control_plane::model::table::Record;
use wharf_control_plane::model::task::{Launch, Report, Reported, Task};
use wharf_control_plane::model::time::Time;
use wharf_control_plane::model::turn::Turn;
use wharf_control_plane::model::{Model, Policy, Rows};
use wharf_protocol::acs::Message;
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};
use wharf_protocol::{api, json as wire};

pub const T0: Time = Time::from_millis(1_800_000_000_000);

/// A model with one cluster `c`, one subnet of five task addresses, and a turn.
pub struct World {
    pub model: Model,
    pub turn: Turn,
    sessions: u64,
    /// What the store would have: rows by table and key.
    pub saved: BTreeMap<(&'static str, String), String>,
}

/// Capabilities that every instance here has.
const CAPABILITIES: [&str; 5] = [
    "ecs.capability.task-eni",
    "ecs.capability.container-ordering",
    "ecs.capability.container-health-check",
    "ecs.capability.container-restart-policy",
    "com.amazonaws.ecs.capability.task-iam-role",
];

pub fn subnet() -> Subnet {
    Subnet::parse("subnet-1=10.0.0.0/29").unwrap()
}

pub fn world() -> World {
    let mut counter = 0u128;
    let random = move || {
        counter += 1;
        counter
    };
    let model =
        Model::new(Policy::new("eu-west-1", "111122223333"), vec![subnet()], Rows::default()).unwrap();
    let mut world =
        World { model, turn: Turn::new(T0, Box::new(random)), sessions: 0, saved: BTreeMap::new() };
    let cluster = Cluster { name: "c".into(), active: true, tags: Default::default(), settings: Vec::new() };
    world.model.clusters.put(cluster);
    world
}

impl World {
    /// An instance of one processor and 1024 MiB, with port 22 reserved.
    pub fn instance(&mut self, name: &str) -> ContainerInstanceArn {
        let arn = ContainerInstanceArn::build("eu-west-1", "111122223333", &format!("c/{name}")).unwrap();
        let reserved = Ports { tcp: [22].into(), udp: Default::default() };
        self.model.instances.put(Instance {
            arn: arn.clone(),
            cluster: "c".into(),
            status: InstanceStatus::Active,
            ec2_instance_id: None,
            version: 1,
            registered_at: T0,
            capacity: Capacity { cpu: 1024, memory: 1024, reserved },
            attributes: CAPABILITIES.iter().map(|name| ((*name).to_owned(), None)).collect(),
            tags: Default::default(),
            client_token: None,
            timeline: 0,
            agent: AgentVersion::default(),
        });
        arn
    }

    /// The instance's agent connects; what it is sent is the answer.
    pub fn connect(&mut self, instance: &ContainerInstanceArn) -> Vec<Message> {
        self.connect_asking(instance, false)
    }

    pub fn connect_asking(
        &mut self,
        instance: &ContainerInstanceArn,
        send_credentials: bool,
    ) -> Vec<Message> {
        self.sessions += 1;
        let hello = Hello {
            instance: instance.to_string(),
            cluster: "c".into(),
            send_credentials,
            agent: AgentVersion::default(),
        };
        self.model.connect(SessionId(self.sessions), &hello, &mut self.turn).unwrap();
        self.sent()
    }

    pub fn disconnect(&mut self, instance: &ContainerInstanceArn) {
        let id = self.model.live.sessions[instance].id;
        self.model.disconnect(instance, id, self.turn.now);
    }

    /// An instance whose agent is connected and was told what there is.
    pub fn connected_instance(&mut self, name: &str) -> ContainerInstanceArn {
        let arn = self.instance(name);
        self.connect(&arn);
        arn
    }

    /// Registers a definition from JSON.
    pub fn define(&mut self, document: Value) -> Definition {
        let request = wire::from_value(document).unwrap();
        let definition = Definition::register(request, 1, |revision| format!("arn:{revision}"), T0).unwrap();
        self.model.definitions.put(definition.clone());
        definition
    }

    pub fn order(&self, family: &str) -> Order {
        let definition = self.model.definition(family).unwrap();
        let awsvpc = definition.document.network_mode.as_deref() == Some("awsvpc");
        let network: api::NetworkConfiguration =
            wire::from_value(json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } })).unwrap();
        let launch =
            Launch { group: format!("family:{family}"), launch_type: "EC2".into(), ..Launch::default() };
        Order::new(&self.model, "c", Some(family), awsvpc.then_some(&network), launch).unwrap()
    }

    pub fn launch(&mut self, family: &str) -> Result<TaskArn, Vec<String>> {
        let order = self.order(family);
        let failures =
            |failures: Vec<api::Failure>| failures.into_iter().filter_map(|one| one.reason).collect();
        self.model.launch_anywhere(&order, &mut self.turn).map_err(failures)
    }

    /// Ends the turn: what agents are sent in it is the answer.
    pub fn sent(&mut self) -> Vec<Message> {
        self.model.plan(&mut self.turn);
        for change in self.model.take_changes() {
            let key = (change.table, change.key);
            match change.value {
                Some(value) => self.saved.insert(key, value),
                None => self.saved.remove(&key),
            };
        }
        std::mem::take(&mut self.model.live.outbox).into_iter().map(|delivery| delivery.message).collect()
    }

    /// The process ends here and now; the next one has what was saved.
    pub fn crash(&mut self) {
        let rows = Rows {
            clusters: self.rows(),
            definitions: self.rows(),
            instances: self.rows(),
            tasks: self.rows(),
            leases: self.rows(),
        };
        self.model = Model::new(self.model.policy.clone(), vec![subnet()], rows).unwrap();
    }

    fn rows<R: Record>(&self) -> Vec<R> {
        let of_table = self.saved.iter().filter(|((table, _), _)| *table == R::TABLE);
        of_table.map(|(_, value)| serde_json::from_str(value).unwrap()).collect()
    }

    /// Time goes by and a turn happens.
    pub fn sent_after(&mut self, span: Duration) -> Vec<Message> {
        self.turn.now = self.turn.now + span;
        self.sent()
    }

    pub fn task(&self, arn: &TaskArn) -> &Task {
        self.model.tasks.get(arn).unwrap()
    }

    pub fn report(&mut self, arn: &TaskArn, report: Report) {
        let now = self.turn.now;
        self.model.tasks.edit(arn).unwrap().apply(report, |_| true, now);
    }

    pub fn report_status(&mut self, arn: &TaskArn, status: Reported) {
        self.report(arn, Report { status: Some(status), ..Report::default() });
    }

    pub fn report_attached(&mut self, arn: &TaskArn) {
        let attachment = self.task(arn).interface.as_ref().unwrap().attachment.clone();
        self.report(arn, Report { attached: vec![attachment], ..Report::default() });
    }

    /// The agent acknowledges every message that asks for it.
    pub fn acknowledge(&mut self, instance: &ContainerInstanceArn, messages: &[Message]) {
        for message in messages {
            let id = match message {
                Message::PayloadMessage(payload) => payload.message_id.clone(),
                Message::AttachTaskNetworkInterfacesMessage(attach) => attach.message_id.clone(),
                Message::TaskManifestMessage(manifest) => manifest.message_id.clone(),
                _ => None,
            };
            if let Some(id) = id {
                self.model.acknowledge(instance, &id, self.turn.now);
            }
        }
    }
}

/// Names of the messages' types.
pub fn kinds(messages: &[Message]) -> Vec<&'static str> {
    messages.iter().map(Message::type_name).collect()
}

/// The tasks of all payloads as (ARN, desired status).
pub fn handed_over(messages: &[Message]) -> Vec<(String, String)> {
    let mut tasks = Vec::new();
    for message in messages {
        if let Message::PayloadMessage(payload) = message {
            let task = |task: &wharf_protocol::acs::Task| {
                (task.arn.clone().unwrap(), task.desired_status.clone().unwrap())
            };
            tasks.extend(payload.tasks.iter().map(task));
        }
    }
    tasks
}

pub fn bridge(family: &str) -> Value {
    json!({ "family": family, "containerDefinitions": [{ "name": "app", "image": "i", "memory": 100, "cpu": 100 }] })
}

pub fn awsvpc(family: &str) -> Value {
    let mut document = bridge(family);
    document["networkMode"] = json!("awsvpc");
    document
}

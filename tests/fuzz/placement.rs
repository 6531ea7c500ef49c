//! An instance for placement constraints to hold on, or not.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use wharf_control_plane::model::instance::{AgentVersion, Instance, InstanceStatus};
use wharf_control_plane::model::resources::Capacity;
use wharf_control_plane::model::time::Time;
use wharf_control_plane::scheduler::{Candidate, Expression};
use wharf_protocol::arn::ContainerInstanceArn;

static INSTANCE: LazyLock<Instance> = LazyLock::new(|| {
    let arn = "arn:aws:ecs:us-west-2:111122223333:container-instance/c1/i";
    let attribute = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    Instance {
        arn: ContainerInstanceArn::parse(arn).expect("a literal ARN"),
        cluster: "c1".to_owned(),
        status: InstanceStatus::Active,
        ec2_instance_id: Some("i-1".to_owned()),
        version: 1,
        registered_at: Time::from_millis(0),
        capacity: Capacity::default(),
        attributes: BTreeMap::from([attribute("disk", "ssd"), attribute("zone", "us-west-2a")]),
        tags: BTreeMap::new(),
        client_token: None,
        timeline: 0,
        agent: AgentVersion::default(),
    }
});

/// Whether it holds on an instance with a fast disk and three tasks.
pub fn holds(expression: &Expression) -> bool {
    let left = Capacity::default();
    expression.holds(&Candidate { instance: &INSTANCE, connected: true, left, group_tasks: 1, tasks: 3 })
}

//! Where tasks go, and the reasons when they go nowhere.

use super::pure::{World, awsvpc, bridge, world};
use serde_json::{Value, json};
use wharf_control_plane::model::instance::InstanceStatus;
use wharf_control_plane::scheduler::{Expression, Strategy};
use wharf_protocol::arn::{ContainerInstanceArn, TaskArn};

fn sized(family: &str, cpu: i64, memory: i64) -> Value {
    json!({ "family": family, "containerDefinitions": [{ "name": "a", "image": "i", "cpu": cpu, "memory": memory }] })
}

fn place(world: &World, task: &TaskArn) -> ContainerInstanceArn {
    world.task(task).instance.clone()
}

#[test]
fn cpu_memory_and_ports_of_tasks_that_are_not_stopped_count() {
    let mut world = world();
    world.connected_instance("i");
    world.define(sized("cpu", 600, 10));
    world.define(sized("memory", 1, 600));
    let mut ports = sized("ports", 1, 10);
    ports["containerDefinitions"][0]["portMappings"] = json!([{ "containerPort": 80, "hostPort": 8080 }]);
    world.define(ports);
    for (family, reason) in
        [("cpu", "RESOURCE:CPU"), ("memory", "RESOURCE:MEMORY"), ("ports", "RESOURCE:PORTS")]
    {
        let first = world.launch(family).unwrap();
        assert_eq!(world.launch(family), Err(vec![reason.to_owned()]), "{family}");
        world.sent();
        world.report_status(&first, wharf_control_plane::model::task::Reported::Stopped);
        world.launch(family).unwrap();
    }
}

#[test]
fn a_reserved_port_is_taken() {
    let mut world = world();
    world.connected_instance("i");
    let mut document = sized("ssh", 1, 10);
    document["containerDefinitions"][0]["portMappings"] = json!([{ "containerPort": 22, "hostPort": 22 }]);
    world.define(document);
    assert_eq!(world.launch("ssh"), Err(vec!["RESOURCE:PORTS".to_owned()]));
}

#[test]
fn ports_of_a_task_with_its_own_address_take_none_of_the_host() {
    let mut world = world();
    world.connected_instance("i");
    let mut document = awsvpc("net");
    document["containerDefinitions"][0]["portMappings"] = json!([{ "containerPort": 22 }]);
    world.define(document);
    world.launch("net").unwrap();
    world.launch("net").unwrap();
}

#[test]
fn a_task_size_counts_instead_of_the_sum_of_its_containers() {
    let mut world = world();
    world.connected_instance("i");
    let mut document = sized("big", 10, 10);
    document["cpu"] = json!("2 vCPU");
    world.define(document);
    assert_eq!(world.launch("big"), Err(vec!["RESOURCE:CPU".to_owned()]));
}

#[test]
fn a_missing_capability_is_a_reason() {
    let mut world = world();
    let instance = world.connected_instance("i");
    world.model.instances.edit(&instance).unwrap().attributes.remove("ecs.capability.task-eni");
    world.define(awsvpc("net"));
    world.define(bridge("plain"));
    assert_eq!(world.launch("net"), Err(vec!["ATTRIBUTE".to_owned()]));
    world.launch("plain").unwrap();
}

#[test]
fn an_instance_without_agent_or_in_draining_takes_nothing() {
    let mut world = world();
    let instance = world.instance("i");
    world.define(bridge("plain"));
    assert_eq!(world.launch("plain"), Err(vec!["AGENT".to_owned()]));
    world.connect(&instance);
    world.model.instances.edit(&instance).unwrap().status = InstanceStatus::Draining;
    assert_eq!(world.launch("plain"), Err(vec!["INACTIVE".to_owned()]));
}

#[test]
fn without_a_free_address_a_task_goes_nowhere() {
    let mut world = world();
    world.connected_instance("i");
    world.define(awsvpc("net"));
    for _ in 0..5 {
        world.launch("net").unwrap();
    }
    assert_eq!(world.launch("net"), Err(vec!["RESOURCE:ENI".to_owned()]));
}

#[test]
fn each_instance_gives_its_own_reason() {
    let mut world = world();
    world.instance("a-not-connected");
    world.connected_instance("b-too-small");
    world.define(sized("big", 2000, 10));
    assert_eq!(world.launch("big"), Err(vec!["AGENT".to_owned(), "RESOURCE:CPU".to_owned()]));
}

#[test]
fn a_task_started_on_a_named_instance_goes_there_or_nowhere() {
    let mut world = world();
    world.connected_instance("a");
    let b = world.connected_instance("b");
    world.define(bridge("plain"));
    let order = world.order("plain");
    let task = world.model.launch_on(&order, "b", &mut world.turn).unwrap();
    assert_eq!(place(&world, &task), b);
    let missing = world.model.launch_on(&order, "nowhere", &mut world.turn).unwrap_err();
    assert_eq!(missing[0].reason.as_deref(), Some("MISSING"));
}

/// Launches four tasks with a strategy over two instances; the answer counts tasks by instance.
fn spread_of(strategy: Strategy) -> Vec<usize> {
    let mut world = world();
    let instances = ["a", "b"].map(|name| world.connected_instance(name));
    world.define(sized("app", 100, 100));
    let mut order = world.order("app");
    order.wish.strategies = vec![strategy];
    let tasks: Vec<_> =
        (0..4).map(|_| world.model.launch_anywhere(&order, &mut world.turn).unwrap()).collect();
    instances
        .iter()
        .map(|instance| tasks.iter().filter(|task| place(&world, task) == *instance).count())
        .collect()
}

#[test]
fn spread_evens_out_and_binpack_fills_one_first() {
    assert_eq!(spread_of(Strategy::SpreadInstances), [2, 2]);
    for strategy in [Strategy::BinpackCpu, Strategy::BinpackMemory] {
        let mut counts = spread_of(strategy);
        counts.sort();
        assert_eq!(counts, [0, 4]);
    }
}

#[test]
fn distinct_instances_hold_one_task_of_the_group_each() {
    let mut world = world();
    world.connected_instance("a");
    world.connected_instance("b");
    world.define(bridge("app"));
    let mut order = world.order("app");
    order.wish.distinct_instance = true;
    let first = world.model.launch_anywhere(&order, &mut world.turn).unwrap();
    let second = world.model.launch_anywhere(&order, &mut world.turn).unwrap();
    assert_ne!(place(&world, &first), place(&world, &second));
    assert!(world.model.launch_anywhere(&order, &mut world.turn).is_err());
}

#[test]
fn expressions_select_instances_by_attribute() {
    let cases = [
        ("attribute:disk == ssd", true),
        ("attribute:disk != ssd", false),
        ("attribute:disk in [hdd, ssd]", true),
        ("attribute:disk !in [hdd, ssd]", false),
        ("attribute:disk =~ ss.*", true),
        ("attribute:disk exists and not attribute:gpu exists", true),
        ("attribute:gpu exists or attribute:disk == hdd", false),
        ("!(attribute:gpu exists)", true),
        ("agentConnected == true and runningTasksCount == 0", true),
    ];
    for (text, expected) in cases {
        let mut world = world();
        let instance = world.connected_instance("i");
        let attributes = &mut world.model.instances.edit(&instance).unwrap().attributes;
        attributes.insert("disk".into(), Some("ssd".into()));
        world.define(bridge("app"));
        let mut order = world.order("app");
        order.wish.member_of = vec![Expression::parse(text).unwrap()];
        assert_eq!(world.model.launch_anywhere(&order, &mut world.turn).is_ok(), expected, "{text}");
    }
}

#[test]
fn an_expression_that_is_not_understood_is_refused_not_ignored() {
    let deep = "not ".repeat(100) + "agentConnected == true";
    // As long as a request may be: read to its end, it would take minutes and more stack than a thread has.
    let long = "attribute:a exists and ".repeat(150_000) + "attribute:a exists";
    let texts = [
        "",
        "task:group == x",
        "attribute: == x",
        "attribute:a ~ b",
        "attribute:a == b and",
        "(attribute:a exists",
        "attribute:a exists )",
        "attribute:a in b",
        "attribute:a in [b",
        "attribute:a =~ a+b",
        &deep,
        &long,
    ];
    for text in texts {
        let error = Expression::parse(text).unwrap_err().to_string();
        assert!(error.len() < 3000, "{error}");
    }
}

//! What is announced: compared with what the Amazon ECS agent announced on a host like this one.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use wharf_agent::capabilities::{
    CAPABILITIES, FactsError, HostFacts, NothingLeft, Offer, attributes, host_resources, registration,
    user_agent,
};
use wharf_agent::config::{Settings, Sources, resolve};
use wharf_core::spec::Protocol;

/// Attributes of the recorded registration of amazon-ecs-agent 1.105.1, without those that its control plane added.
const AMAZON: &str = include_str!("amazon_attributes.txt");

#[test]
fn what_the_amazon_agent_announces_is_announced_or_withheld_with_a_reason() {
    let known = |name: &str| CAPABILITIES.iter().any(|capability| covers(capability.name, name));
    let forgotten: Vec<&str> =
        AMAZON.lines().filter(|name| !known(name) && !name.starts_with("ecs.os-")).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn the_difference_to_the_amazon_agent_is_exactly_this() {
    let ours: BTreeSet<String> = names(&given(&[]));
    let theirs: BTreeSet<String> = AMAZON.lines().map(str::to_owned).collect();
    let more: Vec<&str> = ours.difference(&theirs).map(String::as_str).collect();
    let expected = [
        "com.amazonaws.ecs.capability.privileged-container",
        "com.amazonaws.ecs.capability.task-iam-role",
        "ecs.cpu-architecture",
    ];
    assert_eq!(
        more, expected,
        "ours alone: two that the recorded agent had switched off, one that EC2 would tell"
    );
    let withheld: Vec<&str> = theirs.difference(&ours).map(String::as_str).collect();
    assert_eq!(withheld.join("\n") + "\n", include_str!("withheld.golden"));
    for name in withheld {
        let capability =
            CAPABILITIES.iter().find(|capability| capability.name == name).expect("it is in the table");
        assert!(matches!(capability.offer, Offer::Withheld(why) if !why.is_empty()), "{name}");
    }
}

#[test]
fn the_order_is_the_amazon_agents() {
    let ours: Vec<String> =
        attributes(&facts(), &given(&[]), true).into_iter().filter_map(|a| a.name).collect();
    let theirs: Vec<&str> = AMAZON.lines().filter(|name| ours.iter().any(|own| own == name)).collect();
    let common: Vec<&str> = ours.iter().map(String::as_str).filter(|name| theirs.contains(name)).collect();
    assert_eq!(common, theirs);
}

#[test]
fn no_attribute_is_sent_twice_and_only_some_have_values() {
    let sent = attributes(&facts(), &given(&[]), true);
    assert_eq!(names(&given(&[])).len(), sent.len());
    let valued: BTreeMap<_, _> = sent.into_iter().filter_map(|a| Some((a.name?, a.value?))).collect();
    let expected = [
        ("ecs.capability.cni-plugin-version", concat!("wharf-", env!("CARGO_PKG_VERSION"))),
        ("ecs.cpu-architecture", "x86_64"),
        ("ecs.os-family", "LINUX"),
        ("ecs.os-type", "linux"),
        ("ecs.os-type-detailed", "debian_12"),
    ];
    assert_eq!(valued, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn a_switch_withholds_what_it_names() {
    let cases = [
        ("ECS_DISABLE_PRIVILEGED", "true", "com.amazonaws.ecs.capability.privileged-container"),
        ("ECS_ENABLE_TASK_IAM_ROLE", "false", "com.amazonaws.ecs.capability.task-iam-role"),
        ("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "false", "ecs.capability.task-cpu-mem-limit"),
        ("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "false", "ecs.capability.increased-task-cpu-limit"),
        ("ECS_ENABLE_TASK_ENI", "false", "ecs.capability.task-eni"),
        ("ECS_ENABLE_TASK_ENI", "false", "ecs.capability.cni-plugin-version"),
        ("ECS_EXTERNAL", "true", "ecs.capability.task-eni.ipv6"),
        ("ECS_DISABLE_DOCKER_HEALTH_CHECK", "true", "ecs.capability.container-health-check"),
        (
            "ECS_AVAILABLE_LOGGING_DRIVERS",
            "[\"json-file\"]",
            "com.amazonaws.ecs.capability.logging-driver.none",
        ),
    ];
    for (key, value, name) in cases {
        assert!(names(&given(&[])).contains(name), "{name} is there without the switch");
        assert!(!names(&given(&[(key, value)])).contains(name), "{key} withholds {name}");
    }
    assert!(names(&given(&[("ECS_EXTERNAL", "true")])).contains("ecs.capability.external"));
}

#[test]
fn custom_attributes_come_first_and_with_the_first_registration_only() {
    let settings = given(&[("ECS_INSTANCE_ATTRIBUTES", "{\"stack\":\"prod\",\"bare\":\"\"}")]);
    let first = attributes(&facts(), &settings, true);
    let pair = |index: usize| (first[index].name.as_deref(), first[index].value.as_deref());
    assert_eq!((pair(0), pair(1)), ((Some("bare"), None), (Some("stack"), Some("prod"))));
    assert!(attributes(&facts(), &settings, false).iter().all(|a| a.name.as_deref() != Some("stack")));
}

#[test]
fn the_request_is_the_one_of_the_specification() {
    let settings = given(&[
        ("ECS_CLUSTER", "c1"),
        ("ECS_RESERVED_MEMORY", "256"),
        ("ECS_RESERVED_PORTS", "[22,80,22]"),
        ("ECS_CONTAINER_INSTANCE_TAGS", "{\"k\":\"v\"}"),
    ]);
    let request = registration(&facts(), &settings, Some("arn:x".to_owned()));
    let mut request = serde_json::to_value(request).expect("it is JSON");
    request.as_object_mut().expect("an object").remove("attributes").expect("they are sent");
    let expected = json!({
        "cluster": "c1", "containerInstanceArn": "arn:x",
        "instanceIdentityDocument": "", "instanceIdentityDocumentSignature": "",
        "tags": [{"key": "k", "value": "v"}],
        "totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 3744},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "80"]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
    });
    assert_eq!(request, expected);
    let first = serde_json::to_value(registration(&facts(), &given(&[]), None)).expect("it is JSON");
    assert_eq!(
        (first.get("containerInstanceArn"), first.get("tags"), first.get("cluster")),
        (None, None, None)
    );
    assert_ne!(first["attributes"], Value::Null);
}

#[test]
fn the_core_admits_by_the_numbers_that_are_registered() {
    let settings = given(&[("ECS_RESERVED_MEMORY", "256"), ("ECS_RESERVED_PORTS_UDP", "[53]")]);
    let resources = host_resources(&facts(), &settings).expect("there is enough");
    assert_eq!((resources.cpu, resources.memory), (2048, 3744));
    assert!(resources.reserved_ports.contains(&(Protocol::Udp, 53)));
    assert!(resources.reserved_ports.contains(&(Protocol::Tcp, 22)));
    let greedy = given(&[("ECS_RESERVED_MEMORY", "65535")]);
    let error = host_resources(&facts(), &greedy).expect_err("more than there is");
    assert_eq!(error, NothingLeft { reserved: 65_535, total: 4000 });
    assert_eq!(
        error.to_string(),
        "ECS_RESERVED_MEMORY keeps 65535 MiB from tasks, but this host has 4000 MiB in all"
    );
}

#[test]
fn the_host_is_read_from_its_files() {
    let root = tempfile::tempdir().expect("a directory");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it is made");
        fs::write(path, text).expect("it is written");
    };
    write("proc/meminfo", "MemTotal:       16384512 kB\nMemFree: 1 kB\n");
    write("proc/sys/kernel/random/boot_id", "c2a1\n");
    write("sys/devices/system/cpu/online", "0-3,8\n");
    write("etc/os-release", "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n");
    let facts = HostFacts::read(root.path()).expect("everything is there");
    assert_eq!((facts.cpus, facts.memory_mib), (5, 16_000), "MiB are rounded down");
    assert_eq!((facts.os_family.as_str(), facts.boot_id.as_str()), ("debian_12", "c2a1"));
    assert_eq!(user_agent(&facts), concat!("wharf-agent/", env!("CARGO_PKG_VERSION"), " (linux; debian_12)"));

    fs::remove_file(root.path().join("etc/os-release")).expect("it was there");
    assert_eq!(HostFacts::read(root.path()).expect("it is not needed").os_family, "LINUX");
    write("sys/devices/system/cpu/online", "3-0");
    let error = HostFacts::read(root.path()).expect_err("that is no set");
    assert!(error.to_string().ends_with("cpu/online does not tell which processors are online"), "{error}");
    fs::remove_file(root.path().join("proc/meminfo")).expect("it was there");
    assert!(matches!(HostFacts::read(root.path()), Err(FactsError::Unreadable { .. })));
}

#[test]
fn this_very_host_can_be_read() {
    let facts = wharf_agent::capabilities::read_host_facts().expect("tests run on Linux");
    assert!(facts.cpus > 0 && facts.memory_mib > 0 && facts.boot_id.len() == 36, "{facts:?}");
}

fn facts() -> HostFacts {
    HostFacts {
        cpus: 2,
        memory_mib: 4000,
        architecture: "x86_64".to_owned(),
        os_family: "debian_12".to_owned(),
        boot_id: String::new(),
    }
}

fn given(environment: &[(&str, &str)]) -> Settings {
    let region = [("AWS_DEFAULT_REGION", "us-west-2")];
    let all = region.iter().chain(environment);
    let environment = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    resolve(&Sources { environment, ..Sources::default() }).expect("the settings are right").settings
}

fn names(settings: &Settings) -> BTreeSet<String> {
    attributes(&facts(), settings, true).into_iter().filter_map(|attribute| attribute.name).collect()
}

/// A row that ends with a dot stands for one attribute a log driver.
fn covers(row: &str, name: &str) -> bool {
    row == name || (row.ends_with('.') && name.strip_prefix(row).is_some_and(|driver| !driver.contains('.')))
}

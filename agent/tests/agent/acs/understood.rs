//! What of a payload is understood: the example of the specification and every field that is honoured.

use super::{
    TASK, arn, container, docker, eni, example, minimal, other_task, payload, refused, running, task,
    unsupported, with,
};
use serde_json::{Value, json};
use std::time::Duration;
use wharf_agent::acs::credentials_ack;
use wharf_agent::endpoints::credentials::Role;
use wharf_core::event::Goal;
use wharf_core::spec::{
    Condition, Dependency, MountPoint, Network, PortMapping, Protocol, RestartPolicy, Ulimit, Volume,
};
use wharf_protocol::acs::Message;

/// The example of the specification, section 3.8, without a network: bridge is not there, and a role cannot be served on the host's.
#[test]
fn the_payload_of_the_specification_becomes_a_task() {
    let converted = payload(json!([example()]));
    let spec = running(&converted);
    assert_eq!(spec.arn.as_str(), TASK);
    assert_eq!((spec.family.as_str(), spec.version.as_str()), ("web", "7"));
    assert_eq!((spec.cpu, spec.memory), (Some(512), Some(512)));
    assert_eq!(spec.launch_type.as_deref(), Some("EC2"));
    assert_eq!(spec.network, Network::None);
    assert_eq!(spec.volumes["data"], Volume::Host { path: "/srv/data".to_owned() });
    assert_eq!(spec.credentials_id.as_deref(), Some("b6c7"));
    assert_eq!(spec.execution_credentials_id, None);
    let web = &spec.containers[0];
    assert_eq!(
        (web.name.as_str(), web.image.as_str(), web.essential),
        ("web", "public.ecr.aws/x/web:1", true)
    );
    assert_eq!((web.cpu, web.memory, web.memory_reservation), (256, Some(256), None));
    assert_eq!(web.process.environment["AWS_EXECUTION_ENV"], "AWS_ECS_EC2");
    assert_eq!(web.process.command, None, "absent means the image's");
    assert_eq!(
        web.port_mappings,
        [PortMapping { container_port: 80, host_port: None, protocol: Protocol::Tcp }]
    );
    let mount =
        MountPoint { volume: "data".to_owned(), container_path: "/data".to_owned(), read_only: false };
    assert_eq!(web.mount_points, [mount]);
    let check = web.health_check.as_ref().expect("it has one");
    assert_eq!(check.command, ["true"]);
    assert_eq!((check.interval, check.timeout), (Duration::from_secs(30), Duration::from_secs(5)));
    assert_eq!((check.retries, check.start_period), (3, Duration::ZERO));
    assert_eq!(web.metadata_id, "id-1");
}

#[test]
fn a_role_on_the_hosts_network_is_refused_because_nothing_could_serve_it() {
    let role = json!({"networkMode": "host", "roleCredentials": {"credentialsId": "c-1"}});
    assert_eq!(refused(role), unsupported("roleCredentials with networkMode host"));
}

#[test]
fn credentials_are_kept_apart_and_cannot_be_printed() {
    let converted = payload(json!([example()]));
    let [role] = converted.credentials.as_slice() else { panic!("one role") };
    assert_eq!((role.id.as_str(), role.credentials.role), ("b6c7", Role::Task));
    assert_eq!(role.credentials.secret_access_key.expose(), "hunter2");
    let printed = format!("{converted:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("swordfish"), "{printed}");
    let ack = credentials_ack("m-1", role);
    let Message::IAMRoleCredentialsAckRequest(ack) = ack else { panic!("another message") };
    assert_eq!(ack.message_id.as_deref(), Some("m-1"));
    assert_eq!(ack.credentials_id.as_deref(), Some("b6c7"));
    assert_eq!(ack.expiration.as_deref(), Some("2026-09-01T06:17:19Z"));
}

#[test]
fn an_awsvpc_task_gets_its_interface() {
    let spec = task(json!({"networkMode": "awsvpc", "elasticNetworkInterfaces": [eni()]}));
    let Network::Awsvpc(interface) = &spec.network else { panic!("awsvpc") };
    assert_eq!(interface.mac, "0a:58:0a:00:02:6a", "in lower case");
    let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.0.2.106", "10.0.2.107", "fd00::6a"], "the primary one first");
    assert_eq!(interface.gateway4.expect("it has one").to_string(), "10.0.2.1/24");
    assert_eq!(interface.dns_servers, ["10.0.0.2"]);
    assert_eq!(interface.private_dns_name.as_deref(), Some("ip-10-0-2-106.internal"));
    assert_eq!(interface.attachment_arn.as_deref(), Some("arn:aws:ecs:us-west-2:111122223333:attachment/a1"));
}

#[test]
fn an_interface_without_ipv4_needs_the_ipv6_gateway() {
    let eni = with(eni(), json!({"ipv4Addresses": [], "subnetGatewayIpv4Address": null}));
    let given = |eni: &Value| json!({"networkMode": "awsvpc", "elasticNetworkInterfaces": [eni]});
    assert!(refused(given(&eni)).contains("elasticNetworkInterfaces[0].subnetGatewayIpv6Address is missing"));
    let eni = with(eni, json!({"subnetGatewayIpv6Address": "fd00::1/64"}));
    assert!(matches!(task(given(&eni)).network, Network::Awsvpc(_)));
}

#[test]
fn keys_of_docker_config_match_whatever_their_case_and_win_over_the_containers_own() {
    let spec = container(json!({
        "command": ["own"], "entryPoint": ["/own"], "image": "own:1", "memory": 64,
        "dockerConfig": docker(
            json!({"user": "1000:1000", "WORKINGDIR": "/w", "Cmd": ["docker"], "Image": "docker:1", "Tty": true,
                   "OpenStdin": true, "Labels": {"a": "b"}, "StopSignal": "SIGQUIT", "Env": ["A=b=c"],
                   "AttachStdout": true, "MacAddress": ""}),
            json!({"Privileged": true, "ReadonlyRootfs": true, "CapAdd": ["CAP_net_admin"], "CapDrop": ["ALL"],
                   "Init": true, "ShmSize": 1048576, "Tmpfs": {"/t": "size=1m"}, "Sysctls": {"net.core.somaxconn": "9"},
                   "Ulimits": [{"Name": "NOFILE", "Soft": 1, "Hard": 2}], "SecurityOpt": ["no-new-privileges:true"],
                   "Devices": [{"PathOnHost": "/dev/null"}], "ExtraHosts": ["db:10.0.0.5", "six:[fd00::1]"],
                   "MemoryReservation": 33554433, "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
                   "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}}),
        ),
    }));
    let process = &spec.process;
    assert_eq!(process.command.as_deref(), Some(["docker".to_owned()].as_slice()));
    assert_eq!(process.entry_point.as_deref(), Some(["/own".to_owned()].as_slice()));
    assert_eq!(spec.image, "docker:1");
    assert_eq!(process.environment["A"], "b=c");
    assert_eq!(
        (process.user.as_deref(), process.working_directory.as_deref()),
        (Some("1000:1000"), Some("/w"))
    );
    assert!(process.privileged && process.readonly_root && process.tty && process.open_stdin && process.init);
    assert!(process.no_new_privileges);
    assert_eq!(
        (process.cap_add.as_slice(), process.cap_drop.as_slice()),
        (["NET_ADMIN".to_owned()].as_slice(), ["ALL".to_owned()].as_slice())
    );
    assert_eq!(process.ulimits, [Ulimit { name: "nofile".to_owned(), soft: 1, hard: 2 }]);
    assert_eq!((process.shm_size, process.tmpfs["/t"].as_str()), (Some(1 << 20), "size=1m"));
    assert_eq!(process.devices[0].container_path, "/dev/null");
    assert_eq!(process.devices[0].permissions, "rwm");
    assert_eq!(process.extra_hosts[1], ("six".to_owned(), "fd00::1".to_owned()));
    assert_eq!(process.stop_signal.as_deref(), Some("SIGQUIT"));
    assert_eq!(spec.memory_reservation, Some(33), "rounded up to MiB");
    assert_eq!((spec.log.driver.as_str(), spec.log.options["max-size"].as_str()), ("json-file", "1m"));
}

#[test]
fn overrides_replace_the_command() {
    let spec = container(json!({"command": ["a"], "overrides": "{\"command\":[\"b\",\"c\"]}"}));
    assert_eq!(spec.process.command.as_deref(), Some(["b".to_owned(), "c".to_owned()].as_slice()));
    let inline = container(json!({"command": ["a"], "overrides": {"Command": ["d"]}}));
    assert_eq!(inline.process.command.as_deref(), Some(["d".to_owned()].as_slice()));
    let both = json!({"overrides": "{\"command\":[\"b\"]}", "dockerConfig": docker(json!({"Cmd": ["c"]}), json!({}))});
    let both = container(both).process.command;
    assert_eq!(both.as_deref(), Some(["c".to_owned()].as_slice()), "dockerConfig is laid over everything");
    let empty = container(json!({"command": ["a"], "overrides": "{}"}));
    assert_eq!(empty.process.command.as_deref(), Some(["a".to_owned()].as_slice()));
}

#[test]
fn small_memory_is_raised_and_zero_is_no_limit() {
    assert_eq!(container(json!({"memory": 1})).memory, Some(4));
    assert_eq!(container(json!({"memory": 0})).memory, None);
    assert_eq!(task(json!({"cpu": 0.25, "memory": 0})).cpu, Some(256));
    assert_eq!(task(json!({"cpu": 0.0001})).cpu, Some(1), "a limit stays a limit");
}

#[test]
fn timeouts_are_seconds_and_zero_is_the_hosts_default() {
    let spec = container(json!({"startTimeout": 5, "stopTimeout": 0}));
    assert_eq!((spec.start_timeout, spec.stop_timeout), (Some(Duration::from_secs(5)), None));
}

#[test]
fn dependencies_are_read() {
    let containers = json!([
        {"name": "a", "image": "i", "dependsOn": [{"containerName": "b", "condition": "HEALTHY"}]},
        {"name": "b", "image": "i"},
    ]);
    let spec = task(json!({"containers": containers}));
    let dependency = Dependency { container: "b".to_owned(), condition: Condition::Healthy };
    assert_eq!(spec.containers[0].depends_on, [dependency]);
    assert_eq!(spec.containers[1].metadata_id, "id-2", "each container has an id of its own");
}

#[test]
fn health_checks_have_dockers_defaults_and_forms() {
    let check = |config: Value| {
        let docker = json!({"config": json!({"HealthCheck": config}).to_string(), "hostConfig": "{}"});
        container(json!({"healthCheckType": "docker", "dockerConfig": docker})).health_check
    };
    let shell = check(json!({"Test": ["CMD-SHELL", "exit 0"]})).expect("it has one");
    assert_eq!(shell.command, ["/bin/sh", "-c", "exit 0"]);
    assert_eq!((shell.interval, shell.timeout), (Duration::from_secs(30), Duration::from_secs(30)));
    assert_eq!((shell.retries, shell.start_period), (3, Duration::ZERO));
    assert_eq!(check(json!({"Test": ["NONE"]})), None);
    let unasked = json!({"config": "{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}", "hostConfig": ""});
    assert_eq!(
        container(json!({"dockerConfig": unasked})).health_check,
        None,
        "nobody would hear of its result"
    );
}

#[test]
fn volumes_are_directories_of_the_host_or_of_the_task() {
    let volumes = json!([
        {"name": "a", "type": "host", "host": {}},
        {"name": "b", "host": {"sourcePath": ""}},
        {"name": "c", "type": "host", "host": {"sourcePath": "/srv"}},
    ]);
    let spec = task(json!({"volumes": volumes}));
    assert_eq!((&spec.volumes["a"], &spec.volumes["b"]), (&Volume::Task, &Volume::Task));
    assert_eq!(spec.volumes["c"], Volume::Host { path: "/srv".to_owned() });
}

#[test]
fn tasks_to_stop_come_first_and_need_nothing_but_their_name() {
    let stop = json!({"arn": other_task("b"), "desiredStatus": "STOPPED", "containers": [{"secrets": [{}]}]});
    let converted = payload(json!([minimal(), stop]));
    assert_eq!(converted.goals[0], Goal::Stop(arn(&other_task("b"))));
    assert!(matches!(&converted.goals[1], Goal::Run(_)));
    assert_eq!(converted.refused(), 0);
}

#[test]
fn ports_of_a_host_task_are_the_hosts() {
    let mapped = |mode: &str, mapping: Value| {
        let containers = json!([{"name": "a", "image": "i", "portMappings": [mapping]}]);
        task(json!({"networkMode": mode, "containers": containers})).containers[0].port_mappings[0]
    };
    let udp = mapped("none", json!({"containerPort": 53, "protocol": "udp"}));
    assert_eq!(udp, PortMapping { container_port: 53, host_port: None, protocol: Protocol::Udp });
    assert_eq!(mapped("host", json!({"containerPort": 53, "hostPort": 0})).host_port, Some(53));
}

#[test]
fn a_restart_policy_is_taken_over_when_it_is_in_force() {
    let policy = |value: Value| container(json!({ "restartPolicy": value })).restart;
    assert_eq!(policy(json!({"enabled": false, "restartAttemptPeriod": 60})), None);
    assert_eq!(policy(json!({})), None);
    let own = json!({"enabled": true, "restartAttemptPeriod": 2, "ignoredExitCodes": [0, 3, 3]});
    let expected = RestartPolicy { ignored_exit_codes: [0, 3].into(), period: Duration::from_secs(2) };
    assert_eq!(policy(own), Some(expected));
    assert_eq!(policy(json!({"enabled": true})).unwrap().period, Duration::from_secs(300));
}

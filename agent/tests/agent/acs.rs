//! The edge: the payload of the specification becomes goals, and what cannot be honoured refuses its task by name.

use serde_json::{Value, json};
use std::time::Duration;
use wharf_agent::acs::{
    Converted, Policy, Refusal, convert, credentials_ack, interface_assigned, manifest_received,
    reply_message, report, role_credentials, stops_verified,
};
use wharf_agent::endpoints::credentials::Role;
use wharf_core::effect::Reply;
use wharf_core::event::{Desired, Event, Goal};
use wharf_core::reason::{Reason, ReasonCode};
use wharf_core::report::{AttachmentReport, ContainerReport, Status, TaskReport};
use wharf_core::spec::{
    Condition, Dependency, MountPoint, Network, PortMapping, Protocol, RestartPolicy, TaskSpec, Ulimit,
    Volume,
};
use wharf_core::time::Timestamp;
use wharf_protocol::acs::{AttachTaskNetworkInterfacesMessage, Message, PayloadMessage};
use wharf_protocol::arn::TaskArn;
use wharf_protocol::json as wire;

const TASK: &str = "arn:aws:ecs:us-west-2:111122223333:task/c1/0123456789abcdef0123456789abcdef";
const CLUSTER: &str = "arn:aws:ecs:us-west-2:111122223333:cluster/c1";
const INSTANCE: &str = "arn:aws:ecs:us-west-2:111122223333:container-instance/c1/9f8e";

// ---- what is understood ----

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

// ---- what is refused ----

#[test]
fn one_bad_task_does_not_touch_the_others() {
    let bad = with(minimal(), json!({"arn": other_task("b"), "networkMode": "bridge"}));
    let converted = payload(json!([bad, minimal()]));
    assert_eq!(converted.refused(), 1);
    assert!(matches!(&converted.goals[0], Goal::Refuse(arn, _) if arn.as_str() == other_task("b")));
    assert!(matches!(&converted.goals[1], Goal::Run(_)));
}

#[test]
fn bridge_is_refused_with_what_to_use() {
    let reason = refused(json!({"networkMode": null}));
    assert_eq!(
        reason,
        "UnrecogniedTaskError: Error loading task - networkMode bridge is not supported by this agent yet; use awsvpc, \
         host or none"
    );
    assert_eq!(refused(json!({"networkMode": "bridge"})), reason);
    assert!(
        refused(json!({"networkMode": "nat"}))
            .ends_with("networkMode is \"nat\": expected awsvpc, host or none")
    );
}

#[test]
fn every_field_of_a_task_that_is_not_honoured_is_refused_by_name() {
    let cases = [
        ("associations", json!([{"name": "gpu-1", "type": "gpu"}])),
        ("attachments", json!([{"attachmentType": "amazonebs"}])),
        ("pidMode", json!("task")),
        ("ipcMode", json!("host")),
        ("proxyConfiguration", json!({"type": "APPMESH"})),
        ("enableFaultInjection", json!(true)),
    ];
    for (field, value) in cases {
        assert_eq!(refused(json!({ field: value })), unsupported(field));
    }
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

#[test]
fn every_field_of_a_container_that_is_not_honoured_is_refused_by_name() {
    let cases = [
        ("secrets", json!([{"name": "A", "valueFrom": "x"}])),
        ("environmentFiles", json!([{"type": "s3", "value": "arn:aws:s3:::b/k"}])),
        ("credentialSpecs", json!(["credentialspec:x"])),
        ("firelensConfiguration", json!({"type": "fluentbit"})),
        ("links", json!(["db"])),
        ("logsAuthStrategy", json!("ExecutionRole")),
        ("managedAgents", json!([{"name": "ExecuteCommandAgent"}])),
        ("registryAuthentication", json!({"type": "ecr"})),
        ("volumesFrom", json!([{"sourceContainer": "b"}])),
    ];
    for (field, value) in cases {
        assert_eq!(
            refused_container(json!({ field: value })),
            unsupported(&format!("containers[web].{field}"))
        );
    }
    let range = json!({"portMappings": [{"containerPortRange": "80-90"}]});
    assert_eq!(refused_container(range), unsupported("containers[web].portMappings[].containerPortRange"));
    assert_eq!(
        refused_container(json!({"overrides": "{\"cpu\":1}"})),
        unsupported("containers[web].overrides.cpu")
    );
}

#[test]
fn every_volume_that_is_not_a_directory_is_refused_by_name() {
    for kind in ["docker", "efs", "fsxWindowsFileServer", "ebs", "logDriverOutput"] {
        let reason = refused(json!({"volumes": [{"name": "v", "type": kind}]}));
        assert_eq!(reason, unsupported(&format!("volumes[v].type {kind}")));
    }
    let untyped = json!({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]});
    assert_eq!(refused(untyped), unsupported("volumes[v].efsVolumeConfiguration"));
    assert!(refused(json!({"volumes": [{"name": "v"}]})).ends_with("volumes[v].host is missing"));
    let escape = json!({"volumes": [{"name": "../v", "host": {}}]});
    assert!(refused(escape).contains("volumes[].name is \"../v\""));
    let climb = json!({"volumes": [{"name": "v", "host": {"sourcePath": "/srv/../etc"}}]});
    assert!(refused(climb).contains("expected an absolute path without '..'"));
}

#[test]
fn a_mount_of_an_unknown_volume_is_a_host_config_error() {
    let mount = |mount: Value| refused_container(json!({"mountPoints": [mount]}));
    assert_eq!(
        mount(json!({"sourceVolume": "v", "containerPath": "/v"})),
        "HostConfigError: container web mounts volume \"v\", which the task does not have"
    );
    assert!(mount(json!({"sourceVolume": "", "containerPath": "/v"})).starts_with("HostConfigError: "));
    let pathless = json!({"sourceVolume": "v"});
    let containers = json!([{"name": "web", "image": "i", "mountPoints": [pathless]}]);
    let reason = refused(json!({"volumes": [{"name": "v", "host": {}}], "containers": containers}));
    assert_eq!(
        reason,
        "HostConfigError: container web mounts volume \"v\" at \"\", which is not an absolute path without '..'"
    );
}

#[test]
fn a_key_of_docker_config_that_nobody_would_honour_is_refused_unless_it_says_nothing() {
    let config =
        |config: Value, host: Value| refused_container(json!({"dockerConfig": docker(config, host)}));
    assert_eq!(
        config(json!({"NetworkDisabled": true}), json!({})),
        "DockerClientConfigError: container web: config.NetworkDisabled is not supported by this agent yet"
    );
    for (key, value) in [
        ("Dns", json!(["1.1.1.1"])),
        ("MemorySwap", json!(-1)),
        ("PidsLimit", json!(5)),
        ("Binds", json!(["/:/host"])),
        ("VolumesFrom", json!(["x"])),
        ("FutureThing", json!({"a": 1})),
    ] {
        let expected =
            format!("HostConfigError: container web: hostConfig.{key} is not supported by this agent yet");
        assert_eq!(config(json!({}), json!({ key: value })), expected);
    }
    container(json!({"dockerConfig": docker(
        json!({"Domainname": "", "NetworkDisabled": false, "Volumes": null}),
        json!({"Dns": [], "PidsLimit": 0, "RestartPolicy": {"Name": ""}, "NetworkMode": "host"}),
    )}));
}

#[test]
fn docker_config_that_cannot_be_read_is_refused_without_being_repeated() {
    let config = |config: &str, host: &str| {
        refused_container(json!({"dockerConfig": {"config": config, "hostConfig": host}}))
    };
    let text = config("{\"Env\":[\"hunter2\"", "{}");
    assert_eq!(
        text,
        "DockerClientConfigError: container web: dockerConfig.config cannot be read: not a JSON object"
    );
    assert!(
        config("{}", "[]")
            .starts_with("HostConfigError: container web: dockerConfig.hostConfig cannot be read")
    );
    let text = config("{\"Tty\":\"hunter2\"}", "{}");
    assert!(text.starts_with("DockerClientConfigError: ") && !text.contains("hunter2"), "{text}");
}

#[test]
fn host_config_that_makes_no_sense_is_refused_with_the_reason() {
    let host = |host: Value| refused_container(json!({"dockerConfig": docker(json!({}), host)}));
    let cases = [
        (
            json!({"SecurityOpt": ["seccomp=unconfined"]}),
            "hostConfig.SecurityOpt \"seccomp=unconfined\" is not supported",
        ),
        (json!({"ExtraHosts": ["db"]}), "hostConfig.ExtraHosts \"db\" is not of the form host:address"),
        (json!({"ExtraHosts": ["db\n:1.1.1.1"]}), "is not of the form host:address"),
        (json!({"Ulimits": [{"Name": "nofile", "Soft": 3, "Hard": 2}]}), "makes no sense"),
        (json!({"Devices": [{"PathOnHost": "dev"}]}), "hostConfig.Devices: \"dev\""),
        (json!({"CapAdd": ["SYS ADMIN"]}), "\"SYS ADMIN\" is not a capability"),
        (json!({"Tmpfs": {"t": ""}}), "hostConfig.Tmpfs \"t\""),
        (json!({"ShmSize": -1}), "hostConfig.ShmSize -1 is negative"),
        (
            json!({"NetworkMode": "bridge"}),
            "hostConfig.NetworkMode \"bridge\" is not the network mode of the task",
        ),
        (
            json!({"LogConfig": {"Type": "awslogs"}}),
            "container web logs with \"awslogs\", which this agent does not offer; it offers json-file, none",
        ),
    ];
    for (given, expected) in cases {
        let reason = host(given);
        assert!(
            reason.starts_with("HostConfigError: container web") && reason.contains(expected),
            "{reason}"
        );
    }
}

#[test]
fn health_checks_that_cannot_run_are_refused() {
    let check = |config: Value| {
        refused_container(json!({"healthCheckType": "docker", "dockerConfig": docker(config, json!({}))}))
    };
    let name = "DockerClientConfigError: container web: ";
    assert_eq!(check(json!({})), format!("{name}healthCheckType is docker, but config has no HealthCheck"));
    assert_eq!(
        check(json!({"HealthCheck": {"Test": ["CMD"]}})),
        format!("{name}HealthCheck.Test CMD needs a command")
    );
    let unknown = check(json!({"HealthCheck": {"Test": ["RUN", "x"]}}));
    assert_eq!(unknown, format!("{name}HealthCheck.Test begins with none of CMD, CMD-SHELL and NONE"));
    assert!(check(json!({"HealthCheck": {}})).contains("the image's own health check is not supported yet"));
    assert!(
        check(json!({"HealthCheck": {"Test": ["CMD", "x"], "Interval": -1}}))
            .contains("Interval is negative")
    );
    let kind = refused_container(json!({"healthCheckType": "Docker"}));
    assert!(kind.ends_with("containers[web].healthCheckType is \"Docker\": expected docker"));
}

#[test]
fn values_without_meaning_are_refused_by_name() {
    let cases = [
        (json!({"containers": []}), "containers is missing"),
        (json!({"containers": [{"image": "i"}]}), "containers[].name is missing"),
        (json!({"containers": [{"name": "a/b", "image": "i"}]}), "containers[].name is \"a/b\""),
        (json!({"containers": [{"name": "a"}]}), "containers[a].image is missing"),
        (
            json!({"containers": [{"name": "a", "image": "i"}, {"name": "a", "image": "i"}]}),
            "a name that no other container has",
        ),
        (json!({"cpu": -1}), "cpu is \"-1\": expected a number of vCPUs"),
        (json!({"memory": -5}), "memory is \"-5\": expected a number of MiB"),
        (json!({"desiredStatus": null}), "desiredStatus is missing"),
        (json!({"desiredStatus": "PAUSED"}), "desiredStatus is \"PAUSED\": expected RUNNING or STOPPED"),
        (json!({"desiredStatus": "CREATED"}), "desiredStatus CREATED is not supported by this agent yet"),
        (json!({"roleCredentials": {}}), "roleCredentials.credentialsId is missing"),
        (json!({"networkMode": "awsvpc"}), "elasticNetworkInterfaces is missing"),
    ];
    for (given, expected) in cases {
        let reason = refused(given);
        assert!(
            reason.starts_with("UnrecogniedTaskError: Error loading task - ") && reason.contains(expected),
            "{reason}"
        );
    }
    let cases = [
        (json!({"portMappings": [{"containerPort": 70000}]}), "a port from 1 to 65535"),
        (json!({"portMappings": [{"containerPort": 80, "protocol": "sctp"}]}), "expected tcp or udp"),
        (
            json!({"portMappings": [{"containerPort": 80, "hostPort": 81}]}),
            "because the network mode is host",
        ),
        (
            json!({"dependsOn": [{"containerName": "b", "condition": "READY"}]}),
            "expected START, COMPLETE, SUCCESS or HEALTHY",
        ),
        (json!({"overrides": ""}), "containers[web].overrides is \"\""),
        (json!({"image": "a b"}), "expected an image reference"),
        (json!({"environment": {"A=B": "x"}}), "containers[web].environment is \"A=B\""),
        (json!({"memory": -1}), "containers[web].memory is \"-1\""),
        (json!({"stopTimeout": -1}), "containers[web].stopTimeout is \"-1\""),
        (
            json!({"restartPolicy": {"enabled": true, "restartAttemptPeriod": -1}}),
            "containers[web].restartPolicy.restartAttemptPeriod is \"-1\"",
        ),
        (
            json!({"restartPolicy": {"enabled": true, "ignoredExitCodes": [1_i64 << 40]}}),
            "containers[web].restartPolicy.ignoredExitCodes is \"1099511627776\": expected exit codes",
        ),
    ];
    for (given, expected) in cases {
        let reason = refused_container(given);
        assert!(reason.contains(expected), "{reason}");
    }
    let larger = json!({"memory": 100, "containers": [{"name": "a", "image": "i", "memory": 200}]});
    assert!(refused(larger).contains("containers[a].memory is \"200\": expected at most the task's 100 MiB"));
}

#[test]
fn an_interface_that_the_kernel_would_not_take_is_refused_by_field() {
    let cases = [
        (json!({"macAddress": "01:00:5e:00:00:01"}), "macAddress is"),
        (json!({"macAddress": "0a:58"}), "macAddress is"),
        (json!({"ec2Id": ""}), "ec2Id is missing"),
        (json!({"ipv4Addresses": [{"privateAddress": "10.0.2"}]}), "ipv4Addresses is \"10.0.2\""),
        (json!({"ipv4Addresses": [], "ipv6Addresses": []}), "ipv4Addresses is missing"),
        (json!({"subnetGatewayIpv4Address": "10.0.2.1"}), "such as 10.0.2.1/24"),
        (json!({"subnetGatewayIpv4Address": null}), "subnetGatewayIpv4Address is missing"),
        (json!({"domainNameServers": ["1.1.1.1\noptions x"]}), "domainNameServers is"),
        (json!({"domainName": ["a b"]}), "expected a domain name"),
        (
            json!({"interfaceAssociationProtocol": "vlan"}),
            "interfaceAssociationProtocol vlan is not supported",
        ),
    ];
    for (given, expected) in cases {
        let eni = with(eni(), given);
        let reason = refused(json!({"networkMode": "awsvpc", "elasticNetworkInterfaces": [eni]}));
        assert!(reason.contains("elasticNetworkInterfaces[0].") && reason.contains(expected), "{reason}");
    }
    let two = refused(json!({"networkMode": "awsvpc", "elasticNetworkInterfaces": [eni(), eni()]}));
    assert_eq!(two, unsupported("elasticNetworkInterfaces with more than one interface"));
}

#[test]
fn an_id_that_would_leave_its_directory_is_refused() {
    for id in ["..", ".hidden", "-x", &"a".repeat(65)] {
        let given = with(minimal(), json!({"arn": other_task(id)}));
        let converted = payload(json!([given]));
        assert!(
            matches!(&converted.goals[0], Goal::Refuse(_, reason) if reason.detail.contains("expected an id of")),
            "{id}"
        );
    }
}

#[test]
fn a_task_without_a_usable_name_can_only_be_counted() {
    let converted =
        payload(json!([{"desiredStatus": "RUNNING"}, with(minimal(), json!({"arn": "web"})), null]));
    assert_eq!((converted.goals.len(), converted.refused()), (0, 3));
    assert_eq!(converted.nameless[0].to_string(), "arn is missing");
    assert!(matches!(&converted.nameless[1], Refusal::Wrong { field, .. } if field == "arn"));
}

#[test]
fn what_the_operator_switched_off_is_refused_with_the_switch() {
    let off = Policy { privileged: false, task_eni: false, health_check: false, ..policy() };
    let reason = |change: Value| {
        let converted = convert_with(&off, json!([with(minimal(), change)]));
        let Goal::Refuse(_, reason) = &converted.goals[0] else { panic!("it is refused") };
        reason.to_string()
    };
    let privileged = json!([{"name": "web", "image": "i", "dockerConfig": docker(json!({}), json!({"Privileged": true}))}]);
    assert!(reason(json!({"containers": privileged})).contains("ECS_DISABLE_PRIVILEGED"));
    assert!(reason(json!({"networkMode": "awsvpc"})).contains("ECS_ENABLE_TASK_ENI"));
    let checked = json!([{"name": "web", "image": "i", "healthCheckType": "docker"}]);
    assert!(reason(json!({"containers": checked})).contains("ECS_DISABLE_DOCKER_HEALTH_CHECK"));
}

// ---- other messages ----

#[test]
fn an_announced_interface_lapses_after_its_wait() {
    let message = json!({"messageId": "m-1", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "taskArn": TASK,
        "waitTimeoutMs": 5000, "elasticNetworkInterfaces": [eni()]});
    let event =
        interface_assigned(&read(message.clone()), Timestamp::from_millis(1000)).expect("it is right");
    let Event::InterfaceAssigned { message_id, attachment } = event else { panic!("another event") };
    assert_eq!((message_id.as_str(), attachment.task.as_str()), ("m-1", TASK));
    assert_eq!(attachment.expires_at, Timestamp::from_millis(6000));
    for change in
        [json!({"waitTimeoutMs": 0}), json!({"taskArn": "x"}), json!({"elasticNetworkInterfaces": []})]
    {
        let wrong: AttachTaskNetworkInterfacesMessage = read(with(message.clone(), change));
        interface_assigned(&wrong, Timestamp::default()).expect_err("it is wrong");
    }
}

#[test]
fn a_manifest_says_which_tasks_are_wanted() {
    let message = json!({"messageId": "m-1", "timeline": 7, "tasks": [
        {"taskArn": TASK, "desiredStatus": "RUNNING"},
        {"taskArn": other_task("b"), "desiredStatus": "STOPPED"},
        {"taskArn": "unreadable", "desiredStatus": "RUNNING"},
    ]});
    let event = manifest_received(&read(message)).expect("it is right");
    let tasks = [(arn(TASK), Desired::Running), (arn(&other_task("b")), Desired::Stopped)].into();
    assert_eq!(event, Event::ManifestReceived { message_id: "m-1".to_owned(), timeline: 7, tasks });
    manifest_received(&read(json!({"messageId": "m-1"}))).expect_err("it has no timeline");
}

#[test]
fn verified_stops_are_an_event() {
    let event = stops_verified(&read(json!({"messageId": "m-1", "stopTasks": [{"taskArn": TASK}]})))
        .expect("it is right");
    assert_eq!(event, Event::StopsVerified { message_id: "m-1".to_owned(), tasks: vec![arn(TASK)] });
}

#[test]
fn renewed_credentials_name_their_task_and_role() {
    let message = |role: &str| {
        json!({"messageId": "m-1", "taskArn": TASK, "roleType": role,
        "roleCredentials": {"credentialsId": "b6c7", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "hunter2"}})
    };
    let role = |role: &str| role_credentials(&read(message(role))).map(|renewed| renewed.credentials.role);
    assert_eq!(role("TaskApplication"), Ok(Role::Task));
    assert_eq!(role("TaskExecution"), Ok(Role::Execution));
    assert!(role("Other").is_err());
}

#[test]
fn replies_bear_the_names_of_the_message_they_answer() {
    let ack = reply_message(Reply::Ack { message_id: "m-1".to_owned() }, CLUSTER, INSTANCE);
    let expected = json!({"cluster": CLUSTER, "containerInstance": INSTANCE, "messageId": "m-1"});
    assert_eq!(serde_json::to_value(&ack).expect("it is JSON"), expected);
    let stops = Reply::VerifyStops { message_id: "m-2".to_owned(), candidates: vec![arn(TASK)] };
    let expected = json!({"messageId": "m-2", "stopCandidates": [
        {"taskArn": TASK, "taskClusterArn": CLUSTER, "desiredStatus": "STOPPED"}]});
    assert_eq!(serde_json::to_value(reply_message(stops, CLUSTER, INSTANCE)).expect("it is JSON"), expected);
}

// ---- reports ----

#[test]
fn a_report_becomes_the_request_of_the_specification() {
    let at = |millis| Some(Timestamp::from_millis(millis));
    let container = ContainerReport {
        name: "web".to_owned(),
        status: Status::Stopped,
        runtime_id: Some("r".repeat(300)),
        image_digest: Some("sha256:x".to_owned()),
        exit_code: Some(137),
        reason: Some("ü".repeat(2000)),
    };
    let report = TaskReport {
        task: arn(TASK),
        status: Status::Stopped,
        reason: "x".repeat(2000),
        containers: vec![container],
        pull_started_at: at(1_790_000_000_123),
        pull_stopped_at: None,
        execution_stopped_at: at(1_790_000_001_000),
    };
    let expected = json!({
        "cluster": "c1", "task": TASK, "status": "STOPPED", "reason": "x".repeat(1024),
        "containers": [{"containerName": "web", "status": "STOPPED", "runtimeId": "r".repeat(255),
            "imageDigest": "sha256:x", "exitCode": 137, "reason": "ü".repeat(1024)}],
        "pullStartedAt": 1_790_000_000.123, "executionStoppedAt": 1_790_000_001,
    });
    assert_eq!(serde_json::to_value(report::task_request("c1", &report)).expect("it is JSON"), expected);
}

#[test]
fn a_running_report_has_an_empty_reason_and_nothing_unknown() {
    let report = TaskReport {
        task: arn(TASK),
        status: Status::Running,
        reason: String::new(),
        containers: Vec::new(),
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
    };
    let expected = json!({"cluster": "c1", "task": TASK, "status": "RUNNING", "reason": ""});
    assert_eq!(serde_json::to_value(report::task_request("c1", &report)).expect("it is JSON"), expected);
}

#[test]
fn an_attachment_report_says_attached_and_no_status() {
    let report = AttachmentReport { task: arn(TASK), attachment_arn: "arn:a".to_owned() };
    let expected = json!({"cluster": "c1", "task": TASK,
        "attachments": [{"attachmentArn": "arn:a", "status": "ATTACHED"}]});
    assert_eq!(
        serde_json::to_value(report::attachment_request("c1", &report)).expect("it is JSON"),
        expected
    );
}

#[test]
fn reasons_have_the_names_of_ecs() {
    let reason = Refusal::Unsupported { field: "x".to_owned(), instead: "" }.reason();
    let detail = "Error loading task - x is not supported by this agent yet";
    assert_eq!(reason, Reason::new(ReasonCode::UnrecognizedTask, detail));
}

// ---- building blocks ----

/// The task of the specification's example (3.8), but for the network mode.
fn example() -> Value {
    let docker = json!({"version": "1.24",
        "config": "{\"HealthCheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":30000000000,\"Timeout\":5000000000,\"Retries\":3}}",
        "hostConfig": "{\"NetworkMode\":\"none\",\"CapAdd\":[],\"CapDrop\":[]}"});
    json!({"arn": TASK, "family": "web", "version": "7", "desiredStatus": "RUNNING", "networkMode": "none",
        "launchType": "EC2", "cpu": 0.5, "memory": 512,
        "roleCredentials": {"credentialsId": "b6c7", "roleArn": "arn:aws:iam::111122223333:role/app",
            "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "hunter2", "sessionToken": "swordfish",
            "expiration": "2026-09-01T06:17:19Z"},
        "volumes": [{"name": "data", "type": "host", "host": {"sourcePath": "/srv/data"}}],
        "containers": [{"name": "web", "image": "public.ecr.aws/x/web:1", "essential": true, "cpu": 256, "memory": 256,
            "containerArn": "arn:aws:ecs:us-west-2:111122223333:container/c1/0123/77aa",
            "environment": {"AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, "overrides": "{}",
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": false}],
            "volumesFrom": [], "healthCheckType": "docker", "dockerConfig": docker}]})
}

/// The least that is acceptable, on the host's network.
fn minimal() -> Value {
    json!({"arn": TASK, "family": "f", "version": "1", "desiredStatus": "RUNNING", "networkMode": "host",
        "containers": [{"name": "web", "image": "i", "essential": true}]})
}

fn eni() -> Value {
    json!({"attachmentArn": "arn:aws:ecs:us-west-2:111122223333:attachment/a1", "ec2Id": "eni-1",
        "macAddress": "0A:58:0a:00:02:6a", "index": 0,
        "ipv4Addresses": [{"privateAddress": "10.0.2.107"}, {"privateAddress": "10.0.2.106", "primary": true}],
        "ipv6Addresses": [{"address": "fd00::6a", "primary": true}],
        "domainName": ["internal"], "domainNameServers": ["10.0.0.2"], "privateDnsName": "ip-10-0-2-106.internal",
        "subnetGatewayIpv4Address": "10.0.2.1/24"})
}

fn docker(config: Value, host: Value) -> Value {
    json!({"version": "1.17", "config": config.to_string(), "hostConfig": host.to_string()})
}

fn other_task(id: &str) -> String {
    format!("arn:aws:ecs:us-west-2:111122223333:task/c1/{id}")
}

fn arn(text: &str) -> TaskArn {
    TaskArn::parse(text).expect("it is right")
}

/// `base` with the members of `change` in place of its own.
fn with(mut base: Value, change: Value) -> Value {
    let (Value::Object(base_members), Value::Object(change)) = (&mut base, change) else { panic!("objects") };
    base_members.extend(change);
    base
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    wire::from_value(value).expect("it has the message's shape")
}

fn policy() -> Policy {
    let logging_drivers = vec!["json-file".to_owned(), "none".to_owned()];
    Policy { privileged: true, task_eni: true, health_check: true, logging_drivers }
}

fn payload(tasks: Value) -> Converted {
    convert_with(&policy(), tasks)
}

fn convert_with(policy: &Policy, tasks: Value) -> Converted {
    let message: PayloadMessage = read(
        json!({"messageId": "m-1", "clusterArn": CLUSTER, "containerInstanceArn": INSTANCE, "tasks": tasks}),
    );
    let mut drawn = 0;
    convert(&message, policy, &mut || {
        drawn += 1;
        format!("id-{drawn}")
    })
}

fn running(converted: &Converted) -> TaskSpec {
    match converted.goals.as_slice() {
        [Goal::Run(spec)] => (**spec).clone(),
        other => panic!("{other:?}"),
    }
}

/// The minimal task with a change, as it is to run.
fn task(change: Value) -> TaskSpec {
    running(&payload(json!([with(minimal(), change)])))
}

/// The one container of the minimal task with a change.
fn container(change: Value) -> wharf_core::spec::ContainerSpec {
    let container = with(json!({"name": "web", "image": "i"}), change);
    task(json!({"containers": [container]})).containers.remove(0)
}

/// Why the minimal task with a change is refused.
fn refused(change: Value) -> String {
    match payload(json!([with(minimal(), change)])).goals.as_slice() {
        [Goal::Refuse(_, reason)] => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

fn refused_container(change: Value) -> String {
    let container = with(json!({"name": "web", "image": "i"}), change);
    refused(json!({"containers": [container]}))
}

fn unsupported(field: &str) -> String {
    format!("UnrecogniedTaskError: Error loading task - {field} is not supported by this agent yet")
}

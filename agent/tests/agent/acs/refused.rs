//! What of a payload refuses its task by name, without touching the others.

use super::{
    container, convert_with, docker, eni, minimal, other_task, payload, policy, refused, refused_container,
    unsupported, with,
};
use serde_json::{Value, json};
use wharf_agent::acs::{Policy, Refusal};
use wharf_core::event::Goal;

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

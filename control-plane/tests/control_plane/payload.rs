//! From a task definition to the task an agent gets: golden documents.

use super::pure::{World, awsvpc, world};
use serde_json::{Value, json};
use wharf_protocol::acs::Message;

/// Registers, launches and hands over; the answer is the payload's task without its ids, which are random.
fn payload_task(world: &mut World, document: Value) -> Value {
    let family = document["family"].as_str().unwrap().to_owned();
    world.connected_instance("i");
    world.define(document);
    let task = world.launch(&family).unwrap();
    if world.task(&task).interface.is_some() {
        world.sent();
        world.report_attached(&task);
    }
    let sent = world.sent();
    let [Message::PayloadMessage(payload)] = &sent[..] else { panic!("one payload") };
    let mut shown = serde_json::to_value(&payload.tasks[0]).unwrap();
    for container in shown["containers"].as_array_mut().unwrap() {
        let arn = container.as_object_mut().unwrap().remove("containerArn").unwrap();
        let path = format!(":container/c/{}/", task.id());
        assert!(arn.as_str().unwrap().contains(&path), "{arn}");
        for strings in ["config", "hostConfig"] {
            let text = container["dockerConfig"][strings].as_str().unwrap();
            container["dockerConfig"][strings] = serde_json::from_str(text).unwrap();
        }
    }
    assert_eq!(shown.as_object_mut().unwrap().remove("arn"), Some(json!(task.to_string())));
    shown
}

#[test]
fn a_plain_container_needs_little() {
    let document = json!({
        "family": "plain",
        "containerDefinitions": [{ "name": "app", "image": "i:1", "cpu": 10, "memory": 64 }],
    });
    let expected = json!({
        "taskClusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/c",
        "containers": [{
            "cpu": 10,
            "environment": { "AWS_EXECUTION_ENV": "AWS_ECS_EC2" },
            "essential": true,
            "image": "i:1",
            "memory": 64,
            "name": "app",
            "overrides": "{}",
            "mountPoints": [],
            "volumesFrom": [],
            "dockerConfig": { "version": "1.17", "config": {}, "hostConfig": { "CapAdd": [], "CapDrop": [] } },
        }],
        "desiredStatus": "RUNNING",
        "family": "plain",
        "overrides": "{}",
        "version": "1",
        "taskDefinitionAccountId": "111122223333",
        "launchType": "EC2",
        "networkMode": "bridge",
        "group": "family:plain",
    });
    assert_eq!(payload_task(&mut world(), document), expected);
}

#[test]
fn an_awsvpc_task_carries_the_interface_it_was_assigned() {
    let mut world = world();
    world.model.policy.dns_servers = vec!["10.0.0.1".to_owned()];
    let mut shown = payload_task(&mut world, awsvpc("net"));
    let mut interface = shown["elasticNetworkInterfaces"][0].take();
    let ids = interface.as_object_mut().unwrap();
    let attachment = ids.remove("attachmentArn").unwrap();
    assert!(attachment.as_str().unwrap().starts_with("arn:aws:ecs:eu-west-1:111122223333:attachment/"));
    let eni = ids.remove("ec2Id").unwrap();
    assert!(eni.as_str().is_some_and(|id| id.starts_with("eni-") && id.len() == 21), "{eni}");
    let expected = json!({
        "macAddress": "0a:58:0a:00:00:02",
        "index": 0,
        "ipv4Addresses": [{ "privateAddress": "10.0.0.2", "primary": true }],
        "domainNameServers": ["10.0.0.1"],
        "privateDnsName": "ip-10-0-0-2.eu-west-1.compute.internal",
        "subnetGatewayIpv4Address": "10.0.0.1/29",
    });
    assert_eq!(interface, expected);
    assert_eq!(shown["networkMode"], json!("awsvpc"));
    assert_eq!(shown["containers"][0]["dockerConfig"]["version"], json!("1.18"));
    assert_eq!(shown["containers"][0]["dockerConfig"]["hostConfig"]["NetworkMode"], json!("awsvpc"));
}

#[test]
fn what_the_payload_has_no_field_for_travels_in_the_docker_strings() {
    let document = json!({
        "family": "exotic",
        "containerDefinitions": [{
            "name": "app",
            "image": "i",
            "memory": 64,
            "memoryReservation": 32,
            "user": "1000:1000",
            "workingDirectory": "/w",
            "interactive": true,
            "pseudoTerminal": true,
            "privileged": true,
            "readonlyRootFilesystem": true,
            "dockerLabels": { "l": "v" },
            "dnsServers": ["10.0.0.53"],
            "dnsSearchDomains": ["d"],
            "extraHosts": [{ "hostname": "h", "ipAddress": "10.0.0.9" }],
            "dockerSecurityOptions": ["no-new-privileges"],
            "ulimits": [{ "name": "nofile", "softLimit": 1, "hardLimit": 2 }],
            "systemControls": [{ "namespace": "net.core.somaxconn", "value": "9" }],
            "logConfiguration": { "logDriver": "json-file", "options": { "max-size": "1m" } },
            "healthCheck": { "command": ["CMD-SHELL", "true"], "interval": 7, "startPeriod": 1 },
            "linuxParameters": {
                "capabilities": { "add": ["SYS_PTRACE"], "drop": ["MKNOD"] },
                "devices": [{ "hostPath": "/dev/x", "permissions": ["read", "write"] }],
                "initProcessEnabled": true,
                "sharedMemorySize": 2,
                "tmpfs": [{ "containerPath": "/t", "size": 3, "mountOptions": ["noexec"] }],
                "maxSwap": 36,
                "swappiness": 10,
            },
        }],
    });
    let mut world = world();
    let arn = world.instance("i");
    let attributes = &mut world.model.instances.edit(&arn).unwrap().attributes;
    attributes.insert("com.amazonaws.ecs.capability.privileged-container".into(), None);
    attributes.insert("com.amazonaws.ecs.capability.logging-driver.json-file".into(), None);
    let attributes = attributes.clone();
    let shown = {
        world.connect(&arn);
        world.define(document);
        assert!(attributes.len() > 4);
        let task = world.launch("exotic").unwrap();
        let sent = world.sent();
        let [Message::PayloadMessage(payload)] = &sent[..] else { panic!("one payload for {task}") };
        payload.tasks[0].containers[0].clone()
    };
    assert_eq!(shown.health_check_type.as_deref(), Some("docker"));
    let docker = shown.docker_config.unwrap();
    assert_eq!(docker.version.as_deref(), Some("1.24"));
    let config: Value = serde_json::from_str(&docker.config.unwrap()).unwrap();
    assert_eq!(
        config,
        json!({
            "User": "1000:1000",
            "WorkingDir": "/w",
            "OpenStdin": true,
            "Tty": true,
            "Labels": { "l": "v" },
            "HealthCheck": {
                "Test": ["CMD-SHELL", "true"],
                "Interval": 7_000_000_000i64,
                "Timeout": 5_000_000_000i64,
                "StartPeriod": 1_000_000_000i64,
                "Retries": 3,
            },
        })
    );
    let host: Value = serde_json::from_str(&docker.host_config.unwrap()).unwrap();
    assert_eq!(
        host,
        json!({
            "Privileged": true,
            "ReadonlyRootfs": true,
            "Dns": ["10.0.0.53"],
            "DnsSearch": ["d"],
            "ExtraHosts": ["h:10.0.0.9"],
            "SecurityOpt": ["no-new-privileges"],
            "Ulimits": [{ "Name": "nofile", "Soft": 1, "Hard": 2 }],
            "Sysctls": { "net.core.somaxconn": "9" },
            "LogConfig": { "Type": "json-file", "Config": { "max-size": "1m" } },
            "MemoryReservation": 33_554_432,
            "CapAdd": ["SYS_PTRACE"],
            "CapDrop": ["MKNOD"],
            "Devices": [{ "PathOnHost": "/dev/x", "PathInContainer": "/dev/x", "CgroupPermissions": "rw" }],
            "Init": true,
            "ShmSize": 2_097_152,
            "Tmpfs": { "/t": "size=3m,noexec" },
            "MemorySwap": 104_857_600,
            "MemorySwappiness": 10,
        })
    );
}

#[test]
fn volumes_secrets_ports_and_dependencies_keep_their_meaning() {
    let document = json!({
        "family": "rest",
        "cpu": "512",
        "memory": "1 GB",
        "volumes": [
            { "name": "path", "host": { "sourcePath": "/srv" } },
            { "name": "private" },
        ],
        "containerDefinitions": [
            {
                "name": "app",
                "image": "i",
                "mountPoints": [{ "sourceVolume": "path", "containerPath": "/p", "readOnly": true }],
                "portMappings": [{ "containerPort": 80 }],
                "dependsOn": [{ "containerName": "db", "condition": "START" }],
                "environment": [{ "name": "AWS_EXECUTION_ENV", "value": "mine" }],
                "stopTimeout": 3,
                "restartPolicy": { "enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60 },
            },
            { "name": "db", "image": "i", "volumesFrom": [{ "sourceContainer": "app" }] },
        ],
    });
    let shown = payload_task(&mut world(), document);
    assert_eq!(shown["cpu"], json!(0.5));
    assert_eq!(shown["memory"], json!(1024));
    let volumes = json!([
        { "name": "path", "type": "host", "host": { "sourcePath": "/srv" } },
        { "name": "private", "type": "host", "host": {} },
    ]);
    assert_eq!(shown["volumes"], volumes);
    let app = &shown["containers"][0];
    assert_eq!(
        app["mountPoints"],
        json!([{ "sourceVolume": "path", "containerPath": "/p", "readOnly": true }])
    );
    assert_eq!(app["portMappings"], json!([{ "containerPort": 80, "hostPort": 0, "protocol": "tcp" }]));
    assert_eq!(app["dependsOn"], json!([{ "containerName": "db", "condition": "START" }]));
    assert_eq!(app["environment"], json!({ "AWS_EXECUTION_ENV": "mine" }));
    assert_eq!(app["stopTimeout"], json!(3));
    assert_eq!(
        app["restartPolicy"],
        json!({ "enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60 })
    );
    assert_eq!(
        shown["containers"][1]["volumesFrom"],
        json!([{ "sourceContainer": "app", "readOnly": false }])
    );
}

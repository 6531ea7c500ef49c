//! The life of a task, from payload to STOPPED.

use std::net::SocketAddr;
use std::time::Duration;
use wharf_protocol::acs;
use wharf_tests::payload::{arn, awsvpc_task, container, interface, payload, stop};
use wharf_tests::registry::Registry;
use wharf_tests::scripted::{CLUSTER_ARN, INSTANCE_ARN, Received, Scripted};
use wharf_tests::world::Host;
use wharf_tests::{http, wait};

/// A web server that ends politely on SIGTERM.
pub const SERVE: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; httpd -p 80 -h /www; sleep 3600 & wait"];
const SOON: Duration = Duration::from_secs(60);

/// A host whose agent is connected to a scripted control plane.
pub async fn connected() -> (Host, Scripted) {
    connected_on(Host::new().unwrap()).await
}

/// The same on a host that the test has made.
pub async fn connected_on(mut host: Host) -> (Host, Scripted) {
    host.load_image().unwrap();
    let control = Scripted::start().await.unwrap();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected().await;
    (host, control)
}

/// Ends both and checks that nothing is left.
pub async fn end(host: Host, control: Scripted) {
    control.stop().await;
    tokio::task::spawn_blocking(|| host.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_at_its_address_and_stops_when_told() {
    let (host, control) = connected().await;
    let task = awsvpc_task(1, 10, vec![container("web", SERVE)]);
    let eni = task.elastic_network_interfaces[0].clone();
    let attachment = eni.attachment_arn.clone().unwrap();
    control.send(acs::AttachTaskNetworkInterfacesMessage {
        message_id: Some("attach-1".to_owned()),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        task_arn: task.arn.clone(),
        task_cluster_arn: Some(CLUSTER_ARN.to_owned()),
        wait_timeout_ms: Some(60_000),
        elastic_network_interfaces: vec![eni],
        ..Default::default()
    });
    control.acked("attach-1", SOON).await;
    control
        .wait_for("ATTACHED", SOON, |journal| {
            journal.iter().find_map(|(_, r)| match r {
                Received::Submitted(s) => {
                    s.attachments.iter().find(|a| a.attachment_arn.as_deref() == Some(&attachment)).cloned()
                }
                _ => None,
            })
        })
        .await;

    let (id, message) = payload(vec![task.clone()]);
    control.send(message);
    control.acked(&id, SOON).await;
    let (_, running) = control.status_of(arn(&task), "RUNNING", SOON).await;
    assert_eq!(running.containers[0].container_name.as_deref(), Some("web"));
    let runtime_id = running.containers[0].runtime_id.clone().expect("a running container has an id");
    assert!(host.tasks().contains_key(&runtime_id), "containerd runs {runtime_id}");
    let address: SocketAddr = "10.77.1.10:80".parse().unwrap();
    wait::until("the page", SOON, async || match http::get(address, "/") {
        Ok(page) if page.contains("hello from a task") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    control.send(payload(vec![stop(&task)]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(stopped.containers[0].exit_code, Some(0), "{stopped:?}");
    assert!(host.tasks().is_empty(), "no container is left when STOPPED is told");
    assert!(stopped.execution_stopped_at.is_some());
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_command_is_told_with_its_exit_code() {
    let (host, control) = connected().await;
    let task = awsvpc_task(2, 10, vec![container("job", &["sh", "-c", "exit 42"])]);
    control.send(payload(vec![task.clone()]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let job = control.last_told(arn(&task), "job");
    assert_eq!((job.status.as_deref(), job.exit_code), (Some("STOPPED"), Some(42)));
    // Why the task ended is the control plane's to say: an agent leaves it empty (spec 2.5).
    assert_eq!(stopped.reason.as_deref(), Some(""));
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_exist_cannot_start() {
    let (host, control) = connected().await;
    let task = awsvpc_task(3, 10, vec![container("job", &["/no/such/program"])]);
    control.send(payload(vec![task.clone()]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let reason = stopped.containers[0].reason.clone().unwrap_or_default();
    assert!(
        reason.starts_with("CannotCreateContainerError") || reason.starts_with("CannotStartContainerError"),
        "{reason}"
    );
    assert!(reason.contains("/no/such/program"), "{reason}");
    assert_eq!(control.statuses_of(arn(&task)).iter().filter(|s| *s == "RUNNING").count(), 0);
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_its_registry_does_not_know_stops_the_task_with_a_reason() {
    let (host, control) = connected().await;
    let registry = tokio::task::spawn_blocking(Registry::start).await.unwrap().unwrap();
    let image = format!("{}/no/such/image:1", registry.address());
    let mut web = container("web", &[]);
    web.image = Some(image.clone());
    let task = awsvpc_task(12, 10, vec![web]);
    control.send(payload(vec![task.clone()]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let reason = stopped.containers[0].reason.clone().unwrap_or_default();
    assert!(reason.starts_with("CannotPullContainerError: image ") && reason.contains(&image), "{reason}");
    assert!(reason.contains("does not exist in its registry"), "{reason}");
    assert_eq!(stopped.containers[0].exit_code, None);
    drop(registry);
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_cannot_be_reached_stops_the_task_with_a_reason() {
    let (host, control) = connected().await;
    let mut web = container("web", &[]);
    // Nothing listens on port 9 of loopback: the registry cannot be reached.
    web.image = Some("127.0.0.1:9/no/such/image:1".to_owned());
    let task = awsvpc_task(4, 10, vec![web]);
    control.send(payload(vec![task.clone()]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", Duration::from_secs(60)).await;
    let reason = stopped.containers[0].reason.clone().unwrap_or_default();
    assert!(reason.starts_with("CannotPull") && reason.contains("127.0.0.1:9/no/such/image:1"), "{reason}");
    assert_eq!(stopped.containers[0].exit_code, None);
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout() {
    let (host, control) = connected().await;
    let mut stubborn = container("stubborn", &["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]);
    stubborn.stop_timeout = Some(2);
    let task = awsvpc_task(5, 10, vec![stubborn]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let asked = control.send(payload(vec![stop(&task)]).1);
    let (at, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    assert_eq!(stopped.containers[0].exit_code, Some(137));
    let took = at.duration_since(asked);
    assert!(took >= Duration::from_secs(2), "it had its two seconds: {took:?}");
    assert!(took < Duration::from_secs(10), "and not much more: {took:?}");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_tasks_of_one_payload_all_run_and_all_stop() {
    let (host, control) = connected().await;
    let tasks: Vec<_> = (10..30).map(|n| awsvpc_task(6, n, vec![container("web", SERVE)])).collect();
    let (id, message) = payload(tasks.clone());
    control.send(message);
    control.acked(&id, SOON).await;
    for task in &tasks {
        control.status_of(arn(task), "RUNNING", Duration::from_secs(60)).await;
    }
    assert_eq!(host.tasks().len(), 20);
    control.send(payload(tasks.iter().map(stop).collect()).1);
    for task in &tasks {
        control.status_of(arn(task), "STOPPED", Duration::from_secs(60)).await;
        assert_eq!(control.statuses_of(arn(task)).iter().filter(|s| *s == "RUNNING").count(), 1);
    }
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_starts_only_after_what_it_depends_on_and_stops_first() {
    let (host, control) = connected().await;
    let mut sidecar = container("sidecar", SERVE);
    sidecar.command = vec![
        "sh".into(),
        "-c".into(),
        "trap 'exit 0' TERM; wget -qO- http://127.0.0.1/ || exit 9; sleep 3600 & wait".into(),
    ];
    sidecar.depends_on = vec![acs::ContainerDependency {
        container_name: Some("web".to_owned()),
        condition: Some("HEALTHY".to_owned()),
    }];
    let mut web = container("web", SERVE);
    web.health_check_type = Some("docker".to_owned());
    web.docker_config = Some(acs::DockerConfig {
        config: Some(
            r#"{"HealthCheck":{"Test":["CMD-SHELL","wget -qO- http://127.0.0.1/"],"Interval":1000000000,"Timeout":2000000000,"Retries":3}}"#
                .to_owned(),
        ),
        host_config: Some("{}".to_owned()),
        ..Default::default()
    });
    let task = awsvpc_task(7, 10, vec![web, sidecar]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;
    let tasks = host.tasks();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    control.send(payload(vec![stop(&task)]).1);
    let (_, stopped) = control.status_of(arn(&task), "STOPPED", SOON).await;
    let codes: Vec<_> =
        stopped.containers.iter().map(|c| (c.container_name.clone().unwrap(), c.exit_code)).collect();
    assert!(codes.contains(&("web".to_owned(), Some(0))), "{codes:?}");
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_reach_each_other_at_their_addresses() {
    let (host, control) = connected().await;
    let server = awsvpc_task(8, 10, vec![container("web", SERVE)]);
    let ask =
        "for i in 1 2 3 4 5 6 7 8 9 10; do wget -qO- http://10.77.8.10/ && exit 0; sleep 1; done; exit 1";
    let client = awsvpc_task(8, 11, vec![container("client", &["sh", "-c", ask])]);
    control.send(payload(vec![server.clone(), client.clone()]).1);
    control.status_of(arn(&client), "STOPPED", SOON).await;
    assert_eq!(control.last_told(arn(&client), "client").exit_code, Some(0), "the page came across");
    control.send(payload(vec![stop(&server)]).1);
    control.status_of(arn(&server), "STOPPED", SOON).await;
    end(host, control).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_of_an_announcement_whose_task_never_comes_is_removed() {
    let (host, control) = connected().await;
    control.send(acs::AttachTaskNetworkInterfacesMessage {
        message_id: Some("attach-9".to_owned()),
        cluster_arn: Some(CLUSTER_ARN.to_owned()),
        container_instance_arn: Some(INSTANCE_ARN.to_owned()),
        task_arn: Some(
            "arn:aws:ecs:us-west-2:123456789012:task/e2e/00000000000000000000000000000009".to_owned(),
        ),
        wait_timeout_ms: Some(8_000),
        elastic_network_interfaces: vec![interface(9, 10)],
        ..Default::default()
    });
    control.acked("attach-9", SOON).await;
    let links = || {
        let scope = host.scope();
        wharf_tests::leaks::Inventory::take(&scope).counts()["links"]
    };
    wait::until("the interface", SOON, async || if links() > 0 { Ok(()) } else { Err("no link".to_owned()) })
        .await;
    wait::until("its removal", SOON, async || if links() == 0 { Ok(()) } else { Err("a link".to_owned()) })
        .await;
    end(host, control).await;
}

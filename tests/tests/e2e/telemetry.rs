//! What the agent publishes about tasks and itself on TCS.

use crate::lifecycle::{connected, end};
use std::time::Duration;
use wharf_protocol::{acs, tcs};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::{Received, Scripted};

/// Computes, keeps memory, and talks over its interface.
const BUSY: &str = "trap 'exit 0' TERM; httpd -p 80 -h /www; i=0; while :; do i=$((i+1)); \
                    [ $((i % 1000)) = 0 ] && wget -q -O /dev/null http://10.77.59.1:9/; done";
const SOON: Duration = Duration::from_secs(30);
/// Two ticks of 20 s and some.
const TWO_TICKS: Duration = Duration::from_secs(50);

/// The first message of TCS that `pick` takes.
async fn published<T>(control: &Scripted, what: &str, pick: impl Fn(&tcs::Message) -> Option<T>) -> T {
    control
        .wait_for(what, TWO_TICKS, |journal| {
            journal.iter().find_map(|(_, received)| match received {
                Received::Tcs(message) => pick(message),
                _ => None,
            })
        })
        .await
}

fn metric_of(message: &tcs::Message, task: &str) -> Option<tcs::TaskMetric> {
    let tcs::Message::PublishMetricsRequest(request) = message else { return None };
    let own = |metric: &&tcs::TaskMetric| metric.task_arn.as_deref() == Some(task);
    let found = request.task_metrics.iter().find(own)?;
    // The first tick may fall right after the start, with fewer than two samples to compare.
    found.container_metrics.iter().any(|c| c.cpu_stats_set.is_some()).then(|| found.clone())
}

fn health_of(message: &tcs::Message, task: &str) -> Option<String> {
    let tcs::Message::PublishHealthRequest(request) = message else { return None };
    let own = request.tasks.iter().find(|health| health.task_arn.as_deref() == Some(task))?;
    let status = own.containers[0].health_status.clone()?;
    // The first tick may come before the first probe.
    (status != "UNKNOWN").then_some(status)
}

fn status_of(message: &tcs::Message) -> Option<Vec<tcs::InstanceStatus>> {
    let tcs::Message::PublishInstanceStatusRequest(request) = message else { return None };
    // The first one may go out before containerd has answered the first ping.
    let initializing = request.statuses.iter().any(|status| status.status.as_deref() == Some("INITIALIZING"));
    (!initializing).then(|| request.statuses.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_task_is_published_with_its_use_its_health_and_the_hosts_status() {
    let (host, control) = connected().await;
    let mut busy = container("busy", &["sh", "-c", BUSY]);
    busy.health_check_type = Some("docker".to_owned());
    busy.docker_config = Some(acs::DockerConfig {
        config: Some(
            r#"{"HealthCheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Retries":3}}"#.to_owned(),
        ),
        ..Default::default()
    });
    let task = awsvpc_task(59, 10, vec![busy]);
    control.send(payload(vec![task.clone()]).1);
    control.status_of(arn(&task), "RUNNING", SOON).await;

    let metric = published(&control, "metrics of the task", |message| metric_of(message, arn(&task))).await;
    let (cpu, memory, network) = {
        let own = &metric.container_metrics[0];
        assert_eq!(
            (own.container_name.as_deref(), &metric.task_definition_family),
            (Some("busy"), &task.family)
        );
        let sets = (own.cpu_stats_set.clone(), own.memory_stats_set.clone(), own.network_stats_set.clone());
        (sets.0.unwrap(), sets.1.unwrap(), sets.2.unwrap())
    };
    assert!(cpu.sample_count >= Some(2) && cpu.max > Some(1.0) && cpu.max <= Some(110.0), "{cpu:?}");
    assert!(memory.sample_count >= Some(2) && memory.max < Some(64.0), "{memory:?}");
    let sent = network.tx_bytes.unwrap();
    assert!(sent.sample_count >= Some(2) && sent.max > Some(0), "{sent:?}");
    assert!(network.tx_bytes_per_second.unwrap().sample_count >= Some(2));

    let health = published(&control, "health of the task", |message| health_of(message, arn(&task))).await;
    assert_eq!(health, "HEALTHY");
    let status = published(&control, "the host's status", status_of).await;
    let told: Vec<_> = status.into_iter().map(|s| (s.r#type.unwrap(), s.status.unwrap())).collect();
    assert_eq!(told, [("ContainerRuntime".to_owned(), "OK".to_owned())]);
    control.send(payload(vec![stop(&task)]).1);
    control.status_of(arn(&task), "STOPPED", SOON).await;
    end(host, control).await;
}

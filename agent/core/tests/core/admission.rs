//! Host resources: first come, first served.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::admission::Shortage;
use wharf_core::event::{Event, Goal};
use wharf_core::report::Status;
use wharf_core::spec::{Network, PortMapping, Protocol, TaskSpec};
use wharf_core::wait::{Awaited, Wait};

/// The host of these tests has 2048 CPU units and 2048 MiB.
fn needs(id: &str, cpu: u32, memory: u32) -> TaskSpec {
    a_task(id, vec![a_container("app").needs(cpu, memory)])
}

fn listens(id: &str, port: u16, protocol: Protocol) -> TaskSpec {
    let mut app = a_container("app");
    app.port_mappings = vec![PortMapping { container_port: port, host_port: None, protocol }];
    a_task(id, vec![app])
}

fn both(first: TaskSpec, second: TaskSpec) -> Bench {
    let mut bench = Bench::new();
    bench.on(payload("m", vec![Goal::Run(Box::new(first)), Goal::Run(Box::new(second))]));
    bench
}

fn waits(bench: &Bench, task: &str) -> Option<Shortage> {
    match bench.node.waiting_for(&arn(task), bench.now) {
        Some(Wait { what: Awaited::Admission(lack), .. }) => Some(lack.short_of),
        Some(_) | None => None,
    }
}

#[test]
fn a_task_waits_for_cpu_memory_and_ports_that_another_has() {
    assert_eq!(waits(&both(needs("t", 1500, 1), needs("u", 1500, 1)), "u"), Some(Shortage::Cpu));
    assert_eq!(waits(&both(needs("t", 1, 1500), needs("u", 1, 1500)), "u"), Some(Shortage::Memory));
    let port = both(listens("t", 80, Protocol::Tcp), listens("u", 80, Protocol::Tcp));
    assert_eq!(waits(&port, "u"), Some(Shortage::Port(Protocol::Tcp, 80)));
    let other = both(listens("t", 80, Protocol::Tcp), listens("u", 80, Protocol::Udp));
    assert_eq!(waits(&other, "u"), None);
}

#[test]
fn ports_count_only_on_the_hosts_network() {
    let other = |id| TaskSpec { network: Network::None, ..listens(id, 80, Protocol::Tcp) };
    assert_eq!(waits(&both(other("t"), other("u")), "u"), None);
}

#[test]
fn a_task_waits_for_an_address_until_the_network_of_the_task_that_had_it_is_gone() {
    let with_address = |id| awsvpc(needs(id, 1, 1));
    let mut bench = both(with_address("t"), with_address("u"));
    let address = Shortage::Address("10.0.2.17".parse().unwrap());
    assert_eq!(waits(&bench, "u"), Some(address));
    bench.on(stop("t"));
    let effects = bench.on(Event::NetworkReady { task: arn("t") });
    assert!(words(&effects).contains(&"release".to_owned()));
    assert_eq!(waits(&bench, "u"), Some(address), "the old network may still be there");
    bench.on(Event::TaskReleased { task: arn("t") });
    assert_eq!(waits(&bench, "u"), None);
}

#[test]
fn the_task_limit_counts_before_the_containers_and_the_reservation_before_the_limit() {
    let task = TaskSpec { cpu: Some(2000), ..needs("t", 1, 1) };
    assert_eq!(waits(&both(task, needs("u", 100, 1)), "u"), Some(Shortage::Cpu));
    let mut task = needs("t", 1, 2048);
    task.containers[0].memory_reservation = Some(64);
    assert_eq!(waits(&both(task, needs("u", 1, 1900)), "u"), None);
}

#[test]
fn later_tasks_wait_behind_the_first_that_does_not_fit() {
    let mut bench = both(needs("t", 1500, 1), needs("u", 1500, 1));
    bench.on(run(needs("a-small-one", 1, 1)));
    assert_eq!(waits(&bench, "a-small-one"), Some(Shortage::Turn));
}

#[test]
fn tasks_are_admitted_in_the_order_of_arrival_not_of_their_names() {
    let bench = both(needs("z", 1500, 1), needs("a", 1500, 1));
    assert_eq!((waits(&bench, "z"), waits(&bench, "a")), (None, Some(Shortage::Cpu)));
}

#[test]
fn resources_are_free_again_only_when_every_process_is_gone() {
    let mut bench = both(needs("t", 1500, 1), needs("u", 1500, 1));
    bench.on(pulled(of("t", "app")));
    bench.on(created(of("t", "app")));
    bench.on(Event::ContainerStarted { container: of("t", "app"), at: T0 });
    bench.on(exited(of("t", "app"), 0, T0));
    assert_eq!(waits(&bench, "u"), Some(Shortage::Cpu));
    let effects = bench.on(deleted(of("t", "app")));
    assert!(words(&effects).contains(&"pull app".to_owned()));
}

#[test]
fn a_queued_task_that_is_to_stop_leaves_the_queue_without_having_run() {
    let mut bench = both(needs("t", 1500, 1), needs("u", 1500, 1));
    bench.on(run(needs("v", 1, 1)));
    let effects = bench.on(stop("u"));
    assert!(words(&effects).contains(&"pull app".to_owned()), "the next one moves up");
    let report = report(&effects);
    let why = "TaskStoppedBeforePullBeginError: task was stopped before its first image was pulled";
    assert_eq!((report.status, report.containers[0].reason.as_deref()), (Status::Stopped, Some(why)));
}

#[test]
fn what_a_payload_stops_is_free_for_what_it_runs_in_any_order() {
    let mut bench = both(needs("t", 1500, 1), needs("u", 1500, 1));
    let goals = vec![Goal::Run(Box::new(needs("v", 1, 1))), Goal::Stop(arn("u"))];
    bench.on(payload("m", goals));
    assert_eq!(waits(&bench, "v"), None);
}

#[test]
fn what_can_never_fit_is_refused_at_once_and_blocks_nobody() {
    let mut bench = Bench::new();
    let effects = bench.on(run(needs("t", 4096, 1)));
    let why = "ResourceNotAvailableError: task needs 4096 CPU units and the host has 2048";
    assert_eq!(report(&effects).reason, why);
    assert_eq!(words(&bench.on(run(needs("u", 1, 1)))), ["pull app"]);
}

#[test]
fn a_reserved_port_is_never_given_away() {
    let mut config = config();
    config.host.reserved_ports.insert((Protocol::Tcp, 22));
    let mut bench = Bench::with(config);
    let effects = bench.on(run(listens("t", 22, Protocol::Tcp)));
    let why = "ResourceNotAvailableError: task needs host port 22/tcp, which is reserved on this host";
    assert_eq!(report(&effects).reason, why);
}

#[test]
fn the_queue_survives_a_restart_in_its_order() {
    let mut bench = both(needs("z", 1500, 1), needs("a", 1500, 1));
    assert_eq!(words(&bench.restart(&[])), ["pull app"]);
    assert_eq!((waits(&bench, "z"), waits(&bench, "a")), (None, Some(Shortage::Cpu)));
}

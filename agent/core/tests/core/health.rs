//! Health checks, as Docker counts them.

use crate::bench::Bench;
use crate::build::*;
use wharf_core::event::{Event, Observation};
use wharf_core::health::HealthStatus;
use wharf_core::spec::HealthCheck;

/// A running task whose `app` is checked every 10 s; two failures in a row make it unhealthy.
fn checked(change: impl FnOnce(&mut HealthCheck)) -> Bench {
    let mut app = a_container("app").checked();
    change(app.health_check.as_mut().unwrap());
    let mut bench = Bench::new();
    bench.up(a_task("t", vec![app]));
    bench
}

/// Ten seconds pass and the probe says this.
fn probe(bench: &mut Bench, exit_code: i32) -> HealthStatus {
    assert_eq!(words(&bench.after(seconds(10))), ["probe app"]);
    bench.on(probed(of("t", "app"), exit_code));
    status(bench)
}

fn status(bench: &Bench) -> HealthStatus {
    bench.container("t", "app").health().unwrap().status
}

#[test]
fn the_first_probe_comes_one_interval_after_the_start() {
    let mut bench = checked(|_| {});
    assert_eq!(status(&bench), HealthStatus::Unknown);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(10))));
    assert_eq!(words(&bench.after(seconds(9))), [""; 0]);
    assert_eq!(words(&bench.after(seconds(1))), ["probe app"]);
}

#[test]
fn the_next_probe_comes_one_interval_after_the_end_of_the_last() {
    let mut bench = checked(|_| {});
    bench.after(seconds(10));
    assert_eq!(words(&bench.after(seconds(30))), [""; 0], "one probe at a time");
    bench.on(probed(of("t", "app"), 0));
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(50))));
}

#[test]
fn one_success_makes_healthy_and_retries_failures_in_a_row_unhealthy() {
    let mut bench = checked(|_| {});
    assert_eq!(probe(&mut bench, 0), HealthStatus::Healthy);
    assert_eq!(probe(&mut bench, 1), HealthStatus::Healthy);
    assert_eq!(probe(&mut bench, 0), HealthStatus::Healthy);
    assert_eq!(probe(&mut bench, 1), HealthStatus::Healthy);
    assert_eq!(probe(&mut bench, 1), HealthStatus::Unhealthy);
    assert_eq!(bench.container("t", "app").health().unwrap().since, T0.plus(seconds(50)));
    assert_eq!(probe(&mut bench, 0), HealthStatus::Healthy);
}

#[test]
fn a_probe_that_runs_out_of_time_is_a_failure() {
    let mut bench = checked(|check| check.retries = 1);
    bench.after(seconds(10));
    let timed_out =
        Event::HealthProbed { container: of("t", "app"), exit_code: None, output: "late".to_owned() };
    bench.on(timed_out);
    let health = bench.container("t", "app").health().unwrap();
    assert_eq!(
        (health.status, health.exit_code, health.output.as_str()),
        (HealthStatus::Unhealthy, None, "late")
    );
}

#[test]
fn failures_do_not_count_in_the_start_period_until_the_first_success() {
    let mut bench = checked(|check| check.start_period = seconds(35));
    for _ in 0..3 {
        assert_eq!(probe(&mut bench, 1), HealthStatus::Unknown);
    }
    assert_eq!(probe(&mut bench, 1), HealthStatus::Unknown, "the first that counts");
    assert_eq!(probe(&mut bench, 1), HealthStatus::Unhealthy);
    let mut bench = checked(|check| check.start_period = seconds(3600));
    assert_eq!(probe(&mut bench, 0), HealthStatus::Healthy);
    probe(&mut bench, 1);
    assert_eq!(probe(&mut bench, 1), HealthStatus::Unhealthy);
}

#[test]
fn an_unhealthy_container_goes_on_running() {
    let mut bench = checked(|check| check.retries = 1);
    bench.after(seconds(10));
    assert_eq!(bench.on(probed(of("t", "app"), 1)), []);
}

#[test]
fn a_container_that_is_to_stop_is_not_probed() {
    let mut bench = checked(|_| {});
    let effects = bench.on(stop("t"));
    bench.succeed(effects);
    assert_eq!(words(&bench.after(seconds(10))), [""; 0]);
}

#[test]
fn health_survives_a_restart() {
    let mut bench = checked(|_| {});
    probe(&mut bench, 0);
    bench.restart(&[(of("t", "app"), Observation::Running { pid: 1, since: None })]);
    assert_eq!(status(&bench), HealthStatus::Healthy);
    assert_eq!(bench.node.next_wakeup(), Some(T0.plus(seconds(20))));
}

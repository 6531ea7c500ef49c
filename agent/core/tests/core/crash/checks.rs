//! What must be true of every report, and of everything once nothing moves any more.

use super::driver::Wish;
use super::world::{Truth, World};
use wharf_core::event::ContainerRef;
use wharf_core::report::{Status, TaskReport};
use wharf_core::spec::{ContainerSpec, Network, TaskSpec};
use wharf_protocol::arn::TaskArn;

/// A report never goes back, and what it says is so.
pub fn report(world: &mut World, report: &TaskReport) {
    let task = &report.task;
    let last = last_status(world, task);
    world.promise(last <= Some(report.status), || format!("{task} was {last:?} and is {:?}", report.status));
    if report.status == Status::Stopped {
        let holds = world.holds(task);
        world.promise(!holds, || format!("{task} is said to be STOPPED and has containers"));
    }
    let Some(spec) = world.specs.get(task).cloned() else { return };
    if report.status == Status::Running {
        let started = |c: &ContainerSpec| !c.essential || truth(world, task, &c.name).started;
        let ran = spec.containers.iter().all(started);
        world.promise(ran, || format!("{task} is said to be RUNNING and never was"));
    }
    for container in report.containers.iter().filter(|container| container.status == Status::Stopped) {
        let truth = truth(world, task, &container.name);
        let code = truth.exit.map(|exit| exit.code);
        let right = container.exit_code == code || truth.harmed && container.exit_code.is_none();
        world.promise(right, || {
            format!("{} ended with {code:?} and {:?} was reported", container.name, container.exit_code)
        });
    }
}

/// When nothing moves any more, every task is where the control plane wants it or has an excuse, and nothing else is left.
pub fn settled(world: &mut World, task: &TaskArn, wish: Wish) {
    let last = last_status(world, task);
    let spec = world.specs.get(task).cloned();
    match wish {
        Wish::NoTask => {
            let left = world.networks.contains(task);
            world.promise(!left, || format!("{task} never came and its network is left"));
            return;
        }
        Wish::Stop => {
            world.promise(last == Some(Status::Stopped), || format!("{task} was to stop and is {last:?}"))
        }
        Wish::Run => {
            let spec = spec.as_ref().expect("a task that is to run has a definition");
            judge_run(world, spec, last);
        }
    }
    if last == Some(Status::Stopped) {
        let left = world.holds(task) || world.networks.contains(task);
        world.promise(!left, || format!("{task} has stopped and something of it is left"));
    } else if let Some(spec) = spec {
        all_stands(world, &spec);
    }
}

fn judge_run(world: &mut World, spec: &TaskSpec, last: Option<Status>) {
    let task = &spec.arn;
    let fate = |c: &ContainerSpec| (c.essential, truth(world, task, &c.name));
    let over = |(essential, truth): (bool, Truth)| essential && (truth.harmed || truth.exit.is_some());
    let touched = |(_, truth): (bool, Truth)| truth.disturbed || truth.exit.is_some();
    let must_stop = spec.containers.iter().map(fate).any(over);
    let may_stop = must_stop || world.failed.contains(task) || spec.containers.iter().map(fate).any(touched);
    let right = match last {
        Some(Status::Running) => !must_stop,
        Some(Status::Stopped) => may_stop,
        Some(Status::Pending) | None => false,
    };
    world.promise(right, || format!("{task} was to run and is {last:?}"));
}

/// A running task has its processes, its network and its interface.
fn all_stands(world: &mut World, spec: &TaskSpec) {
    for container in spec.containers.iter().filter(|container| container.essential) {
        let runs = world.runs(&ContainerRef { task: spec.arn.clone(), container: container.name.clone() });
        world.promise(runs, || format!("{} should run and does not", container.name));
    }
    if let Network::Awsvpc(_) = spec.network {
        let stands = world.networks.contains(&spec.arn);
        world.promise(stands, || format!("{} runs without its network", spec.arn));
        let attached = world.attached.contains(&spec.arn);
        world.promise(attached, || format!("{} was never said to be ATTACHED", spec.arn));
    }
}

fn last_status(world: &World, task: &TaskArn) -> Option<Status> {
    world.taken.iter().rev().find(|report| report.task == *task).map(|report| report.status)
}

fn truth(world: &World, task: &TaskArn, container: &str) -> Truth {
    let key = ContainerRef { task: task.clone(), container: container.to_owned() };
    world.truth.get(&key).cloned().unwrap_or_default()
}

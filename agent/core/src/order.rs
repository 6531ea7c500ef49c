//! Order among the containers of a task: `dependsOn`. Source: features 7.3.
//!
//! Owns whether a definition's dependencies make sense, whether a container may be created, and who has to stop first.

use crate::container::Container;
use crate::health::HealthStatus;
use crate::reason::{Reason, ReasonCode};
use crate::spec::{Condition, ContainerSpec, Dependency, TaskSpec};
use crate::task::Task;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Exit code that ECS gives to a container that never started because another took too long.
const START_TIMEOUT_EXIT: i32 = 143;

/// Whether a container may be created.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Readiness {
    /// Every condition holds.
    Ready,
    /// This condition does not hold yet.
    Waits { on: Dependency, deadline: Option<Timestamp> },
    /// A condition can never hold.
    Never { exit_code: Option<i32>, reason: Reason },
}

/// Checks the dependencies of a definition: every name is known, no container waits for itself, HEALTHY has a check to come from.
pub(crate) fn validate(spec: &TaskSpec) -> Result<(), Reason> {
    let refuse = |detail: String| Err(Reason::new(ReasonCode::TaskDependency, detail));
    for container in &spec.containers {
        for dependency in &container.depends_on {
            let (name, on) = (&container.name, &dependency.container);
            match spec.containers.iter().find(|other| other.name == *on) {
                None => {
                    return refuse(format!("container {name} depends on {on}, which the task does not have"));
                }
                Some(other) if dependency.condition == Condition::Healthy && other.health_check.is_none() => {
                    return refuse(format!(
                        "container {name} waits for {on} to be healthy, which has no health check"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    let circle = circle(&spec.containers);
    if !circle.is_empty() {
        return refuse(format!("containers depend on each other in a circle: {}", circle.join(", ")));
    }
    Ok(())
}

/// The containers that cannot be put in an order: what is left when those without open dependencies are taken away, again and again.
fn circle(containers: &[ContainerSpec]) -> Vec<&str> {
    let mut left: BTreeSet<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    loop {
        let free =
            |spec: &&ContainerSpec| !spec.depends_on.iter().any(|d| left.contains(d.container.as_str()));
        let taken: Vec<&str> = containers
            .iter()
            .filter(|spec| left.contains(spec.name.as_str()))
            .filter(free)
            .map(|spec| spec.name.as_str())
            .collect();
        if taken.is_empty() {
            return left.into_iter().collect();
        }
        for name in taken {
            left.remove(name);
        }
    }
}

/// Whether the container at `index` may be created now.
pub(crate) fn readiness(task: &Task, index: usize, now: Timestamp) -> Readiness {
    let spec = &task.spec.containers[index];
    let mut waits = Readiness::Ready;
    for dependency in &spec.depends_on {
        let Some(on) = task.index_of(&dependency.container) else { continue };
        match judge(dependency, &task.spec.containers[on], &task.containers[on], now) {
            Readiness::Ready => {}
            Readiness::Waits { on, deadline } => {
                if waits == Readiness::Ready {
                    waits = Readiness::Waits { on, deadline };
                }
            }
            Readiness::Never { exit_code, reason } => return Readiness::Never { exit_code, reason },
        }
    }
    waits
}

fn judge(dependency: &Dependency, spec: &ContainerSpec, on: &Container, now: Timestamp) -> Readiness {
    let met = match dependency.condition {
        Condition::Start => on.started_at().is_some(),
        Condition::Complete => on.stopped().is_some_and(|stopped| stopped.exit_code.is_some()),
        Condition::Success => on.stopped().is_some_and(|stopped| stopped.exit_code == Some(0)),
        Condition::Healthy => {
            on.stopped().is_none() && on.health().is_some_and(|health| health.status == HealthStatus::Healthy)
        }
    };
    if met {
        return Readiness::Ready;
    }
    let condition = condition_name(dependency.condition);
    let never = |exit_code, why: &str| Readiness::Never {
        exit_code,
        reason: Reason::new(
            ReasonCode::DependencyFailed,
            format!("dependency {} did not become {condition}: {why}", spec.name),
        ),
    };
    if on.stopped().is_some() {
        return never(None, "it has stopped");
    }
    let deadline = deadline(dependency.condition, spec, on);
    if deadline.is_some_and(|deadline| deadline <= now) {
        return never(Some(START_TIMEOUT_EXIT), "its startTimeout ran out");
    }
    Readiness::Waits { on: dependency.clone(), deadline }
}

/// `startTimeout` counts from the first start of the container that is waited for, and not for START.
fn deadline(condition: Condition, spec: &ContainerSpec, on: &Container) -> Option<Timestamp> {
    match condition {
        Condition::Start => None,
        Condition::Complete | Condition::Success | Condition::Healthy => {
            Some(on.first_started_at()?.plus(spec.start_timeout?))
        }
    }
}

/// Whether everything that depends on the container at `index` has stopped, so that it may stop.
pub(crate) fn may_stop(task: &Task, index: usize) -> bool {
    let name = task.containers[index].name();
    let needs = |spec: &ContainerSpec| spec.depends_on.iter().any(|dependency| dependency.container == name);
    task.pairs().filter(|(spec, _)| needs(spec)).all(|(_, container)| container.stopped().is_some())
}

/// ECS's word for a condition.
pub(crate) fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Start => "START",
        Condition::Complete => "COMPLETE",
        Condition::Success => "SUCCESS",
        Condition::Healthy => "HEALTHY",
    }
}

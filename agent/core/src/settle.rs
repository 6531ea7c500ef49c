//! What follows from the state by itself: the essential rule, failed dependencies, overdue acts, the course of a stop.
//!
//! `next` is pure and names one consequence; `Node` applies it and asks again until nothing follows.

use crate::config::NodeConfig;
use crate::container::{Container, End};
use crate::event::Desired;
use crate::order::{self, Readiness};
use crate::phase::{Phase, StopClock};
use crate::quarantine::Quarantine;
use crate::reason::{Reason, ReasonCode};
use crate::spec::ContainerSpec;
use crate::task::{Stage, Task};
use crate::time::Timestamp;
use crate::work::{Act, Lane, Work};

/// What decisions look at besides the task.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) config: &'a NodeConfig,
    pub(crate) work: &'a Work,
    pub(crate) quarantine: &'a Quarantine,
    pub(crate) now: Timestamp,
}

/// One consequence of the state.
pub(crate) enum Consequence {
    /// The whole task has to stop.
    StopTask(Reason),
    /// The container will never (again) have a process.
    StopContainer(usize, End),
    /// The container's time to stop politely begins.
    BeginStop(usize, StopClock),
    /// Nothing of the task is left.
    EndTask,
}

/// The first thing that follows from the state of the task; `None` when it is settled.
pub(crate) fn next(task: &Task, context: Context<'_>) -> Option<Consequence> {
    if matches!(task.stage, Stage::Ended { .. } | Stage::Released { .. }) {
        return None;
    }
    overdue(task, context)
        .or_else(|| match task.desired {
            Desired::Running => essential_rule(task)
                .or_else(|| hopeless(task, context))
                .or_else(|| quarantined(task, context)),
            Desired::Stopped => stopping(task, context),
        })
        .or_else(|| task.is_gone().then_some(Consequence::EndTask))
}

impl Consequence {
    /// Applies the consequence to the task it was derived from.
    pub(crate) fn apply(self, task: &mut Task, now: Timestamp) {
        match self {
            Self::StopTask(reason) => task.want_stopped(reason),
            Self::StopContainer(index, end) => task.containers[index].stop(end),
            Self::BeginStop(index, clock) => {
                if let Some(running) = task.containers[index].running_mut() {
                    running.stop = Some(clock);
                }
            }
            Self::EndTask => {
                task.stage = Stage::Ended { at: now };
            }
        }
    }
}

/// A stopped essential container stops the task, and so does there being none left. Source: features 7.4.
fn essential_rule(task: &Task) -> Option<Consequence> {
    let over =
        |(spec, container): &(&ContainerSpec, &Container)| spec.essential && container.stopped().is_some();
    if let Some((_, container)) = task.pairs().find(over) {
        // One that never ran says why the task failed; one that exited speaks for itself.
        let failed = container.stopped().filter(|stopped| stopped.started_at.is_none());
        let failed = failed.and_then(|stopped| stopped.reason.clone());
        return Some(Consequence::StopTask(failed.unwrap_or_else(|| essential_exit(container))));
    }
    task.has_stopped().then(|| {
        let detail = "all containers have ended, none of them essential";
        Consequence::StopTask(Reason::new(ReasonCode::AllContainersExited, detail))
    })
}

fn essential_exit(container: &Container) -> Reason {
    let code = container.stopped().and_then(|stopped| stopped.exit_code);
    let code = code.map_or_else(|| "an unknown code".to_owned(), |code| format!("code {code}"));
    let detail = format!("essential container {} exited with {code}", container.name());
    Reason::new(ReasonCode::EssentialContainerExited, detail)
}

/// A container that waits for something that can never be.
fn hopeless(task: &Task, context: Context<'_>) -> Option<Consequence> {
    (0..task.containers.len()).find_map(|index| {
        if !matches!(task.containers[index].phase(), Phase::Pending | Phase::Resolved { .. }) {
            return None;
        }
        match order::readiness(task, index, context.now) {
            Readiness::Ready | Readiness::Waits { .. } => None,
            Readiness::Never { exit_code, reason } => {
                Some(never_ran(task, index, (exit_code, Some(reason)), context.now))
            }
        }
    })
}

/// A container whose image was found to crash the runtime. One that is being created is left to that.
fn quarantined(task: &Task, Context { config, work, quarantine, now }: Context<'_>) -> Option<Consequence> {
    if quarantine.is_empty() {
        return None;
    }
    task.containers.iter().enumerate().find_map(|(index, container)| {
        let Phase::Resolved { image, .. } = container.phase() else { return None };
        let reason = quarantine.refusal(image.digest.as_deref()?, config.image_quarantine, now)?;
        let idle = work.flight(&Lane::Container(task.reference(index))).is_none();
        idle.then(|| never_ran(task, index, (None, Some(reason)), now))
    })
}

/// An act that took longer than it may. What is late is cleaned up once its effect has ended.
fn overdue(task: &Task, context: Context<'_>) -> Option<Consequence> {
    let Stage::Admitted { at, pull_by } = task.stage else { return None };
    overdue_network(task, context).or_else(|| {
        (0..task.containers.len()).find_map(|index| overdue_container(task, index, (at, pull_by), context))
    })
}

fn overdue_network(task: &Task, Context { config, work, now, .. }: Context<'_>) -> Option<Consequence> {
    let limit = config.limits.network;
    let flight = work.flight(&Lane::Network(task.spec.arn.clone()))?;
    let late = flight.act == Act::Prepare && flight.since.plus(limit) <= now;
    if !late || task.desired == Desired::Stopped || has_processes(task) {
        return None;
    }
    let detail = format!("network of the task was not ready after {} s", limit.as_secs());
    Some(Consequence::StopTask(Reason::new(ReasonCode::ContainerNetworking, detail)))
}

fn overdue_container(
    task: &Task,
    index: usize,
    (admitted, pull_by): (Timestamp, Timestamp),
    Context { config, work, now, .. }: Context<'_>,
) -> Option<Consequence> {
    let container = task.reference(index);
    let may_run = work.may_have_started(&container);
    let lane = Lane::Container(container);
    let (act, goal, since, due) = match task.containers[index].phase() {
        Phase::Pending => (Act::Pull, "PULLED", admitted, pull_by),
        Phase::Resolved { .. } => {
            let since = work.tried_since(&lane, Act::Create)?;
            (Act::Create, "CREATED", since, since.plus(config.limits.create))
        }
        Phase::Restarting(restarting) if restarting.renewed_at.is_none() => {
            let since = work.tried_since(&lane, Act::Renew)?;
            (Act::Renew, "CREATED", since, since.plus(config.limits.create))
        }
        Phase::Created(_) | Phase::Restarting(_) => {
            let since = work.tried_since(&lane, Act::Start)?;
            (Act::Start, "RUNNING", since, since.plus(config.limits.start))
        }
        Phase::Running(_) | Phase::Stopped(_) => return None,
    };
    if now < due {
        return None;
    }
    let waited = due.since(since).as_secs();
    let mut detail = format!("Could not transition to {goal}; timed out after waiting {waited} s");
    if let Some(delay) = work.delayed(&lane, act) {
        detail = format!("{detail}: {}", delay.reason.detail);
    }
    let reason = Reason::new(ReasonCode::Timeout, detail);
    if let Some(restarting) = task.containers[index].restarting().filter(|_| !may_run || act == Act::Renew) {
        return Some(Consequence::StopContainer(index, restarting.end(Some(reason))));
    }
    if !may_run {
        return Some(never_ran(task, index, (None, Some(reason)), now));
    }
    // It may run: the task is to stop, and what became of the container is seen when the runtime answers.
    (task.desired == Desired::Running).then_some(Consequence::StopTask(reason))
}

/// The course of a stop: what never ran is dropped, what runs gets its time, dependants first. Source: features 7.5.
fn stopping(task: &Task, context: Context<'_>) -> Option<Consequence> {
    let Context { config, work, now, .. } = context;
    task.pairs().enumerate().find_map(|(index, (spec, container))| {
        let may_run = || work.may_have_started(&task.reference(index));
        match container.phase() {
            Phase::Pending | Phase::Resolved { .. } => {
                Some(never_ran(task, index, (None, reason_of_unpulled(task)), now))
            }
            // What may come to run, or has, is left to show: it is then stopped as others are.
            Phase::Created(_) if !may_run() => Some(never_ran(task, index, (None, None), now)),
            Phase::Restarting(restarting) if restarting.renewed_at.is_none() || !may_run() => {
                Some(Consequence::StopContainer(index, restarting.end(None)))
            }
            Phase::Running(running) if running.stop.is_none() && order::may_stop(task, index) => {
                let deadline = now.plus(spec.stop_timeout.unwrap_or(config.limits.stop));
                Some(Consequence::BeginStop(
                    index,
                    StopClock { since: now, deadline, asked: false, away: false },
                ))
            }
            Phase::Created(_) | Phase::Running(_) | Phase::Restarting(_) | Phase::Stopped(_) => None,
        }
    })
}

/// The end of a container that never ran. Only one without its image surely left nothing in the runtime: a creation may be
/// under way, or have got half-way before a crash.
fn never_ran(task: &Task, index: usize, cause: (Option<i32>, Option<Reason>), now: Timestamp) -> Consequence {
    let (exit_code, reason) = cause;
    let removed = matches!(task.containers[index].phase(), Phase::Pending);
    Consequence::StopContainer(index, End { at: now, exit_code, reason, removed })
}

/// ECS names this cause for a task that was stopped while it still waited in the queue.
fn reason_of_unpulled(task: &Task) -> Option<Reason> {
    let queued = matches!(task.stage, Stage::Queued { .. })
        && task.reason.as_ref().is_none_or(|reason| !reason.code.is_told());
    queued.then(|| {
        Reason::new(
            ReasonCode::TaskStoppedBeforePullBegin,
            "task was stopped before its first image was pulled",
        )
    })
}

/// Whether anything of the task runs. What only waits for its network to be started, or started again, would wait for ever where
/// that cannot be made.
pub(crate) fn has_processes(task: &Task) -> bool {
    let lives = |phase: &Phase| matches!(phase, Phase::Running(_));
    task.containers.iter().any(|container| lives(container.phase()))
}

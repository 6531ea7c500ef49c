//! What the state still wants done: effects derived from a task, never remembered.
//!
//! Each function reads the state and names the effect that is due in one lane; `Node` marks it as under way. Asking again
//! while it is under way names nothing, and asking after it was lost names it again: retry and recovery are the same.

use crate::attachment::Attachment;
use crate::effect::{Effect, StopSignal};
use crate::event::{ContainerRef, Desired};
use crate::making;
use crate::phase::{Phase, Running};
use crate::record::Absent;
use crate::report::AttachmentReport;
use crate::settle::Context;
use crate::spec::ContainerSpec;
use crate::task::{Stage, Task, TaskNetwork};
use crate::time::Timestamp;
use crate::work::{Act, Lane, Work};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

/// Every effect that the task wants now.
pub(crate) fn plan_task(task: &Task, context: Context<'_>) -> Vec<Effect> {
    let mut effects: Vec<Effect> = plan_network(task, context).into_iter().collect();
    for index in 0..task.containers.len() {
        effects.extend(plan_container(task, index, context));
        effects.extend(plan_probe(task, index, context));
    }
    let begun = matches!(task.stage, Stage::Queued { .. } | Stage::Admitted { .. });
    if let Some(network) = task.network.as_ref().filter(|_| begun && task.desired == Desired::Running) {
        effects.extend(plan_attached(&task.spec.arn, network, context));
    }
    effects.extend(plan_report(task, context));
    effects
}

/// The effect that an interface without its task wants now.
pub(crate) fn plan_attachment(task: &TaskArn, attachment: &Attachment, context: Context<'_>) -> Vec<Effect> {
    let Context { work, now, .. } = context;
    let lane = Lane::Network(task.clone());
    if attachment.has_lapsed(now) {
        let release = Effect::ReleaseTask { task: task.clone() };
        return work.may(&lane, Act::Release, now).then_some(release).into_iter().collect();
    }
    let prepare =
        Effect::PrepareNetwork { task: task.clone(), interface: attachment.network.interface.clone() };
    let wanted = !attachment.network.ready && work.may(&lane, Act::Prepare, now);
    let attached = plan_attached(task, &attachment.network, context);
    wanted.then_some(prepare).into_iter().chain(attached).collect()
}

fn plan_network(task: &Task, Context { work, now, .. }: Context<'_>) -> Option<Effect> {
    let arn = &task.spec.arn;
    let lane = Lane::Network(arn.clone());
    match task.stage {
        Stage::Queued { .. } | Stage::Released { .. } => None,
        Stage::Admitted { .. } => {
            let network = task.network.as_ref().filter(|network| !network.ready)?;
            // A task that stops keeps its endpoint while a process of it lives.
            let in_use = |phase: &Phase| match phase {
                Phase::Running(_) => true,
                Phase::Pending | Phase::Resolved { .. } | Phase::Created(_) | Phase::Restarting(_) => {
                    task.desired == Desired::Running
                }
                Phase::Stopped(_) => false,
            };
            let wanted = task.containers.iter().any(|container| in_use(container.phase()));
            let prepare = Effect::PrepareNetwork { task: arn.clone(), interface: network.interface.clone() };
            (wanted && work.may(&lane, Act::Prepare, now)).then_some(prepare)
        }
        Stage::Ended { .. } => {
            let release = Effect::ReleaseTask { task: arn.clone() };
            (task.is_gone() && work.may(&lane, Act::Release, now)).then_some(release)
        }
    }
}

fn plan_container(task: &Task, index: usize, context: Context<'_>) -> Option<Effect> {
    let container = task.reference(index);
    let spec = &task.spec.containers[index];
    let standing = task.network.as_ref().is_none_or(|network| network.ready);
    let due = making::is_due(task, index, context.now);
    let (act, effect) = match task.containers[index].phase() {
        Phase::Pending if task.is_wanted() => {
            let (image, refused) = (spec.image.clone(), context.quarantine.digests());
            (Act::Pull, Effect::PullImage { container: container.clone(), image, refused })
        }
        Phase::Resolved { image, .. } if due => {
            let (spec, image) = (Arc::clone(&task.spec), image.clone());
            (Act::Create, Effect::CreateContainer { container: container.clone(), spec, image })
        }
        Phase::Restarting(restarting) if restarting.renewed_at.is_none() => {
            if !due {
                return None;
            }
            let (spec, restarts) =
                (Arc::clone(&task.spec), task.containers[index].restarts_after(restarting));
            (Act::Renew, Effect::RenewContainer { container: container.clone(), spec, restarts })
        }
        // A start that was not answered is cleared up before anything else: it may have been done.
        Phase::Created(_) | Phase::Restarting(_) if context.work.is_unsure(&container) => {
            (Act::Start, Effect::InspectContainer { container: container.clone() })
        }
        Phase::Created(_) | Phase::Restarting(_) if task.is_wanted() && standing => {
            (Act::Start, Effect::StartContainer { container: container.clone() })
        }
        Phase::Running(running) => {
            let (act, signal) = signal_due(running, spec, context.now)?;
            (act, Effect::SignalContainer { container: container.clone(), signal })
        }
        // What has ended stays in the runtime until all of its task has: with the agent's own state lost, "not there" then
        // means "never ran", and nothing is run a second time.
        Phase::Stopped(stopped) if !stopped.removed && task.has_stopped() => {
            (Act::Delete, Effect::DeleteContainer { container: container.clone() })
        }
        Phase::Pending
        | Phase::Resolved { .. }
        | Phase::Created(_)
        | Phase::Restarting(_)
        | Phase::Stopped(_) => return None,
    };
    context.work.may(&Lane::Container(container), act, context.now).then_some(effect)
}

/// The signal that a stopping container is due: the polite one until it was delivered, SIGKILL from the deadline on, which does not
/// come while nobody could ask it.
fn signal_due(running: &Running, spec: &ContainerSpec, now: Timestamp) -> Option<(Act, StopSignal)> {
    let clock = running.stop?;
    if clock.deadline <= now && !clock.away {
        Some((Act::Kill, StopSignal::Kill))
    } else {
        (!clock.asked).then(|| (Act::Ask, StopSignal::Polite(spec.process.stop_signal.clone())))
    }
}

fn plan_probe(task: &Task, index: usize, Context { work, now, .. }: Context<'_>) -> Option<Effect> {
    let check = task.spec.containers[index].health_check.as_ref()?;
    let due = next_probe(task, index)? <= now;
    let container = task.reference(index);
    let free = work.may(&Lane::Probe(container.clone()), Act::Probe, now);
    (due && free).then(|| Effect::ProbeHealth { container, check: check.clone() })
}

/// When the container's next health probe is due; `None` when none is.
pub(crate) fn next_probe(task: &Task, index: usize) -> Option<Timestamp> {
    match task.containers[index].phase() {
        Phase::Running(Running { health: Some(health), stop: None, .. }) => Some(health.next_probe),
        Phase::Pending
        | Phase::Resolved { .. }
        | Phase::Created(_)
        | Phase::Running(_)
        | Phase::Restarting(_)
        | Phase::Stopped(_) => None,
    }
}

fn plan_attached(
    task: &TaskArn,
    network: &TaskNetwork,
    Context { work, now, .. }: Context<'_>,
) -> Option<Effect> {
    let lane = Lane::Attachment(task.clone());
    let attachment_arn = network.attachment_due()?.to_owned();
    let report = AttachmentReport { task: task.clone(), attachment_arn };
    let after = backoff_left(work, &lane, Act::Attach, now);
    work.flight(&lane).is_none().then_some(Effect::ReportAttachment { report, after })
}

fn plan_report(task: &Task, Context { config, work, now, .. }: Context<'_>) -> Option<Effect> {
    let lane = Lane::Report(task.spec.arn.clone());
    if work.flight(&lane).is_some() {
        return None;
    }
    let report = task.report_due(config.report_hold, now)?;
    Some(Effect::ReportTask { report, after: backoff_left(work, &lane, Act::Report, now) })
}

/// How much of a failed report's rest is left. The shell waits it out, so that a report is always at hand.
fn backoff_left(work: &Work, lane: &Lane, act: Act, now: Timestamp) -> Duration {
    work.rests_until(lane, act).map_or(Duration::ZERO, |until| until.since(now))
}

/// What a task without a definition wants: what the runtime still has of it is removed, then STOPPED is said.
pub(crate) fn plan_absent(
    task: &TaskArn,
    absent: &Absent,
    orphans: &BTreeMap<ContainerRef, Timestamp>,
    Context { work, now, .. }: Context<'_>,
) -> Vec<Effect> {
    let left: Vec<&ContainerRef> = orphans.keys().filter(|orphan| orphan.task == *task).collect();
    if !left.is_empty() {
        let free = |orphan: &&&ContainerRef| work.may(&Lane::Container((**orphan).clone()), Act::Delete, now);
        let delete = |orphan: &&ContainerRef| Effect::DeleteContainer { container: (*orphan).clone() };
        return left.iter().filter(free).map(delete).collect();
    }
    let mut effects = Vec::new();
    if absent.remains && work.may(&Lane::Network(task.clone()), Act::Release, now) {
        effects.push(Effect::ReleaseTask { task: task.clone() });
    }
    let lane = Lane::Report(task.clone());
    if !absent.told && work.flight(&lane).is_none() {
        let report = absent.report(task);
        effects.push(Effect::ReportTask { report, after: backoff_left(work, &lane, Act::Report, now) });
    }
    effects
}

//! From what a step changed to moments of the journal. Pure: two states of a task in, what happened between them out.

use crate::container::Container;
use crate::health::HealthStatus;
use crate::journal::{Happening, Moment};
use crate::reason::Reason;
use crate::report::Status;
use crate::task::{Stage, Task};
use crate::time::Timestamp;

/// Longest detail of a reason in a moment, in characters; the record of the task has all of it.
const DETAIL_MAX: usize = 400;

/// What happened between two states of a task, in the order in which such things happen.
pub(crate) fn changes(before: Option<&Task>, after: &Task, now: Timestamp) -> Vec<Moment> {
    let mut found = Found { now, moments: Vec::new() };
    if before.is_none() {
        found.at(after.received_at, Happening::Received);
    }
    found.entered(before.map(|before| &before.stage), &after.stage);
    if let Some(reason) = after.reason.as_ref().filter(|_| before.is_none_or(|task| task.reason.is_none())) {
        found.now(Happening::StopWanted { reason: brief(reason) });
    }
    if network_is_new(before, after) {
        found.now(Happening::NetworkReady);
    }
    for (index, container) in after.containers.iter().enumerate() {
        let earlier = before.and_then(|before| before.containers.get(index));
        found.came_up(earlier, container);
        found.went_down(earlier, container, after.spec.containers[index].process.stop_signal.as_deref());
    }
    found.left(before.map(|before| &before.stage), &after.stage);
    found.told(before, after);
    found.moments
}

/// The moments found so far.
struct Found {
    now: Timestamp,
    moments: Vec<Moment>,
}

impl Found {
    fn at(&mut self, at: Timestamp, what: Happening) {
        self.moments.push(Moment { at, what });
    }

    fn now(&mut self, what: Happening) {
        self.at(self.now, what);
    }

    fn entered(&mut self, before: Option<&Stage>, after: &Stage) {
        match after {
            Stage::Queued { short_of: Some(short_of) } if before != Some(after) => {
                self.now(Happening::Queued { short_of: *short_of });
            }
            Stage::Admitted { at, .. } if !matches!(before, Some(Stage::Admitted { .. })) => {
                self.at(*at, Happening::Admitted);
            }
            Stage::Queued { .. } | Stage::Admitted { .. } | Stage::Ended { .. } | Stage::Released { .. } => {}
        }
    }

    fn left(&mut self, before: Option<&Stage>, after: &Stage) {
        let ended = |stage: &Stage| matches!(stage, Stage::Ended { .. } | Stage::Released { .. });
        let released = |stage: &Stage| matches!(stage, Stage::Released { .. });
        if ended(after) && !before.is_some_and(ended) {
            self.now(Happening::Ended);
        }
        if released(after) && !before.is_some_and(released) {
            self.now(Happening::Released);
        }
    }

    fn came_up(&mut self, before: Option<&Container>, after: &Container) {
        let container = || after.name().to_owned();
        if let (None, Some(image)) = (before.and_then(Container::image), after.image()) {
            let times = image.pull_started_at.zip(image.pull_stopped_at);
            let took = times.and_then(|(from, to)| u64::try_from(to.since(from).as_millis()).ok());
            let at = image.pull_stopped_at.unwrap_or(self.now);
            self.at(at, Happening::Pulled { container: container(), took });
        }
        if let (None, Some(at)) = (before.and_then(Container::created_at), after.created_at()) {
            self.at(at, Happening::Created { container: container() });
        }
        if let (None, Some(at)) = (before.and_then(Container::started_at), after.started_at()) {
            self.at(at, Happening::Started { container: container() });
        }
        self.restarted(before, after);
        let status = |container: &Container| container.health().map(|health| health.status);
        if let Some(health) = after.health()
            && before.and_then(status) != Some(health.status)
            && health.status != HealthStatus::Unknown
        {
            self.at(health.since, Happening::Health { container: container(), status: health.status });
        }
    }

    fn restarted(&mut self, before: Option<&Container>, after: &Container) {
        let container = || after.name().to_owned();
        let Some(before) = before else { return };
        let count = |container: &Container| container.restarts().map(|restarts| restarts.count);
        let restarts = after.restarts().filter(|_| count(before) != count(after));
        if let (Some(restarts), Some(at)) = (restarts, after.started_at()) {
            self.at(at, Happening::Restarted { container: container(), count: restarts.count });
        }
        let ended = |container: &Container| container.restarting().map(|restarting| restarting.exit);
        if let Some(restarting) = after.restarting().filter(|_| ended(before) != ended(after)) {
            let ran = restarting.exit.at.since(restarting.started_at).as_millis();
            let (exit_code, ran) = (restarting.exit.code, u64::try_from(ran).unwrap_or(u64::MAX));
            self.at(restarting.exit.at, Happening::Restarting { container: container(), exit_code, ran });
        }
    }

    fn went_down(&mut self, before: Option<&Container>, after: &Container, signal: Option<&str>) {
        let container = || after.name().to_owned();
        let clock = |container: &Container| container.stop_clock();
        if let (None, Some(clock)) = (before.and_then(clock), after.stop_clock()) {
            self.at(clock.since, Happening::StopBegun { container: container(), deadline: clock.deadline });
        }
        let asked = |container: &Container| container.stop_clock().is_some_and(|clock| clock.asked);
        if asked(after) && !before.is_some_and(asked) {
            let signal = signal.unwrap_or("SIGTERM").to_owned();
            self.now(Happening::Signalled { container: container(), signal });
        }
        if after.ran_out() && !before.is_some_and(Container::ran_out) {
            self.now(Happening::OutOfMemory { container: container() });
        }
        let end = |container: &Container| {
            container.stopped().map(|stopped| (stopped.exit_code, stopped.reason.as_ref().map(|r| r.code)))
        };
        if let Some(stopped) = after.stopped().filter(|_| before.and_then(end) != end(after)) {
            let (exit_code, reason) = (stopped.exit_code, after.why().as_ref().map(brief));
            self.at(stopped.at, Happening::Stopped { container: container(), exit_code, reason });
        }
        if after.is_gone() && !before.is_some_and(Container::is_gone) {
            self.now(Happening::Removed { container: container() });
        }
    }

    fn told(&mut self, before: Option<&Task>, after: &Task) {
        let earlier = |index: usize| before.and_then(|before| before.containers.get(index)?.told);
        let new =
            after.containers.iter().enumerate().filter(|(index, container)| container.told > earlier(*index));
        let containers: Vec<(String, Status)> =
            new.filter_map(|(_, container)| Some((container.name().to_owned(), container.told?))).collect();
        let news = after.told > before.and_then(|before| before.told) || !containers.is_empty();
        if let Some(status) = after.told.filter(|_| news) {
            self.now(Happening::Told { status, containers });
        }
    }
}

/// A network that stands for the first time: after a restart it is made ready again below what runs, which is no news.
fn network_is_new(before: Option<&Task>, after: &Task) -> bool {
    let ready = |task: &Task| task.network.as_ref().is_some_and(|network| network.ready);
    let fresh = after.containers.iter().all(|container| container.created_at().is_none());
    fresh && ready(after) && !before.is_some_and(ready)
}

/// The reason with at most [`DETAIL_MAX`] characters of detail.
pub(crate) fn brief(reason: &Reason) -> Reason {
    Reason::new(reason.code, reason.detail.chars().take(DETAIL_MAX).collect::<String>())
}

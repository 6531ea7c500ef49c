//! How stopped tasks are forgotten, in two steps: the record goes with volumes and logs after `task_retention`, and a story is
//! left; the story goes after `history_age`, or earlier when there are more than `history_count`, the oldest first. The answer for a task
//! that never ran here is kept as long as a story.

use crate::node::Node;
use crate::record::{Absent, RecordKey};
use crate::story::Story;
use crate::task::Task;
use crate::time::Timestamp;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

impl Node {
    /// Retires tasks that ended long ago, are released and of which STOPPED was taken; drops stories that are too old or too many.
    pub(crate) fn retire(&mut self) {
        let (now, retention) = (self.now, self.config.task_retention);
        let ended = |task: &Task| task.droppable_at(retention).is_some_and(|at| at <= now);
        let expired: Vec<TaskArn> =
            self.tasks.iter().filter(|(_, task)| ended(task)).map(|(arn, _)| arn.clone()).collect();
        for arn in expired {
            self.retire_task(arn);
        }
        let (age, count) = (self.config.history_age, self.config.history_count);
        // Kept as long as stories are: a request that comes late would run what was told STOPPED.
        let over = |absent: &Absent| absent.told && !absent.remains && absent.since.plus(retention) <= now;
        let answered = self.absent.iter().filter(|(_, absent)| over(absent));
        for arn in surplus(answered.map(|(arn, absent)| (arn, absent.since)), age, count, now) {
            self.absent.remove(&arn);
            self.draft.dirty.insert(RecordKey::task(&arn));
        }
        for arn in surplus(self.history.iter().map(|(arn, at)| (arn, *at)), age, count, now) {
            self.history.remove(&arn);
            self.retiring.remove(&arn);
            self.draft.dirty.insert(RecordKey::history(&arn));
        }
    }

    fn retire_task(&mut self, arn: TaskArn) {
        let task = self.tasks.remove(&arn);
        self.draft.before(&arn, task.as_ref());
        self.work.drop_task(&arn);
        let journal = self.journals.remove(&arn).unwrap_or_default();
        self.draft.dirty.insert(RecordKey::journal(&arn));
        if let Some(task) = task {
            let story = Story::of(&task, journal);
            self.draft.dirty.insert(RecordKey::history(&arn));
            self.history.insert(arn.clone(), story.ended_at.unwrap_or(story.received_at));
            self.retiring.insert(arn, story);
        }
    }
}

/// The tasks whose end is too long ago, and the oldest of those that are too many.
fn surplus<'a>(
    ends: impl Iterator<Item = (&'a TaskArn, Timestamp)> + Clone,
    age: Duration,
    count: usize,
    now: Timestamp,
) -> Vec<TaskArn> {
    let old = |ended_at: Timestamp| ended_at.plus(age) <= now;
    if ends.clone().count() <= count && !ends.clone().any(|(_, at)| old(at)) {
        return Vec::new();
    }
    let mut by_end: Vec<(&TaskArn, Timestamp)> = ends.collect();
    by_end.sort_by_key(|(_, ended_at)| *ended_at);
    let too_many = by_end.len().saturating_sub(count);
    let goes = |(index, (_, at)): &(usize, (&TaskArn, Timestamp))| *index < too_many || old(*at);
    by_end.into_iter().enumerate().filter(goes).map(|(_, (arn, _))| arn.clone()).collect()
}

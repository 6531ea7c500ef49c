//! How stopped tasks are forgotten, in two steps: the record goes with volumes and logs after `task_retention`, and a story is
//! left; the story goes after `history_age`, or earlier when there are more than `history_count`, the oldest first.

use crate::node::Node;
use crate::record::RecordKey;
use crate::story::Story;
use crate::task::Task;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_protocol::arn::TaskArn;

impl Node {
    /// Retires tasks that ended long ago, are released and of which STOPPED was taken; drops stories that are too old or too many.
    pub(crate) fn retire(&mut self) {
        let (now, retention) = (self.now, self.config.task_retention);
        let over = |task: &Task| task.droppable_at(retention).is_some_and(|at| at <= now);
        let expired: Vec<TaskArn> =
            self.tasks.iter().filter(|(_, task)| over(task)).map(|(arn, _)| arn.clone()).collect();
        for arn in expired {
            self.retire_task(arn);
        }
        let draft = &mut self.draft;
        self.absent.retain(|arn, absent| {
            let kept = !(absent.told && !absent.remains && absent.since.plus(retention) <= now);
            if !kept {
                draft.dirty.insert(RecordKey::task(arn));
            }
            kept
        });
        for arn in surplus(&self.history, self.config.history_age, self.config.history_count, now) {
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

/// The stories that are too old, and the oldest of those that are too many.
fn surplus(
    history: &BTreeMap<TaskArn, Timestamp>,
    age: Duration,
    count: usize,
    now: Timestamp,
) -> Vec<TaskArn> {
    let old = |ended_at: Timestamp| ended_at.plus(age) <= now;
    if history.len() <= count && !history.values().any(|at| old(*at)) {
        return Vec::new();
    }
    let mut by_end: Vec<(&TaskArn, Timestamp)> = history.iter().map(|(arn, at)| (arn, *at)).collect();
    by_end.sort_by_key(|(_, ended_at)| *ended_at);
    let too_many = by_end.len().saturating_sub(count);
    let goes = |(index, (_, at)): &(usize, (&TaskArn, Timestamp))| *index < too_many || old(*at);
    by_end.into_iter().enumerate().filter(goes).map(|(_, (arn, _))| arn.clone()).collect()
}

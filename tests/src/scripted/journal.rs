//! What the scripted control plane has received: questions to its journal, and waits until it holds an answer.

use super::{Received, Scripted};
use std::time::{Duration, Instant};
use wharf_protocol::{acs, api};

impl Scripted {
    /// Everything received so far, with its time.
    pub fn journal(&self) -> Vec<(Instant, Received)> {
        self.look(<[_]>::to_vec)
    }

    /// What the journal says now. It is not copied: it grows with every task, and is asked about each of them.
    fn look<T>(&self, ask: impl FnOnce(&[(Instant, Received)]) -> T) -> T {
        ask(&self.shared.journal.lock().expect("no holder panics"))
    }

    /// Waits until `find` answers on the journal.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        deadline: Duration,
        find: impl Fn(&[(Instant, Received)]) -> Option<T>,
    ) -> T {
        let mut length = self.shared.length.subscribe();
        let search = async {
            loop {
                // The mark is taken before the look, so that nothing that comes in between is missed.
                length.mark_unchanged();
                if let Some(found) = self.look(&find) {
                    return found;
                }
                length.changed().await.expect("the sender lives in self");
            }
        };
        match tokio::time::timeout(deadline, search).await {
            Ok(found) => found,
            Err(_) => panic!("waited {deadline:?} for {what}; received so far: {:#?}", self.summary()),
        }
    }

    /// Waits until the agent holds an ACS session.
    pub async fn connected(&self) {
        self.connected_again(0).await;
    }

    /// How many ACS sessions the agent has opened so far.
    pub fn sessions(&self) -> usize {
        self.look(sessions)
    }

    /// Waits until the agent has opened more ACS sessions than `before`.
    pub async fn connected_again(&self, before: usize) {
        // A start lists first, and waits for shims that a killed agent left busy.
        self.wait_for("another ACS session", Duration::from_secs(90), |journal| {
            (sessions(journal) > before).then_some(())
        })
        .await;
    }

    /// Waits for this status of the task and returns when it came and what it said.
    pub async fn status_of(
        &self,
        task: &str,
        status: &str,
        deadline: Duration,
    ) -> (Instant, api::SubmitTaskStateChangeRequest) {
        self.wait_for(&format!("{status} of {task}"), deadline, |journal| {
            submissions(journal, task)
                .find(|(_, s)| s.status.as_deref() == Some(status))
                .map(|(at, s)| (at, s.clone()))
        })
        .await
    }

    /// Every state submitted of the task, in order.
    pub fn statuses_of(&self, task: &str) -> Vec<String> {
        self.look(|journal| submissions(journal, task).filter_map(|(_, s)| s.status.clone()).collect())
    }

    /// What was told last of a container. It may stand in a report before the task's STOPPED: RUNNING, when it is late or has to
    /// be repeated, says which containers have ended meanwhile.
    pub fn last_told(&self, task: &str, container: &str) -> api::ContainerStateChange {
        let last = self.look(|journal| {
            let told = submissions(journal, task).flat_map(|(_, report)| &report.containers);
            told.filter(|c| c.container_name.as_deref() == Some(container)).last().cloned()
        });
        last.unwrap_or_else(|| panic!("nothing was told of container {container}"))
    }

    /// Waits for the `AckRequest` of a message.
    pub async fn acked(&self, message_id: &str, deadline: Duration) {
        self.wait_for(&format!("the ack of {message_id}"), deadline, |journal| {
            acks(journal, message_id).next()
        })
        .await;
    }

    /// Waits for the `AckRequest` of a message without an end; the caller has one.
    pub async fn acked_ever(&self, message_id: &str) {
        let mut length = self.shared.length.subscribe();
        while self.acks_of(message_id) == 0 {
            length.changed().await.expect("the sender lives in self");
        }
    }

    /// How often a message was acknowledged.
    pub fn acks_of(&self, message_id: &str) -> usize {
        self.look(|journal| acks(journal, message_id).count())
    }

    fn summary(&self) -> Vec<String> {
        self.look(|journal| journal.iter().map(|(_, received)| line(received)).collect())
    }
}

fn line(received: &Received) -> String {
    match received {
        Received::Registered(_) => "RegisterContainerInstance".to_owned(),
        Received::Submitted(s) => format!(
            "{} {} reason {:?} containers {:?} attachments {}",
            s.task.as_deref().unwrap_or_default(),
            s.status.as_deref().unwrap_or_default(),
            s.reason.as_deref().unwrap_or_default(),
            s.containers
                .iter()
                .map(|c| (&c.container_name, &c.status, c.exit_code, &c.reason))
                .collect::<Vec<_>>(),
            s.attachments.len()
        ),
        Received::TurnedAway => "a call, answered with an error".to_owned(),
        Received::UpgradeRefused => "an upgrade, refused".to_owned(),
        Received::AcsConnected(query) => format!("ACS connected {query}"),
        Received::Acs(message) => format!("ACS {}", message.type_name()),
        Received::Tcs(message) => format!("TCS {}", message.type_name()),
    }
}

fn sessions(journal: &[(Instant, Received)]) -> usize {
    journal.iter().filter(|(_, received)| matches!(received, Received::AcsConnected(_))).count()
}

fn submissions<'a>(
    journal: &'a [(Instant, Received)],
    task: &'a str,
) -> impl Iterator<Item = (Instant, &'a api::SubmitTaskStateChangeRequest)> {
    journal.iter().filter_map(move |(at, received)| match received {
        Received::Submitted(s) if s.task.as_deref() == Some(task) && s.status.is_some() => {
            Some((*at, s.as_ref()))
        }
        _ => None,
    })
}

fn acks<'a>(journal: &'a [(Instant, Received)], message_id: &'a str) -> impl Iterator<Item = ()> + 'a {
    journal.iter().filter_map(move |(_, received)| match received {
        Received::Acs(message) => match message.as_ref() {
            acs::Message::AckRequest(ack) if ack.message_id.as_deref() == Some(message_id) => Some(()),
            _ => None,
        },
        _ => None,
    })
}

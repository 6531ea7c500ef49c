//! Frames of ACS, through the session and the conversation behind it, up to the events that the node would get.

use crate::peer::{Peer, api, identity, impatient};
use crate::tally::{Tally, house_corpus, protocol_corpus};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use wharf_agent::acs::Policy;
use wharf_agent::conversation::Conversation;
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::healing::Healing;
use wharf_agent::owner::Input;
use wharf_agent::seam::SystemClock;
use wharf_agent::view::View;
use wharf_core::event::{Event, Goal};
use wharf_link::acs::{AcsConfig, run_acs};
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_protocol::arn::TaskArn;

pub async fn frames() -> Tally {
    let mut peer = Peer::start().await;
    let cancel = CancellationToken::new();
    let (to_agent, inbound) = mpsc::channel(64);
    let (outbound, to_session) = mpsc::channel(64);
    let (inbox, mut events) = mpsc::channel(64);
    let (_node, replies) = mpsc::channel(64);
    let credentials = CredentialStore::default();
    let conversation = Conversation {
        inbound,
        outbound,
        inbox,
        replies,
        policy: Policy { privileged: true, task_eni: true, health_check: true, logging_drivers: Vec::new() },
        credentials: credentials.clone(),
        view: watch::channel(Arc::new(View::default())).1,
        heartbeat: Arc::new(Notify::new()),
        active: watch::channel(true).0,
        healing: Healing::new(),
        clock: SystemClock,
    };
    let config = AcsConfig {
        api: api(peer.url()),
        identity: identity(),
        endpoint: Some(peer.url()),
        timings: impatient(Timings::ACS),
        jitter: Jitter::seeded(1),
    };
    let forgets = credentials.clone();
    let node = tokio::spawn(async move {
        while let Some(input) = events.recv().await {
            // As the node has it when a task is forgotten: what valid frames leave is no leak of the parser.
            if let Input::Event(Event::PayloadReceived { goals, .. }) = input {
                goals.iter().for_each(|goal| forgets.remove_task(task_of(goal)));
            }
        }
    });
    let talk = tokio::spawn(conversation.run(cancel.clone()));
    let session = tokio::spawn(run_acs(config, to_agent, to_session, cancel.clone()));
    let mut right = protocol_corpus("acs");
    right.extend(house_corpus("payload"));
    let tally = Tally::run_async("ACS frames", right, async |input| peer.say(input).await).await;
    cancel.cancel();
    for task in [node, talk, session] {
        task.await.unwrap();
    }
    peer.stop().await;
    tally
}

fn task_of(goal: &Goal) -> &TaskArn {
    match goal {
        Goal::Run(spec) => &spec.arn,
        Goal::Stop(task) | Goal::Refuse(task, _) => task,
    }
}

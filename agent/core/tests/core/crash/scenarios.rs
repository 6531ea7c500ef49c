//! The stories: what the control plane sends, when, and how the host behaves.

use super::driver::Wish;
use super::world::Behaviour;
use crate::build::{ContainerExt, T0, a_container, a_task, announced, arn, awsvpc, payload, reason, seconds};
use std::collections::BTreeMap;
use wharf_core::event::{Event, Goal};
use wharf_core::reason::ReasonCode;
use wharf_core::spec::{Condition, Network, TaskSpec};
use wharf_protocol::arn::TaskArn;

/// A message of the control plane.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id, if it is to be acknowledged; it is sent again until it is.
    pub id: Option<String>,
    pub event: Event,
    /// Sent once so many effects were performed; `None` when nothing moves any more.
    pub after: Option<usize>,
}

impl Message {
    pub fn at_once(self) -> Self {
        Self { after: Some(0), ..self }
    }
}

pub struct Scenario {
    pub name: String,
    pub script: Vec<Message>,
    pub behaviour: Behaviour,
    wish: Vec<(TaskArn, Wish)>,
}

impl Scenario {
    fn new(name: impl Into<String>, script: Vec<Message>) -> Self {
        let mut wish = BTreeMap::new();
        for message in &script {
            match &message.event {
                Event::PayloadReceived { goals, .. } => goals.iter().for_each(|goal| match goal {
                    Goal::Run(spec) => {
                        wish.entry(spec.arn.clone()).or_insert(Wish::Run);
                    }
                    // Whatever comes before or after it: a stop is for ever.
                    Goal::Stop(task) | Goal::Refuse(task, _) => {
                        wish.insert(task.clone(), Wish::Stop);
                    }
                }),
                Event::ManifestReceived { tasks, .. } => {
                    wish.iter_mut()
                        .filter(|(task, _)| !tasks.contains_key(task))
                        .for_each(|(_, w)| *w = Wish::Stop);
                }
                _ => {}
            }
        }
        Self { name: name.into(), script, behaviour: Behaviour::default(), wish: wish.into_iter().collect() }
    }

    fn where_(mut self, change: impl FnOnce(&mut Behaviour)) -> Self {
        change(&mut self.behaviour);
        self
    }

    /// Whatever is wished for, it cannot be.
    fn hopeless(mut self) -> Self {
        self.wish.iter_mut().for_each(|(_, wish)| *wish = Wish::Stop);
        self
    }

    /// What the control plane wants of each task in the end.
    pub fn wishes(&self) -> Vec<(TaskArn, Wish)> {
        self.wish.clone()
    }

    /// Definitions of the tasks in it.
    pub fn specs(&self) -> BTreeMap<TaskArn, TaskSpec> {
        let goals = self.script.iter().flat_map(|message| match &message.event {
            Event::PayloadReceived { goals, .. } => goals.as_slice(),
            _ => &[],
        });
        let spec = |goal: &Goal| match goal {
            Goal::Run(spec) => Some((spec.arn.clone(), (**spec).clone())),
            Goal::Stop(_) | Goal::Refuse(..) => None,
        };
        goals.filter_map(spec).collect()
    }
}

fn message(id: &str, after: Option<usize>, goals: Vec<Goal>) -> Message {
    Message { id: Some(id.to_owned()), event: payload(id, goals), after }
}

fn run(spec: TaskSpec) -> Message {
    message("run", Some(0), vec![Goal::Run(Box::new(spec))])
}

fn stop(after: Option<usize>) -> Message {
    message("stop", after, vec![Goal::Stop(arn("t"))])
}

fn late_run(after: Option<usize>) -> Message {
    message("late-run", after, vec![Goal::Run(Box::new(one()))])
}

fn announcement(task: &str) -> Message {
    Message { id: Some("m-attach".to_owned()), event: announced(task, T0.plus(seconds(60))), after: Some(0) }
}

fn one() -> TaskSpec {
    a_task("t", vec![a_container("app")])
}

/// `app` waits for `side`.
fn two(condition: Condition) -> TaskSpec {
    let side = a_container("side").helper().checked();
    a_task("t", vec![a_container("app").after("side", condition), side])
}

/// Every story, each small enough that all its boundaries can be tried.
pub fn all() -> Vec<Scenario> {
    let mut all = vec![
        Scenario::new("run", vec![run(one())]),
        Scenario::new("run, stop", vec![run(one()), stop(None)]),
        Scenario::new("stop of a task that was never known", vec![stop(Some(0)), late_run(None)]),
        Scenario::new("stop, then the run arrives", vec![stop(Some(0)), late_run(Some(0))]),
        Scenario::new("run, stop, stale run", vec![run(one()), stop(None), late_run(Some(9))]),
        Scenario::new("run, stop, stale run at rest", vec![run(one()), stop(None), late_run(None)]),
        Scenario::new("run twice", vec![run(one()), late_run(Some(2))]),
        Scenario::new("dying container", vec![run(one())]).where_(|b| {
            b.short_lived.insert("app", 3);
        }),
        Scenario::new("deaf container", vec![run(one()), stop(None)]).where_(|b| {
            b.deaf.insert("app");
        }),
        Scenario::new("reports get lost", vec![run(one()), stop(Some(5))]).where_(|b| b.lost_reports = 3),
    ];
    all.extend(
        (0..8).map(|k| Scenario::new(format!("stop after {k} effects"), vec![run(one()), stop(Some(k))])),
    );
    all.extend(restarts());
    all.extend(dependencies());
    all.extend(failures());
    all.extend(networks());
    all.extend(crowds());
    all
}

fn restarts() -> Vec<Scenario> {
    let app = |period| a_container("app").restarted(period, &[7]);
    let task = |period| run(a_task("t", vec![app(period)]));
    let ends = |codes: Vec<i32>| move |b: &mut Behaviour| drop(b.first_ends.insert("app", codes));
    let helper = a_container("side").helper().restarted(0, &[]).checked();
    let pair = a_task("t", vec![a_container("app").after("side", Condition::Healthy), helper]);
    vec![
        Scenario::new("restart", vec![task(0)]).where_(ends(vec![3])),
        Scenario::new("restart twice, stop", vec![task(0), stop(None)]).where_(ends(vec![0, 3])),
        Scenario::new("restart with a network", vec![run(awsvpc(a_task("t", vec![app(0)])))])
            .where_(ends(vec![3])),
        Scenario::new("ignored code", vec![task(0)]).where_(ends(vec![7])),
        Scenario::new("too soon to start again", vec![task(60)]).where_(ends(vec![3])),
        Scenario::new("stop while it starts again", vec![task(0), stop(Some(4))]).where_(ends(vec![3])),
        Scenario::new("stop while it is made anew", vec![task(0), stop(Some(3))]).where_(ends(vec![3])),
        Scenario::new("stop of one that would be started again", vec![task(0), stop(None)]),
        Scenario::new("helper that is started again", vec![run(pair), stop(None)]).where_(|b| {
            b.first_ends.insert("side", vec![1]);
        }),
    ]
}

fn dependencies() -> Vec<Scenario> {
    vec![
        Scenario::new("START", vec![run(two(Condition::Start)), stop(None)]),
        Scenario::new("HEALTHY", vec![run(two(Condition::Healthy)), stop(None)]),
        Scenario::new("SUCCESS", vec![run(two(Condition::Success))]).where_(|b| {
            b.short_lived.insert("side", 0);
        }),
        Scenario::new("SUCCESS that fails", vec![run(two(Condition::Success))]).where_(|b| {
            b.short_lived.insert("side", 1);
        }),
        Scenario::new("COMPLETE", vec![run(two(Condition::Complete)), stop(None)]).where_(|b| {
            b.short_lived.insert("side", 1);
        }),
        Scenario::new("helper that cannot start", vec![run(two(Condition::Start))]).where_(|b| {
            b.broken_start.insert("side");
        }),
    ]
}

fn failures() -> Vec<Scenario> {
    vec![
        Scenario::new("image that cannot be pulled", vec![run(one())]).where_(|b| {
            b.broken_images.insert("app");
        }),
        Scenario::new("container that cannot be created", vec![run(one())]).where_(|b| {
            b.broken_creation.insert("app");
        }),
        Scenario::new("container that cannot be started", vec![run(one())]).where_(|b| {
            b.broken_start.insert("app");
        }),
        Scenario::new("network that cannot be made", vec![run(awsvpc(one()))])
            .where_(|b| b.broken_network = true),
        Scenario::new(
            "task that never fits",
            vec![run(a_task("t", vec![a_container("app").needs(1, 1 << 20)]))],
        )
        .hopeless(),
        Scenario::new(
            "task that cannot be understood",
            vec![message(
                "bad",
                Some(0),
                vec![
                    Goal::Refuse(arn("bad"), reason(ReasonCode::UnrecognizedTask)),
                    Goal::Run(Box::new(one())),
                ],
            )],
        ),
    ]
}

fn networks() -> Vec<Scenario> {
    let mut lapsing = Scenario::new("interface whose task never comes", vec![announcement("t")]);
    lapsing.wish.push((arn("t"), Wish::NoTask));
    vec![
        lapsing,
        Scenario::new("interface, then run", vec![announcement("t"), late(run(awsvpc(one()))), stop(None)]),
        Scenario::new("interface and run at once", vec![announcement("t"), run(awsvpc(one()))]),
        Scenario::new("run, then its interface", vec![run(awsvpc(one())), announcement("t")]),
        Scenario::new("interface, then stop", vec![announcement("t"), stop(Some(1))]),
        Scenario::new("no network", vec![run(TaskSpec { network: Network::None, ..one() })]),
    ]
}

fn crowds() -> Vec<Scenario> {
    let big = |id: &str| Goal::Run(Box::new(a_task(id, vec![a_container("app").needs(2048, 64)])));
    let manifest =
        Event::ManifestReceived { message_id: "manifest".to_owned(), timeline: 1, tasks: BTreeMap::new() };
    vec![
        Scenario::new(
            "second waits for the first",
            vec![message("both", Some(0), vec![big("t"), big("u")]), stop(Some(8))],
        ),
        Scenario::new(
            "manifest without the task",
            vec![run(one()), Message { id: Some("manifest".to_owned()), event: manifest, after: None }],
        ),
    ]
}

/// Sent when nothing moves any more.
fn late(message: Message) -> Message {
    Message { after: None, ..message }
}

//! Making a story that fails shorter while it still fails by the same rule.

use crate::history::History;
use crate::mistake::Mistake;
use crate::run::run;
use crate::scenario::Scenario;

/// The shortest story found that breaks the same promise.
pub fn shrink(scenario: &Scenario, mistake: Option<Mistake>) -> Scenario {
    let rule = |story: &Scenario| run(story, mistake, History::default()).broken.map(|broken| broken.rule);
    let Some(wanted) = rule(scenario) else { return scenario.clone() };
    let mut best = scenario.clone();
    loop {
        let shorter = candidates(&best).into_iter().find(|story| rule(story) == Some(wanted));
        match shorter {
            Some(story) => best = story,
            None => return best,
        }
    }
}

/// Every story that is one cut shorter.
fn candidates(story: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut cut = |change: &dyn Fn(&mut Scenario)| {
        let mut shorter = story.clone();
        change(&mut shorter);
        if shorter != *story {
            all.push(shorter);
        }
    };
    for at in 0..story.faults.len() {
        cut(&|story| {
            story.faults.remove(at);
        });
    }
    // From the end, so that the others keep their numbers and with them their names.
    if story.tasks.len() > 1 {
        cut(&|story| {
            story.tasks.pop();
        });
    }
    for task in 0..story.tasks.len() {
        if story.tasks[task].containers.len() > 1 {
            cut(&|story| {
                story.tasks[task].containers.pop();
            });
        }
        cut(&|story| story.tasks[task].stop = None);
        for container in 0..story.tasks[task].containers.len() {
            cut(&|story| story.tasks[task].containers[container].waits_for = None);
            cut(&|story| story.tasks[task].containers[container].restart = None);
            // What the next one waits for has to come, or the story would be another one.
            let awaited =
                story.tasks[task].containers.get(container + 1).is_some_and(|next| next.waits_for.is_some());
            if !awaited {
                cut(&|story| story.tasks[task].containers[container].healthy_after = None);
                cut(&|story| story.tasks[task].containers[container].ends = None);
            }
        }
    }
    for at in 0..story.faults.len() {
        cut(&|story| story.faults[at].lasts = story.faults[at].lasts / 2 + 1);
    }
    all
}

//! The story of a seed: what chance brings about, and what it would bring about too rarely.

use super::{
    Condition, ContainerPlan, Fault, Millis, NetworkPlan, RestartPlan, SECOND, Scenario, StopBy, TaskPlan,
    Trouble, three_hours,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Sets the dice for lost containers apart from the others.
const LOSSES: u64 = 0x1057_c0de;

impl Scenario {
    /// The story of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = SmallRng::seed_from_u64(seed);
        let calm_at = dice.random_range(20..150) * SECOND;
        let mut tasks: Vec<TaskPlan> =
            (0..dice.random_range(1..=3)).map(|_| task(&mut dice, calm_at)).collect();
        let gathers = if dice.random_bool(0.3) { dice.random_range(100..3_000) } else { 0 };
        if gathers > 0 && dice.random_bool(0.7) {
            let at = tasks[0].at;
            tasks.iter_mut().for_each(|task| task.at = at);
        }
        // When tasks come, are asked to stop, and are about to be killed.
        let mut moments: Vec<Millis> = tasks.iter().map(|task| task.at).collect();
        for (task, stop) in tasks.iter().filter_map(|task| Some((task, task.stop?.0))) {
            let longest = task.containers.iter().map(|container| container.stop_timeout).max();
            moments.extend([stop, stop + longest.unwrap_or(0) * SECOND - SECOND]);
        }
        moments.retain(|at| *at < calm_at);
        let faults = (0..dice.random_range(0..=6)).map(|_| fault(&mut dice, calm_at, &moments)).collect();
        let mut story = Self {
            seed,
            tasks,
            faults,
            calm_at,
            gathers,
            lapses: dice.random_range(10..60) * SECOND,
            keeps: if dice.random_bool(0.5) { dice.random_range(1..60) * SECOND } else { three_hours() },
            tolerates: dice.random_bool(0.7).then(|| dice.random_range(5..90) * SECOND),
        };
        // What chance alone brings about too rarely.
        match dice.random_range(0..16) {
            0 => story.kill_while_stopping(&mut dice),
            1 => story.tear_while_claiming(&mut dice),
            2 => story.wait_for_a_port(&mut dice),
            _ => {}
        }
        add_restarts(&mut SmallRng::seed_from_u64(!seed), &mut story.tasks);
        story.lose_containers(&mut SmallRng::seed_from_u64(seed ^ LOSSES));
        story
    }

    /// The agent dies long after the first task was asked to stop, and before its deaf container is killed.
    fn kill_while_stopping(&mut self, dice: &mut SmallRng) {
        let task = &mut self.tasks[0];
        let timeout = dice.random_range(60..=120);
        let deaf = &mut task.containers[0];
        (deaf.ends, deaf.obeys, deaf.stop_timeout) = (None, None, timeout);
        let stop = task.at + dice.random_range(6..20) * SECOND;
        task.stop = Some((stop, StopBy::Payload));
        let at = stop + dice.random_range(40..timeout) * SECOND;
        self.faults.push(Fault { at, lasts: SECOND, what: Trouble::Kill(0) });
        self.calm_at = self.calm_at.max(at + SECOND);
    }

    /// The agent dies within the write by which the first task takes over the interface that was announced for it.
    fn tear_while_claiming(&mut self, dice: &mut SmallRng) {
        let task = &mut self.tasks[0];
        task.at = task.at.max(5 * SECOND);
        task.network = NetworkPlan::Interface { announced: Some(dice.random_range(1..4) * SECOND) };
        self.faults.push(Fault { at: task.at, lasts: SECOND, what: Trouble::TornWrite(0) });
        self.calm_at = self.calm_at.max(task.at + self.lapses);
    }

    /// All tasks want the same port of the host. The first has it for minutes, and the last is mostly asked to stop while it waits.
    fn wait_for_a_port(&mut self, dice: &mut SmallRng) {
        self.tasks.sort_by_key(|task| task.at);
        for task in &mut self.tasks {
            task.network = NetworkPlan::Host { port: 8000 };
        }
        let first = &mut self.tasks[0];
        first.containers[0].ends = None;
        let leaves = first.at + dice.random_range(140..240) * SECOND;
        first.stop = Some((leaves, StopBy::Payload));
        if let [_, .., last] = self.tasks.as_mut_slice() {
            let asked = last.at + dice.random_range(1..10) * SECOND;
            last.stop = dice.random_bool(0.7).then_some((asked, StopBy::Payload));
        }
        self.calm_at = self.calm_at.max(leaves + SECOND);
    }
}

/// Has containerd lose containers in one story of three, and some containers leave processes behind. With dice of its own, too.
impl Scenario {
    fn lose_containers(&mut self, dice: &mut SmallRng) {
        for container in self.tasks.iter_mut().flat_map(|task| &mut task.containers) {
            container.leaves = dice.random_bool(0.1);
        }
        if !dice.random_bool(0.35) {
            return;
        }
        for _ in 0..dice.random_range(1..=3) {
            let pick = dice.random();
            let what = match dice.random_range(0..6) {
                0 => Trouble::Forgets(pick),
                1 => Trouble::SaysStopped(pick),
                2..4 => Trouble::ShimHangs(pick),
                4 => Trouble::ShimKilled(pick),
                _ => Trouble::ExitsAgain(pick),
            };
            // Mostly while something is there to be lost.
            let first = self.tasks.iter().map(|task| task.at).min().unwrap_or(0);
            let at = dice.random_range(first..self.calm_at.max(first + 1));
            self.faults.push(Fault { at, lasts: dice.random_range(10..30_000), what });
        }
    }
}

/// Gives some containers a restart policy. With dice of its own, so that stories without one are what they were.
fn add_restarts(dice: &mut SmallRng, tasks: &mut [TaskPlan]) {
    for task in tasks {
        for at in 0..task.containers.len() {
            let next = task.containers.get(at + 1).and_then(|next| next.waits_for);
            // One that others wait to end has to end.
            let may_go_on = !matches!(next, Some(Condition::Complete | Condition::Success));
            let container = &mut task.containers[at];
            if dice.random_bool(0.3) && may_go_on {
                let code = container.ends.map_or(0, |(_, code)| code);
                let ignored = dice.random_bool(0.2).then_some(code);
                container.restart = Some(RestartPlan { period: dice.random_range(1..20), ignored });
            }
        }
    }
}

fn task(dice: &mut SmallRng, calm_at: Millis) -> TaskPlan {
    let at = dice.random_range(1_000..calm_at * 3 / 4);
    let count = dice.random_range(1..=3);
    let mut containers: Vec<ContainerPlan> = Vec::new();
    for _ in 0..count {
        let next = container(dice, containers.last());
        containers.push(next);
    }
    if containers.iter().all(|container| !container.essential) {
        containers.last_mut().expect("there is one").essential = true;
    }
    let network = match dice.random_range(0..10) {
        0..4 => NetworkPlan::Interface { announced: None },
        4..7 => NetworkPlan::Interface { announced: Some(dice.random_range(100..5_000).min(at)) },
        7..9 => NetworkPlan::Nothing,
        _ => NetworkPlan::Host { port: dice.random_range(8000..8003) },
    };
    let stop = dice.random_bool(0.6).then(|| {
        let by = if dice.random_bool(0.75) { StopBy::Payload } else { StopBy::Manifest };
        (at + dice.random_range(0..calm_at / 2), by)
    });
    TaskPlan { at, containers, network, stop }
}

fn container(dice: &mut SmallRng, before: Option<&ContainerPlan>) -> ContainerPlan {
    let ends = dice.random_bool(0.35).then(|| {
        let code = if dice.random_bool(0.6) { 0 } else { dice.random_range(1..100) };
        (dice.random_range(50..40_000), code)
    });
    let waits_for = before.filter(|_| dice.random_bool(0.5)).map(|before| match before {
        ContainerPlan { ends: Some((_, 0)), .. } => Condition::Success,
        ContainerPlan { ends: Some(_), .. } => Condition::Complete,
        ContainerPlan { healthy_after: Some(_), .. } => Condition::Healthy,
        _ => Condition::Start,
    });
    ContainerPlan {
        // One that others wait to end may end.
        essential: ends.is_none() || dice.random_bool(0.3),
        ends,
        obeys: dice.random_bool(0.7).then(|| dice.random_range(1..8_000)),
        stop_timeout: if dice.random_bool(0.2) {
            dice.random_range(60..=120)
        } else {
            dice.random_range(2..60)
        },
        waits_for,
        healthy_after: dice.random_bool(0.2).then(|| dice.random_range(0..20_000)),
        restart: None,
        leaves: false,
    }
}

fn fault(dice: &mut SmallRng, calm_at: Millis, moments: &[Millis]) -> Fault {
    let pick = dice.random_range(0..8);
    let steps = if dice.random_bool(0.3) { 0 } else { dice.random_range(0..40) };
    let what = match dice.random_range(0..34) {
        0..9 => Trouble::Kill(steps),
        9 => Trouble::DataLost(steps),
        10 => Trouble::Reboot,
        11..13 => Trouble::ContainerdDown,
        13 => Trouble::ContainerdHangs,
        14 => Trouble::ContainerdSlow,
        15 => Trouble::EventsLost,
        16..18 => Trouble::CallFails(dice.random()),
        18 => Trouble::Vanish(pick),
        19 => Trouble::OutOfMemory(pick),
        20 => Trouble::Refused,
        21 => Trouble::BlackHole,
        22 => Trouble::Reset,
        23 => Trouble::AnswersLost,
        24..26 => Trouble::Muddle,
        26 => Trouble::DiskFull,
        27 => Trouble::DiskSlow,
        28 => Trouble::ClockJump(dice.random_range(-600..600)),
        29..31 => Trouble::NetworkFails,
        31..33 => Trouble::TornWrite(pick / 2),
        _ => Trouble::Stranger(pick),
    };
    // Where something happens there is more to be broken.
    let at = if dice.random_bool(0.6) {
        moments[dice.random_range(0..moments.len())] + dice.random_range(0..1_500)
    } else {
        dice.random_range(0..calm_at)
    };
    Fault { at, lasts: dice.random_range(10..30_000), what }
}

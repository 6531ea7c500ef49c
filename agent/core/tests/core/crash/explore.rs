//! Tries every boundary: the base run leaves a copy of everything outside the agent at each, and each copy is a crash. A new
//! agent is started on it and has to bring everything to a good end.

use super::downtime::Downtime;
use super::driver::Run;
use super::faults::Fault;
use super::scenarios::Scenario;

/// What to explore.
pub struct Plan<'a> {
    pub scenario: &'a Scenario,
    pub downtime: Downtime,
    /// Events and effects overtake each other.
    pub newest_first: bool,
    pub fault: Option<Fault>,
    /// Crash a second time during each recovery.
    pub again: bool,
}

impl<'a> Plan<'a> {
    /// One crash at each boundary, everything in order, no fault.
    pub fn of(scenario: &'a Scenario, downtime: Downtime) -> Self {
        Self { scenario, downtime, newest_first: false, fault: None, again: false }
    }
}

/// What exploring found.
pub struct Outcome {
    /// Crash points tried.
    pub points: usize,
    /// The first broken promise, with where the crash was.
    pub found: Option<String>,
}

/// Runs the scenario, then again from each boundary with a crash there, until a promise is broken.
pub fn explore(plan: &Plan<'_>) -> Outcome {
    let mut base = Run::first(plan);
    base.boundaries = Some(Vec::new());
    if let Err(what) = base.run_out() {
        return Outcome { points: 0, found: Some(format!("without a crash: {what}")) };
    }
    let mut points = 0;
    for (place, outside) in base.boundaries.unwrap_or_default() {
        points += 1;
        let mut run = Run::resumed(plan, outside);
        run.boundaries = plan.again.then(Vec::new);
        if let Err(what) = run.run_out() {
            return Outcome { points, found: Some(format!("crash {points} {place}: {what}")) };
        }
        // Some are enough: the places repeat.
        for (second, outside) in run.boundaries.unwrap_or_default().into_iter().skip(points % 13).step_by(13)
        {
            points += 1;
            if let Err(what) = Run::resumed(plan, outside).run_out() {
                return Outcome { points, found: Some(format!("crash {place}, then {second}: {what}")) };
            }
        }
    }
    Outcome { points, found: None }
}

/// Runs the scenario once for each of its saves, with that save failing.
pub fn explore_failed_saves(plan: &Plan<'_>) -> Outcome {
    for failing in 0.. {
        let mut run = Run::first(plan);
        run.saves_to_failure = Some(failing);
        if let Err(what) = run.run_out() {
            return Outcome { points: failing, found: Some(format!("save {failing}: {what}")) };
        }
        if run.saves_to_failure.is_some() {
            return Outcome { points: failing, found: None };
        }
    }
    unreachable!("a scenario has an end")
}

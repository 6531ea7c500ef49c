//! What is told of a task, as text for people and as JSON for programs. Pure.

use super::{Explained, Output, Tale};
use crate::endpoints::rfc3339;
use crate::view::desired_word;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use wharf_core::event::Desired;
use wharf_core::journal::{Happening, Moment};
use wharf_core::reason::Reason;
use wharf_core::report::Status;
use wharf_core::story::{Part, Story};
use wharf_core::wait::{Until, Wait};

pub(super) fn as_text(explained: &Explained) -> String {
    let mut page = Page(String::new());
    page.row("Task", explained.arn.as_str());
    page.row(
        "Agent",
        &explained.agent.map_or_else(
            || "does not run; this is what it last saved".to_owned(),
            |pid| format!("runs (pid {pid})"),
        ),
    );
    match &explained.tale {
        Tale::Absent(absent) => {
            page.row("Status", "STOPPED: it never ran on this host");
            page.row("Told", if absent.told { "STOPPED" } else { "nothing yet" });
            match &absent.reason {
                Some(reason) => page.why(reason),
                None => page.row("Why", "the control plane asked to stop it before it was known here"),
            }
        }
        Tale::Known { story, wait, output } => {
            page.head(story);
            if let Some(wait) = wait {
                page.wait(wait);
            }
            page.timeline(story);
            for (part, output) in story.containers.iter().zip(output) {
                page.container(part, output);
            }
        }
    }
    page.0
}

/// The text so far.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        writeln!(self.0, "{}", text.trim_end()).expect("a string takes all");
    }

    fn row(&mut self, name: &str, value: &str) {
        self.line(&format!("{name:12}{value}"));
    }

    fn head(&mut self, story: &Story) {
        self.row("Definition", &format!("{}:{}", story.family, story.version));
        self.row("Wanted", desired_word(story.desired));
        self.row("Status", word(story.status));
        self.row("Told", story.told.map_or("nothing yet", Status::as_str));
        match (&story.why, story.desired) {
            (Some(reason), _) => self.why(reason),
            (None, Desired::Stopped) => self.row("Why", "not recorded: an older agent stopped it"),
            (None, Desired::Running) => {}
        }
    }

    fn why(&mut self, reason: &Reason) {
        self.row("Why", &reason.to_string());
        self.row("  who acted", reason.code.actor().as_str());
        self.row("  cause", reason.code.cause());
        self.row("  hint", reason.code.hint());
    }

    fn wait(&mut self, wait: &Wait) {
        self.row("Waits for", &wait.what.to_string());
        self.row("  since", &rfc3339(wait.since));
        self.row("  until", &until(&wait.until));
        self.row("  then", wait.then);
    }

    fn timeline(&mut self, story: &Story) {
        self.line("");
        self.line("Timeline");
        if story.journal.moments().is_empty() {
            self.line("  nothing was recorded: an older agent ran this task");
        }
        for moment in ordered(story) {
            self.line(&format!("  {:24}  {}", rfc3339(moment.at), sentence(&moment.what)));
        }
        if story.journal.dropped() > 0 {
            self.line(&format!("  ({} moments of routine were dropped)", story.journal.dropped()));
        }
    }

    fn container(&mut self, part: &Part, output: &Output) {
        self.line("");
        let essential = if part.essential { "essential" } else { "not essential" };
        self.line(&format!("Container {} ({}, {essential})", part.name, part.image));
        let code = part.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
        self.row("  status", &format!("{}{code}", word(part.status)));
        if part.restarts > 0 {
            self.row("  restarts", &part.restarts.to_string());
        }
        if let Some(reason) = &part.why {
            self.row("  why", &reason.to_string());
        }
        self.row("  memory", &memory(output));
        match &output.no_lines {
            Some(why) => self.row("  output", &format!("none: {why}")),
            None => {
                self.line("  output, the last lines");
                output.last_lines.iter().for_each(|line| self.line(&format!("    | {line}")));
            }
        }
    }
}

/// Moments by time: an exit may be learned of after something later.
fn ordered(story: &Story) -> Vec<&Moment> {
    let mut moments: Vec<&Moment> = story.journal.moments().iter().collect();
    moments.sort_by_key(|moment| moment.at);
    moments
}

fn word(status: Option<Status>) -> &'static str {
    status.map_or("PENDING (no image yet)", Status::as_str)
}

fn memory(output: &Output) -> String {
    let limit =
        output.memory_limit.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {}", size(limit)));
    match (output.peak_memory, &output.no_peak) {
        (Some(peak), _) => format!("peak {}, {limit}", size(peak)),
        (None, Some(why)) => format!("peak not known: {why}"),
        (None, None) => format!("peak not known, {limit}"),
    }
}

/// Bytes as MiB with one decimal.
fn size(bytes: u64) -> String {
    let tenths = (bytes.saturating_mul(10) + (1 << 19)) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn until(until: &Until) -> String {
    match until {
        Until::At(at) => rfc3339(*at),
        Until::Within(limit) => format!("at most {} s after it was begun", limit.as_secs()),
        Until::TriedEvery(longest) => format!("it is done; tries are at most {} s apart", longest.as_secs()),
        Until::Turn(limit) => {
            format!("it is its turn, and then at most {} s, as for each before it", limit.as_secs())
        }
        Until::Ended(tasks) => {
            let ids: Vec<&str> = tasks.iter().map(|arn| arn.id()).collect();
            format!("one of these tasks ends: {}", ids.join(", "))
        }
        Until::Container(name) => format!("{name} gets there or ends; it has no startTimeout"),
    }
}

fn sentence(what: &Happening) -> String {
    match what {
        Happening::Received => "received from the control plane".to_owned(),
        Happening::Queued { short_of } => format!("queued: short of {short_of}"),
        Happening::Admitted => "admitted: the host's resources are its".to_owned(),
        Happening::PullBegun { container } => format!("{container}: image asked for"),
        Happening::Pulled { container, took: Some(took) } => {
            format!("{container}: image pulled in {took} ms")
        }
        Happening::Pulled { container, took: None } => format!("{container}: image was there"),
        Happening::NetworkReady => "network ready".to_owned(),
        Happening::Created { container } => format!("{container}: created"),
        Happening::Started { container } => format!("{container}: started"),
        Happening::Restarting { container, exit_code, ran } => {
            let ran = Duration::from_millis(*ran).as_secs_f32();
            format!(
                "{container}: its process exited with code {exit_code} after {ran} s; it is started again in place"
            )
        }
        Happening::Restarted { container, count } => format!("{container}: started again, restart {count}"),
        Happening::Health { container, status } => format!("{container}: {}", status.as_str()),
        Happening::StopWanted { reason } => format!("to stop: {reason}"),
        Happening::StopBegun { container, deadline } => {
            format!("{container}: to stop, until {}", rfc3339(*deadline))
        }
        Happening::ClockSet { by } => {
            let way = if *by < 0 { "back" } else { "forward" };
            format!(
                "the host's clock was set {way} by {} s; deadlines moved along",
                by.unsigned_abs().div_ceil(1000)
            )
        }
        Happening::Signalled { container, signal } => format!("{container}: {signal} sent"),
        Happening::OutOfMemory { container } => {
            format!("{container}: the kernel killed a process for memory")
        }
        Happening::Stopped { container, exit_code, reason } => {
            let code = exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{container}: stopped{code}{reason}")
        }
        Happening::Removed { container } => format!("{container}: removed"),
        Happening::Ended => "nothing of it runs any more".to_owned(),
        Happening::Released => "network, cgroup and files released".to_owned(),
        Happening::Told { status, containers } => {
            let containers: Vec<String> =
                containers.iter().map(|(name, status)| format!("{name} {}", status.as_str())).collect();
            let separator = if containers.is_empty() { "" } else { "; " };
            format!("told the control plane: {}{separator}{}", status.as_str(), containers.join(", "))
        }
        Happening::ReportRefused { status } => {
            format!("the control plane will not take {}; it counts as told", status.as_str())
        }
        Happening::Failed { act, container, attempt, reason } => {
            let on = container.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{on}{} failed (try {attempt}){reason}", act.as_str())
        }
    }
}

pub(super) fn as_json(explained: &Explained) -> String {
    let mut body = json!({"taskArn": explained.arn.as_str(), "agentPid": explained.agent});
    match &explained.tale {
        Tale::Absent(absent) => {
            body["status"] = json!("STOPPED");
            body["told"] = json!(absent.told.then_some("STOPPED"));
            body["why"] = json!(absent.reason.as_ref().map(why));
        }
        Tale::Known { story, wait, output } => {
            body["family"] = json!(story.family);
            body["revision"] = json!(story.version);
            body["desiredStatus"] = json!(desired_word(story.desired));
            body["status"] = json!(story.status.map(Status::as_str));
            body["told"] = json!(story.told.map(Status::as_str));
            body["why"] = json!(story.why.as_ref().map(why));
            body["waitsFor"] = json!(wait.as_ref().map(wait_body));
            body["timeline"] = ordered(story).into_iter().map(moment).collect();
            body["momentsDropped"] = json!(story.journal.dropped());
            let parts = story.containers.iter().zip(output);
            body["containers"] = parts.map(|(part, output)| container(part, output)).collect();
        }
    }
    format!("{body:#}\n")
}

fn why(reason: &Reason) -> Value {
    json!({
        "code": reason.code.as_str(),
        "detail": reason.detail,
        "actor": reason.code.actor().as_str(),
        "cause": reason.code.cause(),
        "hint": reason.code.hint(),
    })
}

fn wait_body(wait: &Wait) -> Value {
    json!({
        "what": wait.what.to_string(),
        "since": rfc3339(wait.since),
        "until": until(&wait.until),
        "then": wait.then,
    })
}

fn moment(moment: &Moment) -> Value {
    json!({"at": rfc3339(moment.at), "text": sentence(&moment.what), "what": moment.what})
}

fn container(part: &Part, output: &Output) -> Value {
    json!({
        "name": part.name,
        "image": part.image,
        "essential": part.essential,
        "status": part.status.map(Status::as_str),
        "exitCode": part.exit_code,
        "startedAt": part.started_at.map(rfc3339),
        "finishedAt": part.finished_at.map(rfc3339),
        "why": part.why.as_ref().map(why),
        "output": output,
    })
}

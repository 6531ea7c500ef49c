//! The story the demo tells: a host joins, a task runs at an address of its own, answers, stops.

use super::client::Client;
use super::progress::{Progress, Timeline};
use super::{CLUSTER, REGION, SUBNET};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use wharf_control_plane::journal::{JournalEntry, JournalKind};
use wharf_control_plane::server::Running;
use wharf_wait::{Owned, Wait};

/// How long the host may take to join.
const JOIN: Duration = Duration::from_secs(60);
/// How long the task may take to run.
const RUN: Duration = Duration::from_secs(120);
/// How long the page may take to answer once the task runs.
const PAGE: Duration = Duration::from_secs(20);
/// How long the tasks may take to stop.
const STOP: Duration = Duration::from_secs(90);
/// How often the API is asked while waiting.
const POLL: Duration = Duration::from_millis(50);

/// The demo, once the agent was started.
#[derive(Debug)]
pub struct Demo<'a> {
    /// The caller.
    pub client: &'a Client,
    /// The control plane, for its journal.
    pub running: &'a Running,
    /// Who is told.
    pub progress: &'a Progress,
    /// Input of RegisterTaskDefinition.
    pub definition: &'a Value,
    /// Whether to end after one task.
    pub once: bool,
}

impl Demo<'_> {
    /// Tells the story; unless `once`, it does not end by itself.
    pub async fn run(&self) -> anyhow::Result<()> {
        self.host_joins().await?;
        let mut journal = self.running.journal();
        let definition = self.register().await?;
        let mut timeline = Timeline::start();
        let task = self.launch(&definition).await?;
        let ran = wait("the task to run").at_most(RUN).on(self.until_running(&task)).await;
        timeline.print(&events(&mut journal, &task));
        let address = ran.with_context(|| format!("the task did not run within {RUN:?}"))??;
        self.progress.step(&format!("task RUNNING at {address}"));
        self.visit(&address).await?;
        if self.once {
            let stopped = self.stop(&task).await?;
            timeline.print(&events(&mut journal, &task));
            return self.show_exit_codes(&stopped);
        }
        self.print_lines_to_paste(&task);
        std::future::pending().await
    }

    async fn host_joins(&self) -> anyhow::Result<()> {
        let joined = wait("the agent to connect").at_most(JOIN).on(async {
            loop {
                let arns = self.call("ListContainerInstances", json!({})).await?;
                if let Some(arn) = arns["containerInstanceArns"][0].as_str() {
                    let instances = json!({ "containerInstances": [arn] });
                    let described = self.call("DescribeContainerInstances", instances).await?;
                    if described["containerInstances"][0]["agentConnected"] == json!(true) {
                        return anyhow::Ok(arn.to_owned());
                    }
                }
                wait("before the next look").pause(POLL).await;
            }
        });
        let arn = joined.await.with_context(|| format!("the agent did not connect within {JOIN:?}"))??;
        self.progress.step(&format!("host joined cluster {CLUSTER} as {}", last_part(&arn)));
        Ok(())
    }

    async fn register(&self) -> anyhow::Result<Value> {
        let mut registered = self.client.call("RegisterTaskDefinition", self.definition).await?;
        Ok(registered["taskDefinition"].take())
    }

    async fn launch(&self, registered: &Value) -> anyhow::Result<String> {
        let definition = text(&registered["taskDefinitionArn"])?;
        let mut input = json!({ "taskDefinition": definition });
        if registered["networkMode"] == json!("awsvpc") {
            input["networkConfiguration"] = json!({ "awsvpcConfiguration": { "subnets": [SUBNET] } });
        }
        let launched = self.call("RunTask", input).await?;
        if let Some(failure) = launched["failures"].get(0) {
            bail!("RunTask placed nothing: {}", failure["reason"].as_str().unwrap_or("no reason was given"));
        }
        let task = text(&launched["tasks"][0]["taskArn"])?;
        self.progress.step(&format!("task {} of {} launched", last_part(&task), last_part(&definition)));
        Ok(task)
    }

    /// Waits until the task runs; its address is the answer.
    async fn until_running(&self, task: &str) -> anyhow::Result<String> {
        loop {
            let described = self.describe(task).await?;
            match described["lastStatus"].as_str() {
                Some("RUNNING") => return Ok(address(&described)),
                Some("STOPPED") => bail!("the task stopped before it ran: {}", reasons(&described)),
                Some(_) | None => wait("before the next look").pause(POLL).await,
            }
        }
    }

    async fn visit(&self, address: &str) -> anyhow::Result<()> {
        let url = format!("http://{address}/");
        let visited = wait("the page").at_most(PAGE).on(async {
            loop {
                match self.client.fetch(&url).await {
                    Ok(body) => return body,
                    Err(error) => tracing::debug!(url, %error, "not yet"),
                }
                wait("before the next look").pause(POLL).await;
            }
        });
        let body = visited.await.with_context(|| format!("{url} did not answer within {PAGE:?}"))?;
        self.progress.step(&format!("GET {url} answers:"));
        println!("\n    {}\n", body.trim_end().replace('\n', "\n    "));
        Ok(())
    }

    async fn stop(&self, task: &str) -> anyhow::Result<Value> {
        self.call("StopTask", json!({ "task": task, "reason": "the demo is over" })).await?;
        self.progress.step("StopTask answered");
        self.until_stopped(task).await
    }

    fn show_exit_codes(&self, stopped: &Value) -> anyhow::Result<()> {
        self.progress.step(&format!("task STOPPED: {}", reasons(stopped)));
        for container in stopped["containers"].as_array().into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or("?");
            match container["exitCode"].as_i64() {
                Some(code) => println!("    {name}: exit code {code}"),
                None => bail!("container {name} was reported stopped without an exit code"),
            }
        }
        Ok(())
    }

    async fn until_stopped(&self, task: &str) -> anyhow::Result<Value> {
        let stopped = wait("the task to stop").at_most(STOP).on(async {
            loop {
                let described = self.describe(task).await?;
                if described["lastStatus"] == json!("STOPPED") {
                    return anyhow::Ok(described);
                }
                wait("before the next look").pause(POLL).await;
            }
        });
        stopped.await.with_context(|| format!("task {} did not stop within {STOP:?}", last_part(task)))?
    }

    /// Stops whatever runs in the cluster, and waits until it is stopped.
    pub async fn clean_up(&self) -> anyhow::Result<()> {
        let listed = self.call("ListTasks", json!({})).await?;
        let tasks = listed["taskArns"].as_array().cloned().unwrap_or_default();
        let stopping = self.call("ListTasks", json!({ "desiredStatus": "STOPPED" })).await?;
        let stopping = stopping["taskArns"].as_array().cloned().unwrap_or_default();
        for task in &tasks {
            self.call("StopTask", json!({ "task": task, "reason": "the demo ends" })).await?;
        }
        for task in tasks.iter().chain(&stopping) {
            self.until_stopped(&text(task)?).await?;
        }
        if !tasks.is_empty() {
            self.progress.step(&format!("{} task(s) stopped", tasks.len()));
        }
        Ok(())
    }

    async fn describe(&self, task: &str) -> anyhow::Result<Value> {
        let mut described = self.call("DescribeTasks", json!({ "tasks": [task] })).await?;
        Ok(described["tasks"][0].take())
    }

    /// Calls an operation on the demo's cluster.
    async fn call(&self, operation: &str, mut input: Value) -> anyhow::Result<Value> {
        input["cluster"] = json!(CLUSTER);
        self.client.call(operation, &input).await
    }

    fn print_lines_to_paste(&self, task: &str) {
        let url = self.running.url();
        let [id, secret] = self.client.key();
        println!("  The aws command line drives it. Paste:\n");
        println!(
            "    export AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret} AWS_DEFAULT_REGION={REGION}"
        );
        println!("    aws ecs list-tasks --endpoint-url {url} --cluster {CLUSTER}");
        println!(
            "    aws ecs describe-tasks --endpoint-url {url} --cluster {CLUSTER} --tasks {}",
            last_part(task)
        );
        println!("    aws ecs stop-task --endpoint-url {url} --cluster {CLUSTER} --task {}", last_part(task));
        println!("    aws ecs run-task --endpoint-url {url} --cluster {CLUSTER} --task-definition web \\");
        println!("      --network-configuration 'awsvpcConfiguration={{subnets=[{SUBNET}]}}'\n");
        self.progress.step("running; Ctrl-C stops the tasks and removes everything");
    }
}

/// What the journal has about the task since it was last asked, in words; statuses stand out to the left.
fn events(journal: &mut broadcast::Receiver<JournalEntry>, task: &str) -> Vec<(Instant, String)> {
    let mut events = Vec::new();
    while let Ok(entry) = journal.try_recv() {
        if entry.task == task {
            events.push((entry.at, one_line(&words(&entry.kind))));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Reasons may have line breaks, tables may not; the indentation stays.
fn one_line(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    format!("{}{}", &text[..indent], text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn words(kind: &JournalKind) -> String {
    match kind {
        JournalKind::Status { status } => (*status).to_owned(),
        JournalKind::AttachSent => "  interface sent to the agent".to_owned(),
        JournalKind::Attached => "  agent reports the interface ATTACHED".to_owned(),
        JournalKind::PayloadSent { desired, .. } => format!("  task sent to the agent, to be {desired}"),
        JournalKind::StateSubmitted { status, containers, reason } => {
            let containers = containers.iter().map(|(name, status, _)| format!("{name} {status}"));
            let containers = containers.collect::<Vec<_>>().join(", ");
            let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let with = if containers.is_empty() { String::new() } else { format!(" ({containers})") };
            format!("  agent reports {status}{with}{because}")
        }
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("the control plane's answer lacks a name")
}

fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The task's own address; the host's when its network mode is another than awsvpc.
fn address(task: &Value) -> String {
    let details = task["attachments"][0]["details"].as_array().into_iter().flatten();
    let mut addresses = details.filter(|detail| detail["name"] == json!("privateIPv4Address"));
    addresses.next().and_then(|detail| detail["value"].as_str()).unwrap_or("127.0.0.1").to_owned()
}

/// The task's reason and those of its containers.
fn reasons(task: &Value) -> String {
    let containers = task["containers"].as_array().into_iter().flatten();
    let own =
        containers.filter_map(|one| Some(format!("{}: {}", one["name"].as_str()?, one["reason"].as_str()?)));
    let all: Vec<String> = task["stoppedReason"].as_str().map(str::to_owned).into_iter().chain(own).collect();
    if all.is_empty() { "no reason was given".to_owned() } else { one_line(&all.join("; ")) }
}

/// A wait of the demo.
fn wait(name: &'static str) -> Owned {
    Wait::named(name).owner("the demo")
}

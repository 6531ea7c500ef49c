//! The real control plane and the real agent together, driven by a client that is not ours and by kills.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use wharf_tests::plane::{Plane, SUBNET};
use wharf_tests::signal::terminate;
use wharf_tests::world::{ACCESS_KEY, CLUSTER, Host, IMAGE, REGION, SECRET_KEY};
use wharf_tests::{http, wait};

const SOON: Duration = Duration::from_secs(60);
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A host whose agent is connected to a real control plane, which gives addresses of 10.78.`net`.0/24.
async fn joined(net: u8) -> (Host, Plane) {
    let mut host = Host::new().unwrap();
    host.load_image().unwrap();
    let plane = Plane::start(&host, net).await.unwrap();
    host.start_agent(&plane.url()).unwrap();
    plane.connected().await;
    (host, plane)
}

/// Ends both and checks that nothing is left.
async fn end(host: Host, plane: Plane) {
    let ended = move || {
        plane.stop().unwrap();
        host.finish();
    };
    tokio::task::spawn_blocking(ended).await.unwrap();
}

/// A definition of one container that says `exit` when it is told to end.
async fn register(plane: &Plane, exit: u8) -> String {
    let stay = format!("trap 'exit {exit}' TERM; sleep 3600 & wait");
    let container = json!({"name": "app", "image": IMAGE, "memory": 16, "command": ["sh", "-c", stay]});
    let definition = json!({"family": "stay", "networkMode": "awsvpc", "containerDefinitions": [container]});
    let answer = plane.call("RegisterTaskDefinition", definition).await.unwrap();
    text(&answer["taskDefinition"]["taskDefinitionArn"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a string")).to_owned()
}

/// Runs so many tasks and describes them once they run.
async fn running(plane: &Plane, definition: &str, count: u32) -> Vec<Value> {
    let mut tasks = Vec::new();
    for task in plane.run(definition, count).await.unwrap() {
        tasks.push(plane.reaches(&text(&task["taskArn"]), "RUNNING", SOON).await);
    }
    tasks
}

async fn stop(plane: &Plane, tasks: &[Value]) -> Vec<Value> {
    for task in tasks {
        plane.call("StopTask", json!({"cluster": CLUSTER, "task": task["taskArn"]})).await.unwrap();
    }
    let mut stopped = Vec::new();
    for task in tasks {
        stopped.push(plane.reaches(&text(&task["taskArn"]), "STOPPED", SOON).await);
    }
    stopped
}

/// What must not change of a task that nobody touches: each state that is told counts its version up.
fn identity(task: &Value) -> Value {
    let [container] = task["containers"].as_array().unwrap().as_slice() else {
        panic!("one container: {task}")
    };
    let (status, since) = (&task["lastStatus"], &task["startedAt"]);
    json!([task["taskArn"], status, since, task["version"], container["runtimeId"], task["attachments"]])
}

/// The script with unmodified boto3, a line of JSON at a time.
struct Boto3 {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Boto3 {
    fn start(plane: &Plane) -> Self {
        let python = std::env::var_os("WHARF_TEST_PYTHON")
            .map_or_else(|| PathBuf::from(ROOT).join("target/venv/bin/python"), PathBuf::from);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/boto3/run_and_stop.py");
        let child = Command::new(&python)
            .args([script, &plane.url(), CLUSTER, SUBNET, &format!("{ROOT}/examples/web.json")])
            .env_clear()
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)])
            .env("AWS_DEFAULT_REGION", REGION)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| {
            panic!("cannot run {}: {error}; scripts/test makes it, with boto3 in it", python.display())
        });
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, output }
    }

    /// The next facts it tells; the script ends itself when it waits too long for anything.
    fn facts(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the script failed; what it said is above"))
    }

    fn go_on(&mut self) {
        self.child.stdin.as_mut().expect("piped").write_all(b"\n").unwrap();
    }
}

impl Drop for Boto3 {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unmodified_boto3_registers_runs_waits_describes_and_stops() {
    let (host, plane) = joined(1).await;
    let mut boto3 = Boto3::start(&plane);
    let seen = boto3.facts();
    let task = &seen["task"];
    assert_eq!(seen["listed"], json!([task["taskArn"]]));
    assert_eq!((&seen["failures"], &seen["definition"]["revision"]), (&json!([]), &json!(1)));
    assert_eq!(task["containerInstanceArn"], seen["instance"]["containerInstanceArn"]);
    assert_eq!(
        seen["errors"],
        json!({
            "no such cluster": "ClusterNotFoundException",
            "no such definition": "ClientException",
            "a count of eleven": "InvalidParameterException",
            "a wrong secret": "InvalidSignatureException",
            "an unknown key": "UnrecognizedClientException",
        })
    );
    the_kernel_and_containerd_agree(&host, task).await;

    boto3.go_on();
    let after = boto3.facts();
    let task = &after["task"];
    assert_eq!((&task["stopCode"], &task["stoppedReason"]), (&json!("UserInitiated"), &json!("seen enough")));
    let codes: Vec<_> = task["containers"].as_array().unwrap().iter().map(|c| &c["exitCode"]).collect();
    assert_eq!(codes, [0, 0]);
    assert_eq!((&after["listed"], &after["stopped"]), (&json!([]), &json!([task["taskArn"]])));
    assert_eq!((&after["definition"]["status"], &after["families"]), (&json!("INACTIVE"), &json!([])));
    assert!(host.tasks().is_empty(), "containerd runs nothing any more");
    end(host, plane).await;
}

/// The address that the API gives answers, and the containers that it names run.
async fn the_kernel_and_containerd_agree(host: &Host, task: &Value) {
    let details = task["attachments"][0]["details"].as_array().unwrap();
    let address = details.iter().find(|d| d["name"] == "privateIPv4Address").unwrap()["value"].clone();
    let page: SocketAddr = format!("{}:80", text(&address)).parse().unwrap();
    wait::until("the page", SOON, async || match http::get(page, "/") {
        Ok(page) if page.contains("hello from a task") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let running = host.tasks();
    for container in task["containers"].as_array().unwrap() {
        assert_eq!(container["networkInterfaces"][0]["privateIpv4Address"], address);
        let (_, status) = &running[&text(&container["runtimeId"])];
        assert_eq!(status, "RUNNING");
    }
    assert_eq!(running.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_of_the_control_plane_leaves_tasks_and_their_states_as_they_were() {
    let (host, mut plane) = joined(2).await;
    let definition = register(&plane, 0).await;
    let tasks = running(&plane, &definition, 5).await;
    let containers = host.tasks();

    plane.kill().unwrap();
    assert_eq!(host.tasks(), containers);
    plane.start_again().await.unwrap();
    plane.connected().await;

    // A task more goes through everything, so what the agent had to say about the others has come before.
    let more = running(&plane, &definition, 1).await;
    for task in &tasks {
        let now = plane.reaches(&text(&task["taskArn"]), "RUNNING", SOON).await;
        assert_eq!(identity(&now), identity(task), "nothing is told again");
    }
    let now = host.tasks();
    assert_eq!(now.len(), 6);
    assert!(containers.iter().all(|(id, process)| now[id] == *process), "{containers:?} became {now:?}");

    for stopped in stop(&plane, &[tasks, more].concat()).await {
        assert_eq!(stopped["containers"][0]["exitCode"], 0, "{stopped}");
    }
    end(host, plane).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_and_control_plane_killed_at_once_find_each_other_and_every_task_again() {
    let (mut host, mut plane) = joined(3).await;
    let definition = register(&plane, 9).await;
    let tasks = running(&plane, &definition, 4).await;
    let containers = host.tasks();
    let [ended, stays @ ..] = tasks.as_slice() else { panic!("four tasks") };

    plane.kill().unwrap();
    host.kill_agent().unwrap();
    let (pid, _) = containers[&text(&ended["containers"][0]["runtimeId"])];
    terminate(pid).await;
    plane.start_again().await.unwrap();
    host.start_agent(&plane.url()).unwrap();
    plane.connected().await;

    let stopped = plane.reaches(&text(&ended["taskArn"]), "STOPPED", SOON).await;
    assert_eq!(stopped["containers"][0]["exitCode"], 9, "the exit that nobody saw is told: {stopped}");
    let instances = plane.call("ListContainerInstances", json!({"cluster": CLUSTER})).await.unwrap();
    assert_eq!(instances["containerInstanceArns"], json!([ended["containerInstanceArn"]]));
    let now = host.tasks();
    for task in stays {
        let id = text(&task["containers"][0]["runtimeId"]);
        assert_eq!(now[&id], containers[&id]);
        let now = plane.reaches(&text(&task["taskArn"]), "RUNNING", SOON).await;
        assert_eq!(identity(&now), identity(task), "nothing is told again");
    }
    let more = running(&plane, &definition, 1).await;
    stop(&plane, &[stays, &more].concat()).await;
    end(host, plane).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_policy_reaches_the_container_from_the_api() {
    let (host, plane) = joined(4).await;
    let policy = json!({"enabled": true, "ignoredExitCodes": [7], "restartAttemptPeriod": 60});
    let container = json!({
        "name": "app", "image": IMAGE, "memory": 16, "restartPolicy": policy,
        "command": ["sh", "-c", "wget -q -O- $ECS_CONTAINER_METADATA_URI_V4; exit 7"],
    });
    let definition = json!({"family": "again", "networkMode": "awsvpc", "containerDefinitions": [container]});
    let answer = plane.call("RegisterTaskDefinition", definition).await.unwrap();
    assert_eq!(answer["taskDefinition"]["containerDefinitions"][0]["restartPolicy"], policy);
    let task = plane.run(&text(&answer["taskDefinition"]["taskDefinitionArn"]), 1).await.unwrap().remove(0);
    let stopped = plane.reaches(&text(&task["taskArn"]), "STOPPED", SOON).await;
    assert_eq!(stopped["containers"][0]["exitCode"], 7);
    let id = text(&task["taskArn"]).rsplit('/').next().unwrap().to_owned();
    assert!(host.output(&id, "app").contains("\"RestartCount\":0"), "{}", host.output(&id, "app"));
    let explained = host.agent_command().args(["explain", &id]).output().unwrap();
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.contains("its restart policy ignores this code"), "{explained}");
    end(host, plane).await;
}

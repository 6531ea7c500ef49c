//! The real control plane as a process of its own: started, killed and started again on the same port and data.
//!
//! Owns the process and signs calls to it. Refuses to look into its data: what it knows, it tells over its API.

use crate::wait;
use crate::world::{ACCESS_KEY, CLUSTER, Host, REGION, SECRET_KEY, product};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use wharf_protocol::Secret;
use wharf_protocol::api::ApiError;
use wharf_protocol::sigv4::{Credentials, Signer};

/// Name of the one subnet that it assigns addresses from.
pub const SUBNET: &str = "subnet-a";

/// A control plane in a host's directory; killed when dropped.
#[derive(Debug)]
pub struct Plane {
    dir: PathBuf,
    address: SocketAddr,
    network: String,
    http: reqwest::Client,
    child: Option<Child>,
}

impl Plane {
    /// Starts one that gives tasks addresses of 10.78.`net`.0/24, waits until it answers, and makes the cluster.
    pub async fn start(host: &Host, net: u8) -> Result<Self> {
        // The port is free again when the listener is dropped; the kernel gives it to nobody else so soon.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // Nothing here speaks TLS, but the client asks for a provider of it; an earlier test may have set it.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let mut this = Self {
            dir: host.dir().to_owned(),
            address,
            network: format!("10.78.{net}.0/24"),
            http,
            child: None,
        };
        this.start_again().await?;
        this.call("CreateCluster", json!({"clusterName": CLUSTER})).await?;
        Ok(this)
    }

    /// Starts it again on the same port and data and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "one control plane at a time");
        self.child = Some(self.spawn()?);
        wait::until("the control plane", Duration::from_secs(20), async || {
            self.call("ListClusters", json!({})).await.map(drop).map_err(|error| format!("{error:#}"))
        })
        .await;
        Ok(())
    }

    /// Kills it with SIGKILL and reaps it.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to end with SIGTERM; it has ten seconds and ends without an error.
    pub fn stop(mut self) -> Result<()> {
        let mut child = self.child.take().context("the control plane does not run")?;
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the control plane ended with {status}; its log:\n{}", self.log()),
                None => ensure!(Instant::now() < end, "the control plane does not end on SIGTERM"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Base URL, for agents and callers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("control-plane.log")).unwrap_or_default()
    }

    /// Calls an operation of the ECS API.
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value> {
        let (url, body) = (format!("{}/", self.url()), input.to_string());
        let credentials = Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: Secret::new(SECRET_KEY),
            session_token: None,
        };
        let signer = Signer { credentials: &credentials, region: REGION, time: SystemTime::now() };
        let mut request = self.http.post(&url);
        for (name, value) in signer.api(&url, operation, body.as_bytes())? {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.with_context(|| format!("cannot call {operation}"))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        ensure!(status == 200, "{operation} failed with {}", ApiError::parse(status, None, &body));
        Ok(serde_json::from_slice(&body)?)
    }

    /// Waits until an agent of the cluster holds a session.
    pub async fn connected(&self) {
        wait::until("an agent's session", Duration::from_secs(60), async || {
            let listed = self.call("ListContainerInstances", json!({"cluster": CLUSTER})).await;
            let arns = listed.map_err(|error| format!("{error:#}"))?["containerInstanceArns"].clone();
            let described = json!({"cluster": CLUSTER, "containerInstances": arns});
            let described = self.call("DescribeContainerInstances", described).await;
            match described.map_err(|error| format!("{error:#}"))? {
                answer if answer["containerInstances"][0]["agentConnected"] == true => Ok(()),
                answer => Err(answer.to_string()),
            }
        })
        .await;
    }

    /// Runs `count` tasks of a registered definition; the answer's tasks.
    pub async fn run(&self, definition: &str, count: u32) -> Result<Vec<Value>> {
        let network = json!({"awsvpcConfiguration": {"subnets": [SUBNET]}});
        let input = json!({"cluster": CLUSTER, "taskDefinition": definition, "count": count,
                           "networkConfiguration": network});
        let answer = self.call("RunTask", input).await?;
        ensure!(answer["failures"] == json!([]), "not all were placed: {answer}");
        Ok(answer["tasks"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until the task has this last status; how the API then describes it.
    pub async fn reaches(&self, task: &str, status: &str, deadline: Duration) -> Value {
        wait::until(&format!("{status} of {task}"), deadline, async || {
            let described = self.call("DescribeTasks", json!({"cluster": CLUSTER, "tasks": [task]})).await;
            match described.map_err(|error| format!("{error:#}"))?["tasks"][0].take() {
                task if task["lastStatus"] == status => Ok(task),
                task => Err(task.to_string()),
            }
        })
        .await
    }

    fn spawn(&self) -> Result<Child> {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("control-plane.log"))?;
        Command::new(product("wharf-control-plane"))
            .args(["serve", "--region", REGION, "--account", "123456789012"])
            .args(["--listen", &self.address.to_string(), "--subnet", &format!("{SUBNET}={}", self.network)])
            .arg("--data")
            .arg(self.dir.join("control-plane"))
            .env_clear()
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start wharf-control-plane; `cargo build --bins` makes it")
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.kill());
        if std::thread::panicking() {
            eprintln!("---- the control plane's log ----\n{}", self.log());
        }
    }
}

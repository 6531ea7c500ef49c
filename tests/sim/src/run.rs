//! One run: the real agent lives, dies and lives again over one world, until everything has ended or a promise is broken.
//!
//! Each life has a tokio runtime of its own, of one thread and with a clock that stands still until everyone waits. Dropping it
//! drops every future of the agent where it stands, which is what SIGKILL does.

use crate::check::Broken;
use crate::history::History;
use crate::link::SimPlane;
use crate::message::CLUSTER;
use crate::misread::misread;
use crate::mistake::Mistake;
use crate::network::SimNetwork;
use crate::runtime::SimRuntime;
use crate::scenario::Scenario;
use crate::store::SimStore;
use crate::world::World;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, SetOnce, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_agent::acs::Policy;
use wharf_agent::effects::sweep::Networks;
use wharf_agent::effects::{self, Places};
use wharf_agent::endpoints::credentials::CredentialStore;
use wharf_agent::foreign::Foreign;
use wharf_agent::healing::Healing;
use wharf_agent::life::{self, Begun, Life};
use wharf_agent::link::member::{Application, Manners, Wires, converse, join};
use wharf_agent::observe::{Lister, Listing};
use wharf_agent::seam::{Clock, Outside};
use wharf_agent::store::Loaded;
use wharf_agent::systemd::Watchdog;
use wharf_agent::view::{View, tasks};
use wharf_core::config::{HostResources, NodeConfig};
use wharf_core::node::Node;
use wharf_core::time::Timestamp;
use wharf_link::acs::AcsConfig;
use wharf_link::jitter::Jitter;
use wharf_link::session::Timings;
use wharf_protocol::api::RegisterContainerInstanceRequest;
use wharf_runtime::PullPolicy;

/// The simulated world, as the agent's seams name it.
#[derive(Debug, Clone)]
struct Simulated;

impl Outside for Simulated {
    type Clock = SimClock;
    type Runtime = SimRuntime;
    type Network = SimNetwork;
    type Store = SimStore;
    type Plane = SimPlane;
}

/// The wall clock of the simulated host.
#[derive(Debug, Clone)]
pub struct SimClock(World);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.lock().wall())
    }

    fn since_boot(&self) -> Duration {
        let world = self.0.lock();
        if world.mistake == Some(Mistake::ClockTrusted) {
            return Duration::from_millis(world.wall().unsigned_abs());
        }
        // Counted from the beginning of the story: what counts is that nothing but time moves it within a boot.
        Duration::from_millis(world.now())
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The promise that was broken, if one was.
    pub broken: Option<Broken>,
    /// What happened.
    pub history: History,
    /// How long it took, in the story's time.
    pub took: Duration,
}

/// Runs a story.
pub fn run(scenario: &Scenario, mistake: Option<Mistake>, history: History) -> Outcome {
    let world = World::new(scenario.clone(), mistake, history);
    while !world.lock().ended() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O needs nothing of the system");
        runtime.block_on(one_life(&world));
    }
    let mut state = world.lock();
    let took = Duration::from_millis(state.now());
    Outcome { broken: state.broken.take(), history: std::mem::take(&mut state.history), took }
}

/// From the start of the agent, after the time for which it was down, to its death or the end of the story.
async fn one_life(world: &World) {
    let down = Duration::from_millis(world.begin_life());
    let agent = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(down).await;
        loop {
            let Err(why) = agent_run(&agent).await;
            agent.lock().say(crate::history::Who::Agent, format_args!("cannot start: {why}"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    while !world.over() {
        // All arms are cancel-safe: a bell and a timer that is made anew.
        tokio::select! {
            biased;
            () = world.bell().notified() => {}
            () = tokio::time::sleep(world.wait()) => {}
        }
        world.happen();
    }
    world.end_life();
}

/// What `agent::run` does, over the simulated world.
async fn agent_run(world: &World) -> Result<Infallible, anyhow::Error> {
    world.lock().life.works = false;
    world.step("at", "its start", "").await;
    let (node, boot) = restore(world)?;
    while world.lock().weather.containerd_down > 0 {
        world.step("in", "its wait for containerd", "").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (view, views) = watch::channel(Arc::new(View::default()));
    let registered = Arc::new(SetOnce::new());
    let credentials = CredentialStore::default();
    let store = Arc::new(SimStore::new(world.clone()));
    let lister = Lister { runtime: SimRuntime::new(world.clone()), places: places(), boot };
    let Listing { event: observed, .. } = lister.list(&tasks(&node), true).await?;
    let tolerates = world.lock().scenario.tolerates.map(Duration::from_millis);
    let life = Life::<Simulated> {
        node,
        store: Arc::clone(&store),
        world: effects_world(world, &stop, credentials.clone(), (Arc::clone(&registered), views.clone())),
        lister,
        observed,
        foreign: Foreign::new(tolerates),
        view,
        watchdog: Watchdog::from_environment(),
    };
    let Begun { inbox, replies, effects: _effects } = life::begin(life, &tracker, &stop).await;
    let wires = Wires { inbox, replies, credentials, view: views, registered, healing: Healing::new() };
    let plane = SimPlane::new(world.clone());
    let mut jitter = Jitter::seeded(world.lock().draw("jitter", 0, u64::MAX - 1));
    let application = Application {
        plane: plane.clone(),
        cluster: CLUSTER.to_owned(),
        request: RegisterContainerInstanceRequest {
            cluster: Some(CLUSTER.to_owned()),
            ..RegisterContainerInstanceRequest::default()
        },
    };
    let identity = join(application, &wires, &*store, &mut jitter).await?;
    let acs = AcsConfig { api: plane, identity, endpoint: None, timings: Timings::ACS, jitter };
    let manners = Manners {
        clock: SimClock(world.clone()),
        policy: Policy {
            privileged: true,
            task_eni: true,
            health_check: true,
            logging_drivers: vec!["none".to_owned()],
        },
        heartbeat: Arc::new(Notify::new()),
        active: watch::channel(true).0,
    };
    world.lock().life.works = true;
    converse(acs, wires, manners, stop).await;
    anyhow::bail!("the conversation ended")
}

fn restore(world: &World) -> Result<(Node, String), anyhow::Error> {
    let state = world.lock();
    let loaded = state.host.disk.load();
    let rows = loaded.rows.into_iter().map(|row| {
        let value = misread(&row.value, state.mistake);
        wharf_agent::store::Row { value, ..row }
    });
    let records = rows.collect::<Loaded>().records()?;
    let host = HostResources { cpu: 4096, memory: 8192, ..HostResources::default() };
    let config = NodeConfig {
        task_retention: Duration::from_millis(state.scenario.keeps),
        makings: 2,
        unknown_wait: state.scenario.tolerates.map(Duration::from_millis),
        ..NodeConfig::new(host)
    };
    let node = Node::restore(config, records)?;
    Ok((node, format!("boot-{}", state.host.boot)))
}

fn places() -> Places {
    Places {
        run: "/run/sim".into(),
        data: "/var/lib/sim".into(),
        cgroup_root: "/ecs".into(),
        logger: "/usr/libexec/wharf/wharf-logger".into(),
    }
}

fn effects_world(
    world: &World,
    stop: &CancellationToken,
    credentials: CredentialStore,
    (api, view): (Arc<SetOnce<effects::Registered<SimPlane>>>, watch::Receiver<Arc<View>>),
) -> effects::World<Simulated> {
    effects::World {
        clock: SimClock(world.clone()),
        runtime: SimRuntime::new(world.clone()),
        network: SimNetwork::new(world.clone()),
        networks: Networks::default(),
        credentials,
        places: places(),
        view,
        api,
        stop: stop.clone(),
        reports: effects::report_slots(),
        pull: PullPolicy::Default,
        registry_auth: BTreeMap::new(),
        region: "us-west-2".to_owned(),
        cluster: CLUSTER.to_owned(),
    }
}

//! containerd, simulated: records, processes, calls that are slow, fail, hang or fail after they have done their work.

use crate::history::Who;
use crate::host::{Container, Host, NAME, Phase, TASK};
use crate::mistake::Mistake;
use crate::scenario::Millis;
use crate::world::{Happening, State, World};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use wharf_agent::seam::Runtime;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{
    Absence, CreateContainer, CreateError, DeleteError, ExecError, ExecOutcome, ExitStatus, Image,
    ImageConfig, InspectError, ListError, ObservedContainer, ObservedState, PingError, PullError, PullPolicy,
    RegistryAuth, RenewContainer, RenewError, RpcError, RuntimeEvent, SignalError, SignalOutcome, StartError,
    Started,
};

/// How long a call to a containerd that hangs takes to be given up.
const QUICK: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(60);
const EVENTS: usize = 1024;
/// What a call says under which containerd ends.
const BROKEN: &str = "stream closed because of a broken pipe";

/// A connection to the simulated containerd.
#[derive(Debug, Clone)]
pub struct SimRuntime {
    world: World,
}

/// Which answer a call gets.
enum Answer {
    Good,
    /// containerd is not there: the call does not take effect.
    Away(RpcError),
    /// containerd says no: the call does not take effect.
    Refused(RpcError),
    /// It takes effect, and nobody hears of it.
    Lost(RpcError),
}

impl Answer {
    fn takes_effect(&self) -> bool {
        match self {
            Self::Good | Self::Lost(_) => true,
            Self::Away(_) | Self::Refused(_) => false,
        }
    }

    /// Why nobody is content with it.
    fn error(self) -> Option<RpcError> {
        match self {
            Self::Good => None,
            Self::Away(error) | Self::Refused(error) | Self::Lost(error) => Some(error),
        }
    }
}

impl SimRuntime {
    pub fn new(world: World) -> Self {
        Self { world }
    }

    /// The way to containerd: what it is before a call takes effect.
    async fn call(&self, rpc: &'static str, id: &str, patience: Duration) -> Answer {
        self.world.step("before", rpc, id).await;
        let name = format!("{rpc} {id}");
        let (least, most) =
            if self.world.lock().weather.containerd_slow > 0 { (500, 8_000) } else { (1, 40) };
        self.world.takes(&name, least, most).await;
        self.hang(patience).await;
        let answer = {
            let mut state = self.world.lock();
            if state.weather.containerd_hangs > 0 {
                Answer::Away(RpcError::Deadline { rpc, after: patience })
            } else if state.weather.containerd_down > 0 {
                Answer::Away(RpcError::Transport { rpc, message: "connection refused".to_owned() })
            } else {
                match state.weather.call_fails.take() {
                    None => Answer::Good,
                    Some(true) => Answer::Lost(RpcError::Deadline { rpc, after: patience }),
                    Some(false) => {
                        let (code, message) = (tonic::Code::Internal, "no luck".to_owned());
                        Answer::Refused(RpcError::Status { rpc, code, message })
                    }
                }
            }
        };
        self.note(rpc, id, &answer);
        self.world.step("at", rpc, id).await;
        answer
    }

    /// Writes down what goes wrong. A containerd that is away is no cause for a task to end; one that says no may be.
    fn note(&self, rpc: &'static str, id: &str, answer: &Answer) {
        let mut state = self.world.lock();
        match answer {
            Answer::Good => return,
            Answer::Away(_) => return state.say(Who::Agent, format_args!("{rpc} {id} meets nobody")),
            Answer::Refused(_) => state.say(Who::Agent, format_args!("{rpc} {id} fails")),
            Answer::Lost(_) => state.say(Who::Agent, format_args!("{rpc} {id}: the answer is lost")),
        }
        let task = state.host.containers.get(id).map(|container| container.task.clone());
        match task.or_else(|| state.plane.task_of(id)) {
            Some(task) => state.excuse(&task),
            None => state.excuse_all(),
        }
    }

    /// Waits while containerd hangs, at most `patience` long.
    async fn hang(&self, patience: Duration) {
        let hanging = async {
            while self.world.lock().weather.containerd_hangs > 0 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        drop(tokio::time::timeout(patience, hanging).await);
    }

    /// The way back, on which containerd may go away.
    async fn answered(&self, rpc: &'static str, id: &str, answer: Answer) -> Answer {
        let Answer::Good = answer else {
            self.world.step("after", rpc, id).await;
            return answer;
        };
        self.world.takes("answer", 0, 4).await;
        let broken = self.world.lock().weather.containerd_down > 0;
        self.world.step("after", rpc, id).await;
        let message = BROKEN.to_owned();
        if broken { Answer::Away(RpcError::Transport { rpc, message }) } else { Answer::Good }
    }

    /// The mistake of an agent that lists at its start only.
    fn lists_no_more(&self) -> bool {
        let state = self.world.lock();
        state.mistake == Some(Mistake::EventsTrusted) && state.host.has_listed(state.life.number)
    }

    fn id(&self, id: &str) -> String {
        let state = self.world.lock();
        if state.mistake == Some(Mistake::RandomNames) {
            format!("{id}.{}", state.life.number)
        } else {
            id.to_owned()
        }
    }
}

impl Runtime for SimRuntime {
    async fn ensure_image(
        &self,
        image: &str,
        _auth: Option<&RegistryAuth>,
        _policy: PullPolicy,
        _refused: &[String],
    ) -> Result<Image, PullError> {
        let name = || image.to_owned();
        match self.call("Pull", image, SLOW).await {
            Answer::Good => {}
            Answer::Away(error) => {
                return Err(PullError::Away { image: name(), digest: None, source: absence(error) });
            }
            Answer::Refused(_) | Answer::Lost(_) => {
                return Err(PullError::Unreachable { image: name(), detail: "no luck".to_owned() });
            }
        }
        self.world.takes(image, 10, 4_000).await;
        let ended = self.world.lock().weather.containerd_down > 0;
        self.world.step("after", "Pull", image).await;
        let digest = Some(format!("sha256:{:064}", 1));
        if ended {
            return Err(PullError::Away { image: name(), digest, source: Absence::Ended });
        }
        Ok(Image {
            name: image.to_owned(),
            digest,
            config_digest: format!("sha256:{:064}", 2),
            chain_id: format!("sha256:{:064}", 3),
            config: ImageConfig::default(),
            pull_started_at_ms: None,
            pull_stopped_at_ms: None,
        })
    }

    async fn create(&self, request: &CreateContainer) -> Result<(), CreateError> {
        let id = &self.id(&request.id);
        let answer = self.call("Create", id, SLOW).await;
        if answer.takes_effect() {
            self.world.change(|state| state.create(id, request))?;
        }
        // Of a creation that failed the real one removes what there is.
        if matches!(answer, Answer::Lost(_)) {
            self.world.change(|state| state.host.containers.remove(id));
        }
        let id = id.clone();
        match self.answered("Create", &id, answer).await {
            Answer::Good => Ok(()),
            Answer::Away(error) => Err(CreateError::Away { id, source: absence(error) }),
            Answer::Refused(error) => Err(CreateError::Runtime { id, reason: error.to_string() }),
            Answer::Lost(source) => Err(CreateError::Rpc { id, source }),
        }
    }

    async fn start(&self, id: &str) -> Result<Started, StartError> {
        let id = &self.id(id);
        let answer = self.call("Start", id, SLOW).await;
        let mut at_ms = 0;
        if answer.takes_effect() {
            let started = self.world.change(|state| {
                at_ms = state.wall();
                state.start(id)
            });
            if let Err(error) = started {
                self.world.step("after", "Start", id).await;
                return Err(error);
            }
        }
        let id = id.clone();
        match self.answered("Start", &id, answer).await {
            Answer::Good => Ok(Started { pid: 1, at_ms }),
            Answer::Away(error) => Err(StartError::Away { id, source: absence(error) }),
            Answer::Refused(error) => Err(StartError::Runtime { id, reason: error.to_string() }),
            Answer::Lost(source) => Err(StartError::Rpc { id, source }),
        }
    }

    async fn renew(&self, request: &RenewContainer) -> Result<(), RenewError> {
        let id = &self.id(&request.id);
        let answer = self.call("Renew", id, SLOW).await;
        if answer.takes_effect() && self.world.change(|state| state.clear_away(id, &request.restarts))? {
            self.world.step("within", "Renew", id).await;
            self.world.change(|state| state.make_anew(id, &request.restarts));
        }
        let id = id.clone();
        match self.answered("Renew", &id, answer).await {
            Answer::Good => Ok(()),
            Answer::Away(error) => Err(RenewError::Away { id, source: absence(error) }),
            Answer::Refused(error) => Err(RenewError::Runtime { id, reason: error.to_string() }),
            Answer::Lost(source) => Err(RenewError::Rpc { id, source }),
        }
    }

    async fn signal(&self, id: &str, signal: &str) -> Result<SignalOutcome, SignalError> {
        let id = &self.id(id);
        let answer = self.call("Kill", id, QUICK).await;
        let mut outcome = SignalOutcome::Gone;
        if answer.takes_effect() {
            outcome = self.world.change(|state| {
                let Some(container) = state.host.containers.get(id) else { return SignalOutcome::Gone };
                let Phase::Running(_) = container.phase else { return SignalOutcome::Gone };
                let (copy, obeys) = (container.copy, container.plan.obeys);
                state.say(Who::Agent, format_args!("{signal} to {id}"));
                let (after, code) = match (signal, obeys) {
                    ("SIGKILL", _) => (Some(state.draw("death", 1, 200)), 137),
                    (_, obeys) => (obeys, 143),
                };
                if let Some(after) = after {
                    state.plan(after, Happening::Exit { id: id.clone(), copy, code, oom: false });
                }
                if state.mistake == Some(Mistake::KillIsDeath) && signal == "SIGKILL" {
                    let at_ms = state.wall();
                    state.host.killed.insert(copy, ExitStatus { code: 137, at_ms });
                    state.plan(0, Happening::Emit { id: id.clone(), exit: Some((137, at_ms)) });
                }
                SignalOutcome::Delivered
            });
        }
        let (of, signal) = (id.clone(), signal.to_owned());
        match self.answered("Kill", id, answer).await {
            Answer::Good => Ok(outcome),
            Answer::Away(error) => Err(SignalError::Away { id: of, signal, source: absence(error) }),
            Answer::Refused(source) | Answer::Lost(source) => {
                Err(SignalError::Rpc { id: of, signal, source })
            }
        }
    }

    // Whatever is said to have ended has ended here, and leaves nothing behind.
    async fn survivor(&self, _cgroup: &str) -> Result<Option<ObservedState>, CgroupError> {
        Ok(None)
    }

    async fn end(&self, cgroup: &str) -> Result<(), CgroupError> {
        self.world.step("before", "End", cgroup).await;
        self.world.change(|state| {
            let mut running =
                state.host.containers.iter().filter(|(_, c)| matches!(c.phase, Phase::Running(_)));
            let found = running.find(|(_, c)| cgroup.ends_with(&format!("/{}/{}", c.task, c.name)));
            if let Some((id, copy)) = found.map(|(id, container)| (id.clone(), container.copy)) {
                state.say(Who::Agent, format_args!("End {id}"));
                state.process_ends(&id, copy, 137, false);
            }
        });
        self.world.step("after", "End", cgroup).await;
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, DeleteError> {
        let id = &self.id(id);
        let answer = self.call("Delete", id, SLOW).await;
        let mut exit = None;
        if answer.takes_effect() {
            exit = self.world.change(|state| {
                let running = state.host.containers.get(id).filter(|c| matches!(c.phase, Phase::Running(_)));
                if let Some(copy) = running.map(|container| container.copy) {
                    state.process_ends(id, copy, 137, false);
                }
                state.check_delete(id);
                let removed = state.host.containers.remove(id)?;
                state.say(Who::Agent, format_args!("Delete {id}"));
                match removed.phase {
                    Phase::Exited(exit) => Some(exit),
                    Phase::Created | Phase::Running(_) | Phase::Vanished => None,
                }
            });
        }
        match self.answered("Delete", id, answer).await.error() {
            None => Ok(exit),
            Some(source) => Err(DeleteError { id: id.clone(), source }),
        }
    }

    async fn exec(
        &self,
        id: &str,
        _exec_id: &str,
        _argv: &[String],
        _timeout: Duration,
    ) -> Result<ExecOutcome, ExecError> {
        let id = &self.id(id);
        let answer = self.call("Exec", id, QUICK).await;
        match answer {
            Answer::Good => {}
            Answer::Away(error) => {
                return Err(ExecError::Away { id: id.clone(), source: absence(error) });
            }
            Answer::Refused(source) | Answer::Lost(source) => {
                return Err(ExecError::Rpc { id: id.clone(), source });
            }
        }
        let exit_code = {
            let mut state = self.world.lock();
            let now = state.now();
            let there = state.host.containers.get(id).and_then(|container| match container.phase {
                Phase::Running(since) => Some((since, container.clone())),
                Phase::Created => Some((now, container.clone())),
                Phase::Exited(_) | Phase::Vanished => None,
            });
            let Some((since, container)) = there else {
                return Err(ExecError::NotRunning { id: id.clone() });
            };
            let healthy = container.plan.healthy_after.is_none_or(|after| since + after <= now);
            state.host.lived(&container.task, &container.name).healthy |= healthy;
            i32::from(!healthy)
        };
        self.world.step("after", "Exec", id).await;
        Ok(ExecOutcome { exit_code: Some(exit_code), output: String::new() })
    }

    async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        let id = &self.id(id);
        if let Some(source) = self.call("Inspect", id, QUICK).await.error() {
            return Err(InspectError { id: id.clone(), source });
        }
        let seen = {
            let Host { containers, killed, .. } = &self.world.lock().host;
            let state = |container: &Container| {
                let dead = killed.get(&container.copy).map(|exit| ObservedState::Exited(*exit));
                dead.unwrap_or_else(|| observed(container.phase))
            };
            containers.get(id).map(state)
        };
        self.world.step("after", "Inspect", id).await;
        Ok(seen)
    }

    async fn ping(&self) -> Result<(), PingError> {
        match self.call("Ping", "", QUICK).await.error() {
            None => Ok(()),
            Some(source) => Err(PingError { address: "/run/sim".into(), source }),
        }
    }

    async fn list(&self) -> Result<Vec<ObservedContainer>, ListError> {
        if let Some(error) = self.call("List", "", QUICK).await.error() {
            return Err(error.into());
        }
        if self.lists_no_more() {
            return Err(RpcError::Deadline { rpc: "List", after: QUICK }.into());
        }
        let listing = self.world.change(|state| {
            let truth = listing(&state.host.containers);
            state.host.remember_listing(truth, state.mistake, state.life.number)
        });
        // What was seen may be old when it is heard of.
        self.world.takes("listing", 0, 60).await;
        self.world.step("after", "List", "").await;
        Ok(listing)
    }

    fn events(&self) -> mpsc::Receiver<RuntimeEvent> {
        let (sender, receiver) = mpsc::channel(EVENTS);
        self.world.change(|state| {
            state.host.events = Some(sender);
            let after: Millis = state.draw("subscribe", 1, 200);
            state.plan(after, Happening::Resubscribed);
        });
        receiver
    }
}

/// What the real one says of an act that met nobody, or under which containerd ended.
fn absence(error: RpcError) -> Absence {
    match error {
        RpcError::Transport { message, .. } if message == BROKEN => Absence::Ended,
        RpcError::Deadline { .. } => Absence::Silent(error),
        RpcError::Transport { .. } | RpcError::Status { .. } => Absence::BrokeOff(error),
    }
}

impl State {
    /// A record and a process that waits; what exists and was not started in vain is adopted.
    fn create(&mut self, id: &str, request: &CreateContainer) -> Result<(), CreateError> {
        if let Some(found) = self.host.containers.get(id) {
            let same = found.request.image == request.image && found.request.process == request.process;
            if !same {
                return Err(CreateError::Exists { id: id.to_owned() });
            }
            match found.phase {
                Phase::Created | Phase::Running(_) => {
                    self.say(Who::Agent, format_args!("Create {id}: exists, adopted"));
                    return Ok(());
                }
                Phase::Exited(_) | Phase::Vanished => {}
            }
        }
        let label = |name: &str| request.labels.get(name).cloned().unwrap_or_default();
        let (task, name) = (label(TASK).rsplit('/').next().unwrap_or_default().to_owned(), label(NAME));
        self.check_create(&task, &name);
        let Some(plan) = self.plane.plan_of(&task, &name) else { return Ok(()) };
        let container = Container {
            request: request.clone(),
            task,
            name,
            phase: Phase::Created,
            copy: self.host.next_copy(),
            plan,
            created_at: self.wall(),
            started_at: None,
            made_at: self.wall(),
            restarts: Vec::new(),
        };
        self.say(Who::Agent, format_args!("Create {id}"));
        self.host.containers.insert(id.to_owned(), container);
        Ok(())
    }

    /// The process of a created container begins; one that runs is adopted.
    fn start(&mut self, id: &str) -> Result<(), StartError> {
        let (now, wall) = (self.now(), self.wall());
        let Some(container) = self.host.containers.get_mut(id) else {
            return Err(StartError::NotFound { id: id.to_owned() });
        };
        match container.phase {
            Phase::Running(_) => return Ok(()),
            Phase::Vanished => return Err(StartError::NotFound { id: id.to_owned() }),
            Phase::Exited(_) => {
                let reason = "the process has ended".to_owned();
                return Err(StartError::Runtime { id: id.to_owned(), reason });
            }
            Phase::Created => {}
        }
        container.phase = Phase::Running(now);
        container.started_at = Some(wall);
        let (task, name) = (container.task.clone(), container.name.clone());
        let (copy, ends) = (container.copy, container.plan.ends);
        self.say(Who::Agent, format_args!("Start {id}"));
        self.check_start(&task, &name);
        let lived = self.host.lived(&task, &name);
        lived.starts += 1;
        lived.live += 1;
        lived.ended = None;
        lived.started.get_or_insert(now);
        if let Some((after, code)) = ends {
            let (id, code) = (id.to_owned(), i32::from(code));
            self.plan(after, Happening::Exit { id, copy, code, oom: false });
        }
        Ok(())
    }
}

fn listing(containers: &BTreeMap<String, Container>) -> Vec<ObservedContainer> {
    let observed = containers.iter().map(|(id, container)| ObservedContainer {
        id: id.clone(),
        labels: container.request.labels.clone(),
        state: observed(container.phase),
        inscription: container.request.inscription.clone(),
        restarts: container.restarts.clone(),
        created_at_ms: Some(container.created_at),
        started_at_ms: container.started_at.filter(|_| matches!(container.phase, Phase::Running(_))),
    });
    observed.collect()
}

fn observed(phase: Phase) -> ObservedState {
    match phase {
        Phase::Created => ObservedState::Created,
        Phase::Running(_) => ObservedState::Running { pid: 1 },
        Phase::Exited(exit) => ObservedState::Exited(exit),
        Phase::Vanished => ObservedState::Vanished,
    }
}

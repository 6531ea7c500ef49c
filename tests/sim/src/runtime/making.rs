//! How a container comes to be, and its process to run.

use super::call::{Answer, absence, silent};
use super::{SLOW, SimRuntime};
use crate::history::Who;
use crate::host::{Container, Kind, NAME, Phase, Pid, Process, TASK};
use crate::mistake::Mistake;
use crate::scenario::ContainerPlan;
use crate::world::{Happening, State};
use wharf_runtime::{
    Absence, CreateContainer, CreateError, Image, ImageConfig, ObservedState, PullError, RenewContainer,
    RenewError, StartError, Started,
};

impl SimRuntime {
    pub(super) async fn pull(&self, image: &str) -> Result<Image, PullError> {
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

    pub(super) async fn create(&self, request: &CreateContainer) -> Result<(), CreateError> {
        let id = &self.id(&request.id);
        self.world.lock().life.making.insert(id.clone());
        let answer = self.call("Create", id, SLOW).await;
        let made =
            if answer.takes_effect() { self.world.change(|state| state.create(id, request)) } else { Ok(()) };
        if let Err(error) = made {
            self.world.lock().life.making.remove(id);
            return Err(error);
        }
        if matches!(answer, Answer::Lost(_)) {
            self.world.change(|state| state.undo_create(id));
        }
        let id = id.clone();
        let answer = self.answered("Create", &id, answer).await;
        self.world.lock().life.making.remove(&id);
        match answer {
            Answer::Good => Ok(()),
            Answer::Away(error) => Err(CreateError::Away { id, source: absence(error) }),
            Answer::Refused(error) => Err(CreateError::Runtime { id, reason: error.to_string() }),
            Answer::Lost(source) => Err(CreateError::Rpc { id, source }),
        }
    }

    pub(super) async fn start(&self, id: &str) -> Result<Started, StartError> {
        let id = &self.id(id);
        let answer = self.call("Start", id, SLOW).await;
        let (mut pid, mut at_ms) = (0, 0);
        if answer.takes_effect() {
            let started = self.world.change(|state| (state.wall(), state.start(id)));
            match started {
                (at, Ok(number)) => (pid, at_ms) = (number, at),
                (_, Err(error)) => {
                    self.world.step("after", "Start", id).await;
                    return Err(error);
                }
            }
        }
        let id = id.clone();
        match self.answered("Start", &id, answer).await {
            Answer::Good => Ok(Started { pid, at_ms }),
            Answer::Away(error) => Err(StartError::Away { id, source: absence(error) }),
            Answer::Refused(error) => Err(StartError::Runtime { id, reason: error.to_string() }),
            Answer::Lost(source) => Err(StartError::Rpc { id, source }),
        }
    }

    pub(super) async fn renew(&self, request: &RenewContainer) -> Result<(), RenewError> {
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
}

impl State {
    /// A record and a process that waits; what exists and was not started in vain is adopted.
    fn create(&mut self, id: &str, request: &CreateContainer) -> Result<(), CreateError> {
        if let Some(found) = self.host.containers.get(id) {
            let same = found.request.image == request.image && found.request.process == request.process;
            if !same {
                return Err(CreateError::Exists { id: id.to_owned() });
            }
            match self.host.seen(found) {
                ObservedState::Created | ObservedState::Running { .. } => {
                    self.say(Who::Agent, format_args!("Create {id}: exists, adopted"));
                    return Ok(());
                }
                ObservedState::Exited(_) | ObservedState::Vanished => {}
            }
        }
        let most = if self.mistake == Some(Mistake::LabelsCut) { 48 } else { usize::MAX };
        let label = |name: &str| -> String {
            request.labels.get(name).into_iter().flat_map(|label| label.chars().take(most)).collect()
        };
        let (task, name) = (label(TASK).rsplit('/').next().unwrap_or_default().to_owned(), label(NAME));
        self.check_create(&task, &name);
        let Some(plan) = self.plane.plan_of(&task, &name) else { return Ok(()) };
        let container = self.container((id, request), (task, name), plan);
        self.say(Who::Agent, format_args!("Create {id}"));
        self.host.containers.insert(id.to_owned(), container);
        if self.host.undoing.remove(id) {
            let after = self.draw("undo late", 0, 60);
            self.plan(after, Happening::Undo { answered: true, id: id.to_owned() });
        }
        Ok(())
    }

    /// A record with a process that waits.
    pub fn container(
        &mut self,
        (id, request): (&str, &CreateContainer),
        (task, name): (String, String),
        plan: ContainerPlan,
    ) -> Container {
        let cgroup = request.cgroup_path.clone();
        self.host.lived(&task, &name).timeless = false;
        let (id, kind) = (id.to_owned(), Kind::Waits);
        let pid =
            self.host.kernel.begin(Process { id, task: task.clone(), name: name.clone(), cgroup, kind });
        Container {
            request: request.clone(),
            task,
            name,
            phase: Phase::Created,
            pid,
            hung: false,
            unsaid: None,
            plan,
            created_at: self.wall(),
            started_at: None,
            made_at: self.now(),
            made_by: self.life.number,
            restarts: Vec::new(),
        }
    }

    /// Of a creation that failed the real one removes what there is.
    fn undo_create(&mut self, id: &str) {
        let Some(removed) = self.host.containers.remove(id) else { return };
        self.kill_cgroup(&removed.request.cgroup_path);
        self.host.kernel.remove_cgroup(&removed.request.cgroup_path);
    }

    /// The process of a created container begins; one that runs is adopted.
    fn start(&mut self, id: &str) -> Result<Pid, StartError> {
        let container = self.host.containers.get(id);
        let Some(container) = container.filter(|container| container.phase != Phase::Vanished) else {
            let (id, reason) = (id.to_owned(), "there is nothing to start".to_owned());
            return Err(match self.mistake {
                Some(Mistake::UndoneGivenUp) => StartError::Runtime { id, reason },
                Some(_) | None => StartError::NotFound { id },
            });
        };
        if container.hung {
            return Err(StartError::Rpc { id: id.to_owned(), source: silent("Start") });
        }
        let pid = container.pid;
        match self.host.seen(container) {
            ObservedState::Running { pid } => return Ok(pid),
            ObservedState::Exited(_) | ObservedState::Vanished => {
                let reason = "the process has ended".to_owned();
                return Err(StartError::Runtime { id: id.to_owned(), reason });
            }
            ObservedState::Created => {}
        }
        self.runs(id, pid);
        Ok(pid)
    }

    fn runs(&mut self, id: &str, pid: Pid) {
        let now = self.now();
        let Some(container) = self.host.containers.get_mut(id) else { return };
        container.phase = Phase::Running;
        container.started_at = Some(now);
        let Container { task, name, plan, .. } = container.clone();
        self.say(Who::Agent, format_args!("Start {id}"));
        self.check_start(&task, &name);
        self.host.kernel.run(pid, now, plan.leaves);
        let lived = self.host.lived(&task, &name);
        lived.starts += 1;
        (lived.ended, lived.unseen) = (None, false);
        lived.started.get_or_insert(now);
        if let Some((after, code)) = plan.ends {
            self.plan(after, Happening::Exit { pid, code: i32::from(code), oom: false });
        }
    }
}

//! How a container comes to be, and its process to run.

use super::call::{Answer, absence};
use super::{SLOW, SimRuntime};
use crate::history::Who;
use crate::host::{Container, NAME, Phase, TASK};
use crate::world::{Happening, State};
use wharf_runtime::{
    Absence, CreateContainer, CreateError, Image, ImageConfig, PullError, RenewContainer, RenewError,
    StartError, Started,
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

    pub(super) async fn start(&self, id: &str) -> Result<Started, StartError> {
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

//! containerd, simulated: records, processes, and the calls that the agent makes.

mod call;
mod ending;
mod making;
mod seeing;

pub use call::silent;

use crate::mistake::Mistake;
use crate::scenario::Millis;
use crate::world::{Happening, World};
use std::time::Duration;
use tokio::sync::mpsc;
use wharf_agent::seam::Runtime;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{
    CreateContainer, CreateError, DeleteError, ExecError, ExecOutcome, ExitStatus, Image, InspectError,
    ListError, ObservedContainer, ObservedState, PingError, PullError, PullPolicy, RegistryAuth,
    RenewContainer, RenewError, RuntimeEvent, SignalError, SignalOutcome, StartError, Started,
};

/// How long a call to a containerd that hangs takes to be given up.
const QUICK: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(60);
const EVENTS: usize = 1024;

/// A connection to the simulated containerd.
#[derive(Debug, Clone)]
pub struct SimRuntime {
    world: World,
}

impl SimRuntime {
    pub fn new(world: World) -> Self {
        Self { world }
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
        self.pull(image).await
    }

    async fn create(&self, request: &CreateContainer) -> Result<(), CreateError> {
        Self::create(self, request).await
    }

    async fn start(&self, id: &str) -> Result<Started, StartError> {
        Self::start(self, id).await
    }

    async fn renew(&self, request: &RenewContainer) -> Result<(), RenewError> {
        Self::renew(self, request).await
    }

    async fn signal(&self, id: &str, signal: &str) -> Result<SignalOutcome, SignalError> {
        Self::signal(self, id, signal).await
    }

    async fn survivor(&self, cgroup: &str) -> Result<Option<ObservedState>, CgroupError> {
        Self::survivor(self, cgroup).await
    }

    async fn ask(&self, cgroup: &str, signal: &str) -> Result<SignalOutcome, CgroupError> {
        Self::ask(self, cgroup, signal).await
    }

    async fn end(&self, cgroup: &str) -> Result<(), CgroupError> {
        Self::end(self, cgroup).await
    }

    async fn delete(&self, id: &str) -> Result<Option<ExitStatus>, DeleteError> {
        Self::delete(self, id).await
    }

    async fn exec(
        &self,
        id: &str,
        _exec_id: &str,
        _argv: &[String],
        _timeout: Duration,
    ) -> Result<ExecOutcome, ExecError> {
        Self::exec(self, id).await
    }

    async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        Self::inspect(self, id).await
    }

    async fn ping(&self) -> Result<(), PingError> {
        match self.call("Ping", "", QUICK).await.error() {
            None => Ok(()),
            Some(source) => Err(PingError { address: "/run/sim".into(), source }),
        }
    }

    async fn list(&self) -> Result<Vec<ObservedContainer>, ListError> {
        Self::list(self).await
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

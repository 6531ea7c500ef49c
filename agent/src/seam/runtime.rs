//! The container runtime: images and containers, and what happens to them.

use std::fmt;
use std::time::Duration;
use tokio::sync::mpsc;
use wharf_runtime::cgroup::CgroupError;
use wharf_runtime::{
    Containerd, CreateContainer, CreateError, DeleteError, ExecError, ExecOutcome, ExitStatus, Image,
    InspectError, ListError, ObservedContainer, ObservedState, PingError, PullError, PullPolicy,
    RegistryAuth, RenewContainer, RenewError, RuntimeEvent, SignalError, SignalOutcome, StartError, Started,
};

/// Runs containers. Clones share the connection. What each call promises is written at [`Containerd`], which is the real one.
pub trait Runtime: Clone + fmt::Debug + Send + Sync + 'static {
    /// Has the image in the store and unpacked, unless its digest is refused.
    fn ensure_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        policy: PullPolicy,
        refused: &[String],
    ) -> impl Future<Output = Result<Image, PullError>> + Send;

    /// Creates a container whose process waits to be started; one of the same id and specification is adopted.
    fn create(&self, request: &CreateContainer) -> impl Future<Output = Result<(), CreateError>> + Send;

    /// Starts a created container; one that runs already is adopted.
    fn start(&self, id: &str) -> impl Future<Output = Result<Started, StartError>> + Send;

    /// Clears away the ended process of a container and makes another one that waits to be started; what runs is not touched.
    fn renew(&self, request: &RenewContainer) -> impl Future<Output = Result<(), RenewError>> + Send;

    /// Looks at one container; `None` when there is no record of it.
    fn inspect(&self, id: &str) -> impl Future<Output = Result<Option<ObservedState>, InspectError>> + Send;

    /// Asks for a sign of life.
    fn ping(&self) -> impl Future<Output = Result<(), PingError>> + Send;

    /// Sends a signal to the main process.
    fn signal(
        &self,
        id: &str,
        signal: &str,
    ) -> impl Future<Output = Result<SignalOutcome, SignalError>> + Send;

    /// Says what lives of a container that is said to have ended, by its cgroup; `None` when it has. What it left behind is killed.
    fn survivor(
        &self,
        cgroup: &str,
    ) -> impl Future<Output = Result<Option<ObservedState>, CgroupError>> + Send;

    /// Sends a signal to the main process of a container that containerd passes none on to, by its cgroup.
    fn ask(
        &self,
        cgroup: &str,
        signal: &str,
    ) -> impl Future<Output = Result<SignalOutcome, CgroupError>> + Send;

    /// Kills whatever is in the cgroup of a container.
    fn end(&self, cgroup: &str) -> impl Future<Output = Result<(), CgroupError>> + Send;

    /// Kills what runs and removes all there is of a container; a missing one is fine.
    fn delete(&self, id: &str) -> impl Future<Output = Result<Option<ExitStatus>, DeleteError>> + Send;

    /// Runs a command in a container and waits for it.
    fn exec(
        &self,
        id: &str,
        exec_id: &str,
        argv: &[String],
        timeout: Duration,
    ) -> impl Future<Output = Result<ExecOutcome, ExecError>> + Send;

    /// Lists all containers of our namespace.
    fn list(&self) -> impl Future<Output = Result<Vec<ObservedContainer>, ListError>> + Send;

    /// Subscribes to events, again and again, until the receiver is dropped.
    fn events(&self) -> mpsc::Receiver<RuntimeEvent>;
}

impl Runtime for Containerd {
    async fn ensure_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        policy: PullPolicy,
        refused: &[String],
    ) -> Result<Image, PullError> {
        Self::ensure_image(self, image, auth, policy, refused).await
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

    async fn inspect(&self, id: &str) -> Result<Option<ObservedState>, InspectError> {
        Self::inspect(self, id).await
    }

    async fn ping(&self) -> Result<(), PingError> {
        Self::ping(self).await
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
        exec_id: &str,
        argv: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, ExecError> {
        Self::exec(self, id, exec_id, argv, timeout).await
    }

    async fn list(&self) -> Result<Vec<ObservedContainer>, ListError> {
        Self::list(self).await
    }

    fn events(&self) -> mpsc::Receiver<RuntimeEvent> {
        Self::events(self)
    }
}

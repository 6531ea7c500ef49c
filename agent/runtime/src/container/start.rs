//! Starting the process of a created container.

use super::create::runtime_words;
use super::{InspectError, ObservedState};
use crate::connect::Containerd;
use crate::presence::Absence;
use crate::rpc::{self, RpcError, SLOW};
use crate::time::now_ms;
use containerd_client::services::v1::StartRequest;

/// A process that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its id on the host.
    pub pid: u32,
    /// When it was started, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Why a container was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such container, or its process was never created.
    #[error("container {id} does not exist")]
    NotFound {
        /// The id.
        id: String,
    },
    /// The runtime refused, or the process has ended already.
    #[error("{reason}")]
    Runtime {
        /// Id of the container.
        id: String,
        /// The runtime's own words.
        reason: String,
    },
    /// containerd was not there; the process may have been started.
    #[error("container {id} cannot be started now")]
    Away {
        /// Id of the container.
        id: String,
        /// What was met.
        #[source]
        source: Absence,
    },
    /// containerd is there and did not answer; the process may have been started.
    #[error("whether container {id} was started is not known")]
    Rpc {
        /// Id of the container.
        id: String,
        /// The call that failed.
        #[source]
        source: RpcError,
    },
}

impl Containerd {
    /// Starts a created container; one that runs already is adopted.
    pub async fn start(&self, id: &str) -> Result<Started, StartError> {
        let away = |source| StartError::Away { id: id.to_owned(), source };
        let witness = self.shared.witness().await.map_err(away)?;
        let error = match self.try_start(id).await {
            Ok(started) => return Ok(started),
            Err(error) => error,
        };
        let rpc = match &error {
            StartError::Rpc { source, .. } => Some(source),
            StartError::NotFound { .. } | StartError::Runtime { .. } | StartError::Away { .. } => None,
        };
        Err(self.shared.absence(witness, rpc).await.map_or(error, away))
    }

    async fn try_start(&self, id: &str) -> Result<Started, StartError> {
        let request = StartRequest { container_id: id.to_owned(), ..StartRequest::default() };
        let answer = rpc::call("Tasks.Start", SLOW, self.shared.tasks_client().start(request)).await;
        let error = match answer {
            Ok(answer) => return Ok(Started { pid: answer.pid, at_ms: now_ms() }),
            Err(error) => error,
        };
        let id = id.to_owned();
        // containerd names what it looked for. Without a name it is the process that was gone when it was asked after its start.
        if error.is_not_found() && error.message().contains(&id) {
            return Err(StartError::NotFound { id });
        }
        if error.is_not_found() || error.is_transient() || error.is_broken() {
            return Err(StartError::Rpc { id, source: error });
        }
        match self.inspect(&id).await {
            Ok(Some(ObservedState::Running { pid })) => Ok(Started { pid, at_ms: now_ms() }),
            Ok(Some(ObservedState::Created | ObservedState::Exited(_) | ObservedState::Vanished) | None) => {
                Err(StartError::Runtime { id, reason: runtime_words(error.message()) })
            }
            Err(InspectError { source, .. }) => Err(StartError::Rpc { id, source }),
        }
    }
}

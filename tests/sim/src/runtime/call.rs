//! The way to containerd and back: calls that are slow, fail, hang, or fail after they have done their work.

use super::{QUICK, SimRuntime};
use crate::history::Who;
use std::time::Duration;
use wharf_runtime::{Absence, RpcError};

/// What a call says under which containerd ends.
const BROKEN: &str = "stream closed because of a broken pipe";

/// Which answer a call gets.
pub enum Answer {
    Good,
    /// containerd is not there: the call does not take effect.
    Away(RpcError),
    /// containerd says no: the call does not take effect.
    Refused(RpcError),
    /// It takes effect, and nobody hears of it.
    Lost(RpcError),
}

impl Answer {
    pub fn takes_effect(&self) -> bool {
        match self {
            Self::Good | Self::Lost(_) => true,
            Self::Away(_) | Self::Refused(_) => false,
        }
    }

    /// Why nobody is content with it.
    pub fn error(self) -> Option<RpcError> {
        match self {
            Self::Good => None,
            Self::Away(error) | Self::Refused(error) | Self::Lost(error) => Some(error),
        }
    }
}

impl SimRuntime {
    /// The way to containerd: what it is before a call takes effect.
    pub(super) async fn call(&self, rpc: &'static str, id: &str, patience: Duration) -> Answer {
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
    pub(super) async fn answered(&self, rpc: &'static str, id: &str, answer: Answer) -> Answer {
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
}

/// What the real one says of an act that met nobody, or under which containerd ended.
pub fn absence(error: RpcError) -> Absence {
    match error {
        RpcError::Transport { message, .. } if message == BROKEN => Absence::Ended,
        RpcError::Deadline { .. } => Absence::Silent(error),
        RpcError::Transport { .. } | RpcError::Status { .. } => Absence::BrokeOff(error),
    }
}

/// What a call gets that asks a shim which hangs.
pub fn silent(rpc: &'static str) -> RpcError {
    RpcError::Deadline { rpc, after: QUICK }
}

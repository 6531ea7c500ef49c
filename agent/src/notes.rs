//! From the node's notes to lines of the log: one place that decides what is worth which level.

use wharf_core::note::Note;
use wharf_core::reason::Reason;

/// Writes a note as one line.
pub fn log(note: &Note) {
    match note {
        Note::TaskAccepted { task } => tracing::info!(%task, "task accepted"),
        Note::TaskRefused { task, reason } => tracing::warn!(%task, %reason, "task refused"),
        Note::TaskStopping { task, reason } => {
            tracing::info!(%task, reason = shown(reason), "task is to stop")
        }
        Note::TaskChanged { task, status } => tracing::info!(%task, status = status.as_str(), "task changed"),
        Note::TaskForgotten { task } => tracing::debug!(%task, "record of a stopped task dropped"),
        Note::ContainerChanged { container, phase, exit_code, reason } => tracing::info!(
            task = %container.task, container = container.container, phase, exit_code, reason = shown(reason), "container changed"
        ),
        Note::OutOfMemory { container } => {
            tracing::warn!(task = %container.task, container = container.container, "a process was killed for memory");
        }
        Note::Orphan { container, seen } => tracing::warn!(
            task = %container.task, container = container.container, ?seen,
            "containerd has a container of ours whose task is unknown; WHARF_UNKNOWN_CONTAINERS says what becomes of it"
        ),
        Note::TaskAdopted { task, running } => {
            tracing::warn!(%task, running, "a task that nobody remembered was taken over from its containers");
        }
        Note::ClockSet { by } => {
            tracing::warn!(by_ms = by, "the wall clock was set; deadlines move along with it");
        }
        Note::HostRebooted => tracing::warn!("the host was started again since the agent last ran"),
        Note::Missing { container } => {
            tracing::warn!(task = %container.task, container = container.container, "containerd does not show this container");
        }
        Note::WillRetry { task, container, act, attempt, reason } => {
            tracing::warn!(%task, container, ?act, attempt, reason = shown(reason), "failed; it is tried again");
        }
        Note::CannotStop { container, attempts } => tracing::error!(
            task = %container.task, container = container.container, attempts,
            "SIGKILL does not end this container; look for a process in uninterruptible sleep or a hung shim"
        ),
        Note::ReportRefused { report } => {
            tracing::error!(task = %report.task, status = report.status.as_str(), "this state counts as told though it was refused");
        }
        Note::AttachmentLapsed { task } => {
            tracing::warn!(%task, "an interface was announced and its task never came")
        }
        Note::ImageSuspected { reference, digest, act } => tracing::warn!(
            image = reference,
            digest,
            act = act.as_str(),
            "containerd ended while it was busy with this image; images that are new here are used one at a time until one succeeds"
        ),
        Note::ImageQuarantined { reference, digest, act } => tracing::error!(
            image = reference,
            digest,
            act = act.as_str(),
            "this image crashes containerd and is kept out; WHARF_IMAGE_QUARANTINE says how long"
        ),
        Note::ImageCleared { digest } => {
            tracing::info!(digest, "nothing is held against this image any more")
        }
        Note::Ignored { what, about } => tracing::debug!(what, about, "nothing done"),
    }
}

fn shown(reason: &Option<Reason>) -> Option<tracing::field::DisplayValue<&Reason>> {
    reason.as_ref().map(tracing::field::display)
}

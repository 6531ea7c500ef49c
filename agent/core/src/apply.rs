//! Folding events into the state: which event goes where.

use crate::event::Event;
use crate::node::Node;

impl Node {
    /// Folds one event into the state. Nothing is decided here.
    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::PayloadReceived { message_id, sequence, goals } => {
                self.payload_received(message_id, sequence, goals);
            }
            Event::InterfaceAssigned { message_id, attachment } => {
                self.interface_assigned(message_id, attachment)
            }
            Event::ManifestReceived { message_id, timeline, tasks } => {
                self.manifest_received(message_id, timeline, &tasks);
            }
            Event::StopsVerified { message_id, tasks } => self.stops_verified(&message_id, tasks),
            Event::NetworkReady { task } => self.network_ready(&task),
            Event::NetworkFailed { task, reason } => self.network_failed(task, reason),
            Event::TaskReleased { task } => self.task_released(&task),
            Event::ReleaseFailed { task, reason } => self.release_failed(task, reason),
            Event::ImageReady { container, image } => self.image_ready(&container, image),
            Event::ImageFailed { container, reason } => self.image_failed(&container, reason),
            Event::ImageRefused { container, digest } => self.image_refused(&container, &digest),
            Event::ContainerCreated { container } => self.container_created(&container),
            Event::CreateFailed { container, reason } => self.create_failed(&container, reason),
            Event::ContainerStarted { container, at } => self.container_started(&container, at),
            Event::StartFailed { container, reason } => self.start_failed(&container, reason),
            Event::ContainerUndone { container, reason } => self.container_undone(&container, reason),
            Event::ContainerRenewed { container } => self.container_renewed(&container),
            Event::RenewFailed { container, reason } => self.renew_failed(&container, reason),
            Event::ContainerInspected { container, seen } => self.container_inspected(&container, seen),
            Event::Postponed { container, act, reason, suspect } => {
                if let Some(digest) = suspect {
                    self.containerd_ended(&container, act, &digest);
                }
                self.postponed(container, act, reason);
            }
            Event::SignalSent { container } => self.signal_sent(container),
            Event::SignalFailed { container, reason } => self.signal_failed(container, reason),
            Event::ContainerDeleted { container, exit, remains } => {
                self.container_deleted(&container, exit, remains);
            }
            Event::DeleteFailed { container, reason } => self.delete_failed(container, reason),
            Event::HealthProbed { container, exit_code, output } => {
                self.health_probed(container, exit_code, output);
            }
            Event::TaskReported { report } => self.task_reported(&report),
            Event::TaskReportRefused { report } => self.task_report_refused(report),
            Event::TaskReportFailed { task } => self.task_report_failed(task),
            Event::AttachmentReported { report } => self.attachment_reported(&report),
            Event::AttachmentReportFailed { task } => self.attachment_report_failed(task),
            Event::ContainerExited { container, exit } => self.container_exited(&container, exit),
            Event::OutOfMemory { container } => self.out_of_memory(container),
            Event::RuntimeLost => self.runtime_lost(),
            Event::Observed { containers, found, boot, recovery } => {
                self.observed(&containers, found, boot, recovery);
            }
            Event::ClockRead(ahead) => self.clock_read(ahead),
            Event::Woken => {}
        }
    }
}

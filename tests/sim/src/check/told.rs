//! What has to be true when something is told.

use crate::history::Who;
use crate::message;
use crate::world::State;
use wharf_core::report::Status;
use wharf_protocol::api::{ContainerStateChange, SubmitTaskStateChangeRequest};

impl State {
    /// The control plane takes a report: everything in it has to be true now.
    pub fn takes(&mut self, request: &SubmitTaskStateChangeRequest) {
        let task =
            request.task.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned();
        let Some(status) = known(request.status.as_deref()) else {
            return self.say(Who::Plane, format_args!("{task} is attached"));
        };
        let reason = request.reason.as_deref().unwrap_or_default();
        self.say(Who::Plane, format_args!("{task} is {} {reason}", status.as_str()));
        self.a_report_never_goes_back(&task, status);
        self.a_status_is_true_when_told(&task, status);
        for container in &request.containers {
            self.a_container_never_goes_back(&task, container);
            self.an_exit_code_told_is_the_true_one(&task, container);
        }
        if let Some(goal) = self.plane.goal(&task) {
            goal.told = goal.told.max(Some(status));
        }
    }

    fn a_report_never_goes_back(&mut self, task: &str, status: Status) {
        let told = self.plane.goal(task).and_then(|goal| goal.told);
        if told > Some(status) {
            self.broken("a_report_never_goes_back", format_args!("{task}: {told:?}, then {status:?}"));
        }
    }

    /// `a_report_never_goes_back`, of a container.
    fn a_container_never_goes_back(&mut self, task: &str, container: &ContainerStateChange) {
        let Some(status) = known(container.status.as_deref()) else { return };
        let name = container.container_name.clone().unwrap_or_default();
        let Some(goal) = self.plane.goal(task) else { return };
        let told = goal.containers_told.insert(name.clone(), status);
        if told > Some(status) {
            let what = format!("{task}/{name}: {told:?}, then {status:?}");
            self.broken("a_report_never_goes_back", format_args!("{what}"));
        }
    }

    /// No process of a stopped task lives; every essential container of a running one has started.
    fn a_status_is_true_when_told(&mut self, task: &str, status: Status) {
        const RULE: &str = "a_status_is_true_when_told";
        match status {
            Status::Pending => {}
            Status::Stopped => {
                let alive = self.host.living(task);
                if !alive.is_empty() {
                    self.broken(RULE, format_args!("{task} is said to be STOPPED, and {alive} lives"));
                }
            }
            Status::Running => {
                let Some(goal) = self.plane.goal(task) else { return };
                let essential: Vec<usize> = (0..goal.plan.containers.len())
                    .filter(|at| goal.plan.containers[*at].essential)
                    .collect();
                for at in essential {
                    if self.host.lived(task, &message::name(at)).started.is_none() {
                        self.broken(RULE, format_args!("{task} is said to be RUNNING, and c{at} never ran"));
                    }
                }
            }
        }
    }

    fn an_exit_code_told_is_the_true_one(&mut self, task: &str, told: &ContainerStateChange) {
        const RULE: &str = "an_exit_code_told_is_the_true_one";
        let name = told.container_name.clone().unwrap_or_default();
        let lived = self.host.lived(task, &name).clone();
        if told.status.as_deref() == Some("STOPPED") && self.host.kernel.of(task, &name) > 0 {
            return self.broken(RULE, format_args!("{task}/{name} is said to have stopped, and lives"));
        }
        let (Some(code), Some(_)) = (told.exit_code, lived.started) else { return };
        let own = lived.ended.and_then(|(_, code)| code).map(i64::from) == Some(code);
        // Where nobody saw it end, containerd's word is all there is.
        let made_up = lived.unseen && lived.made_up.iter().any(|made_up| i64::from(*made_up) == code);
        if !own && !made_up {
            self.broken(RULE, format_args!("{task}/{name}: {code}, and not {:?}", lived.ended));
        }
        self.what_is_to_be_started_again_is(task, &name, code);
    }
}

/// A status of a task or a container by its name on the wire.
fn known(status: Option<&str>) -> Option<Status> {
    [Status::Pending, Status::Running, Status::Stopped]
        .into_iter()
        .find(|known| status == Some(known.as_str()))
}

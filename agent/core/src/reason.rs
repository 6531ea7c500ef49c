//! Why something stopped or failed: a closed list of codes, each with its name, who acted, the cause and what to do.
//!
//! The detail of a [`Reason`] says what failed on which object; the table here says what such a thing means. It is printed by
//! `wharf-agent explain` and generates `docs/reference/reasons.md`. Names are ECS's where it has one (features 7.8).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// Whoever wrote the task definition.
    User,
    /// The control plane.
    ControlPlane,
    /// The program in the container.
    Application,
    /// The host: its kernel, disk or network.
    Host,
    /// containerd, a shim or runc.
    Runtime,
    /// The registry of an image.
    Registry,
    /// This agent.
    Agent,
    /// Somebody on the host who is none of these.
    Outsider,
}

impl Actor {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "task definition",
            Self::ControlPlane => "control plane",
            Self::Application => "application",
            Self::Host => "host",
            Self::Runtime => "container runtime",
            Self::Registry => "registry",
            Self::Agent => "agent",
            Self::Outsider => "somebody on the host",
        }
    }
}

/// Whether the control plane is told a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// In the report of the task or container.
    Yes,
    /// ECS has no words for it in a report: the control plane knows from its own request, or from the exit code.
    No,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $told:ident, $by:ident, $cause:literal, $hint:literal;)+) => {
        /// A cause, from a closed list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode { $($(#[$doc])* $name),+ }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name, as reported to the control plane.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// Whether reports carry it.
            pub const fn is_told(self) -> bool {
                match self { $(Self::$name => matches!(Told::$told, Told::Yes)),+ }
            }

            /// Who acted.
            pub const fn actor(self) -> Actor {
                match self { $(Self::$name => Actor::$by),+ }
            }

            /// What happened, in one sentence.
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$name => $cause),+ }
            }

            /// What to do about it.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint),+ }
            }
        }
    };
}

codes! {
    /// The control plane asked for it.
    StoppedByControlPlane = "StoppedByControlPlane", No, ControlPlane,
        "The control plane asked the agent to stop the task.",
        "Nothing is wrong on this host. Who asked stands with the control plane: StopTask, a deployment, a scale-in or a failed check of a load balancer.";
    /// An essential container of the task ended.
    EssentialContainerExited = "EssentialContainerExited", No, Application,
        "An essential container of the task ended by itself, and a task ends with its essential containers.",
        "Look at the container's exit code and last log lines. If the task is to live on without it, define it with essential: false.";
    /// Every container of the task ended, none of them essential.
    AllContainersExited = "AllContainersExited", No, Application,
        "Every container of the task ended by itself.",
        "Nothing, if the task was a job. Otherwise look at the containers' exit codes and last log lines.";
    /// The application ended by itself.
    ContainerExited = "ContainerExited", No, Application,
        "The container's main process ended by itself.",
        "Exit code 0 is a success. Any other is the application's own: 1 and 2 mostly an error it has logged, 126 and 127 a command that cannot be run, 128 + n a signal n that it sent itself or did not catch.";
    /// It ended after it was asked to.
    ContainerStopped = "ContainerStopped", No, Agent,
        "The agent asked the container to stop, since its task was to stop, and it did.",
        "Nothing. An exit code of 143 means that the application does not catch SIGTERM, which is harmless if it has nothing to finish.";
    /// It did not end when it was asked to.
    ContainerKilled = "ContainerKilled", No, Agent,
        "The agent asked the container to stop, it did not within its stopTimeout, and the agent killed it.",
        "Let the application end on its stop signal (a shell as PID 1 does not pass it on: use exec), or give it a longer stopTimeout.";
    /// Somebody killed it.
    KilledFromOutside = "KilledFromOutside", No, Outsider,
        "The container's main process was killed with SIGKILL; neither the agent nor the kernel's out-of-memory killer did it.",
        "Look for who sent the signal: a person, another program on the host, or the application itself. The host's audit log may know.";
    /// It never came to run, since its task was to stop.
    ContainerNotStarted = "ContainerNotStarted", No, Agent,
        "The container never started, for its task was to stop first.",
        "Look at why the task stopped.";
    /// The payload's task could not be understood (the misspelling is ECS's).
    UnrecognizedTask = "UnrecogniedTaskError", Yes, User,
        "The agent refused the task: a field is missing, has a value that means nothing, or asks for what this agent does not do.",
        "Change the field that the detail names and register the task definition again.";
    /// The dependencies name an unknown container or form a circle.
    TaskDependency = "TaskDependencyError", Yes, User,
        "The agent refused the task: its dependsOn conditions can never hold.",
        "Name only containers of the same task, without a circle, and give a container that is to become HEALTHY a health check.";
    /// A condition of `dependsOn` did not come to hold.
    DependencyFailed = "ContainerDependencyError", Yes, Application,
        "The container was not started, since a container that it depends on did not reach the condition in time or at all.",
        "Look at why the container that the detail names ended or hung; its last log lines say more. A startTimeout that is too short looks the same.";
    /// The image could not be pulled.
    CannotPullContainer = "CannotPullContainerError", Yes, Registry,
        "The agent asked for the image and could not get it.",
        "Check the name and tag of the image, and that this host reaches its registry: name resolution, routes, proxy, certificate.";
    /// The manifest could not be fetched.
    CannotPullImageManifest = "CannotPullImageManifestError", Yes, Registry,
        "The registry's answer about the image cannot be used: it changed on the way, or has nothing for this processor.",
        "Push the image again, for this host's architecture too, or name another tag.";
    /// The registry refused our credentials.
    CannotPullContainerAuth = "CannotPullContainerAuthError", Yes, Registry,
        "The registry refused the credentials with which the agent asked for the image, or the lack of any.",
        "Give this host credentials for the registry (ECS_ENGINE_AUTH_DATA) or give the image's repository to the ones it has.";
    /// The image crashes containerd.
    ImageQuarantined = "ImageQuarantinedError", Yes, Runtime,
        "containerd ended several times in a row while this image, and nothing else that was new here, was pulled or a container was made of it: the image is kept out.",
        "containerd's log says how it ended. Push a repaired image, which has another digest, or update containerd. The quarantine ends after WHARF_IMAGE_QUARANTINE; an agent that is started with that at 0 forgets it at once.";
    /// The container could not be created.
    CannotCreateContainer = "CannotCreateContainerError", Yes, Runtime,
        "The container runtime did not create the container.",
        "The detail has the runtime's words. Mostly a command, user, mount or device that the image or the host does not have.";
    /// The process could not be started.
    CannotStartContainer = "CannotStartContainerError", Yes, Runtime,
        "The container runtime created the container and could not start its process.",
        "The detail has the runtime's words. Mostly a command that is not in the image or is not executable, or too little memory for it to start.";
    /// The container does not stop.
    CannotStopContainer = "CannotStopContainerError", Yes, Runtime,
        "The agent's signal did not reach the container; it tries again.",
        "Look at containerd and at the container's shim on this host. Until it has ended the task is not reported as stopped.";
    /// The container could not be removed.
    CannotRemoveContainer = "CannotRemoveContainerError", Yes, Runtime,
        "Something of the stopped task could not be removed; the agent tries again.",
        "The detail says what. Mostly a mount in use or a containerd that does not answer.";
    /// The kernel killed the container for memory.
    OutOfMemory = "OutOfMemoryError", Yes, Host,
        "The kernel killed the container's main process, since the container or its task had reached its memory limit.",
        "Compare the peak memory with the limit. Raise memory in the task definition, or find what the application holds.";
    /// The network of the task could not be made.
    ContainerNetworking = "ContainerNetworkingError", Yes, Host,
        "The agent could not make the network of the task.",
        "The detail says which step the kernel refused. Check that the interface's addresses are free and that the agent may change networks (CAP_NET_ADMIN, CAP_SYS_ADMIN).";
    /// Something the task needs could not be prepared.
    ResourceInitialization = "ResourceInitializationError", Yes, Host,
        "The agent could not prepare something that the task needs, such as its cgroup.",
        "The detail says what the host refused. A full cgroup hierarchy or a missing controller is a matter of the host's set-up.";
    /// The host's disk is full.
    DiskFull = "NoSpaceLeftError", Yes, Host,
        "A disk of the host was full when the agent needed it for an image or a container.",
        "Free space below containerd's root and the agent's data directory, e.g. remove images that nobody uses, then start the task again.";
    /// A field of the host configuration cannot be honoured.
    HostConfig = "HostConfigError", Yes, User,
        "The agent refused the task or container: a field of its host configuration cannot be honoured here.",
        "Change the field that the detail names: mounts, volumes, devices, limits, capabilities.";
    /// A field of the container configuration cannot be honoured.
    DockerClientConfig = "DockerClientConfigError", Yes, User,
        "The agent refused the task: a field of its container configuration cannot be honoured here.",
        "Change the field that the detail names.";
    /// The container is gone and nobody saw it end.
    ContainerVanished = "ContainerVanishedError", Yes, Outsider,
        "The container is gone from the runtime and nobody saw it end: removed by somebody, or lost by the runtime.",
        "Look for who uses ctr or another client in the agent's containerd namespace, and at containerd's log for a restart or a lost shim.";
    /// The host was started again while the container ran.
    HostRebooted = "HostRebootedError", Yes, Host,
        "The host was started again while the container ran; nobody saw how it ended.",
        "Look at the host's journal of the boot before for why. The control plane may start the task again; what it kept outside of volumes is lost.";
    /// The agent lost its state and cannot know how far the task had come.
    StateLost = "AgentStateLostError", Yes, Agent,
        "The agent's saved state was gone. Of the task no container ran, and it could have been run twice, so it was ended; or it is in doubt whether a container's program ran.",
        "Start the task again if it is still wanted, and find out who removed the agent's data directory.";
    /// A container of a task whose definition nobody knows.
    UnknownContainer = "UnknownContainerError", Yes, Agent,
        "Containers of the task ran here, the agent knew nothing of the task, and by policy such containers are removed after a while.",
        "WHARF_UNKNOWN_CONTAINERS and WHARF_UNKNOWN_CONTAINERS_WAIT set the policy. Look for who made the containers, or for an older agent whose data was removed.";
    /// A wait ran out.
    Timeout = "DockerTimeoutError", Yes, Runtime,
        "An act on the container did not end in its time, and the agent gave it up.",
        "PULLED: a slow registry or a large image, see ECS_IMAGE_PULL_TIMEOUT. CREATED or RUNNING: look at containerd and at the load of the host's disk.";
    /// The task was stopped before its first pull.
    TaskStoppedBeforePullBegin = "TaskStoppedBeforePullBeginError", Yes, ControlPlane,
        "The control plane stopped the task while it still waited for its turn or for the host's resources.",
        "Nothing is wrong with the task. If it waited long, the host is too full for it.";
    /// The host does not have what the task asks for and never will.
    Unplaceable = "ResourceNotAvailableError", Yes, ControlPlane,
        "The control plane placed a task here that needs more than this host has in all, or what it keeps for itself.",
        "Place the task on a larger host, or lower what it asks for. What this host offers is printed by the control plane's description of the instance.";
}

/// A cause with its detail; prints as `Name: detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The cause.
    pub code: ReasonCode,
    /// What failed, on which object, why.
    pub detail: String,
}

impl Reason {
    /// A cause with its detail.
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

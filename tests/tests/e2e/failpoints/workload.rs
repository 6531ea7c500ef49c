//! The tasks of a sweep: some stay through every kill, some come and go with each round, in every way a task can end.

use wharf_protocol::Secret;
use wharf_protocol::acs;
use wharf_tests::fresh::FreshImages;
use wharf_tests::payload::{arn, awsvpc_task, container};

/// So many tasks stay. With the seven of a round that have yet to end there are twenty wherever an agent dies.
const STAYERS: usize = 13;
const STAY: &str = "trap 'exit 0' TERM; sleep 3600 & wait";
const MORTAL: &str = "trap 'exit 7' TERM; sleep 3600 & wait";
const STUBBORN: &str = "trap '' TERM; while :; do sleep 1; done";
/// Runs long enough for its restart policy, however late its start is answered, and then not.
const AGAIN: &str = "[ -e /ran ] && exit 5; touch /ran; sleep 5; exit 3";
/// Every health check asks this often.
const PROBE: &str =
    r#"{"HealthCheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Timeout":5000000000,"Retries":3}}"#;

/// A task with what is to become of it.
#[derive(Debug, Clone)]
pub struct Member {
    pub task: acs::Task,
    pub fate: Fate,
}

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It runs until it is told to stop, and ends with this code then.
    Stops(i64),
    /// It ends by itself with this code.
    Ends(i64),
    /// It ends with 7 when somebody else sends it SIGTERM, which happens while the agent is dead.
    Dies,
    /// It ends with 3, is started again in place by its restart policy, and ends with this code then, too soon for another start.
    Again(i64),
    /// It is told to stop as soon as it is told to run: whether and how its process ended depends on the moment.
    Fleets,
}

impl Member {
    pub fn arn(&self) -> &str {
        arn(&self.task)
    }

    /// Ids of its containers in containerd.
    pub fn containers(&self) -> impl Iterator<Item = String> {
        let id = self.arn().rsplit('/').next().expect("an ARN has an id").to_owned();
        self.names().map(move |name| format!("{id}-{name}"))
    }

    /// Their names in the task.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.task.containers.iter().map(|c| c.name.as_deref().expect("made with a name"))
    }

    /// The container whose exit is the task's.
    pub fn app(&self) -> String {
        self.containers().last().expect("a task has containers")
    }
}

/// Makes tasks for one host, with addresses that are used again only after a long while.
#[derive(Debug)]
pub struct Maker {
    net: u8,
    made: usize,
    registry: FreshImages,
}

impl Maker {
    pub fn new(net: u8, registry: FreshImages) -> Self {
        Self { net, made: 0, registry }
    }

    fn member(&mut self, fate: Fate, containers: Vec<acs::Container>) -> Member {
        // Stayers are made first and keep theirs: what comes and goes takes turns on the rest.
        let host = if self.made < STAYERS { 10 + self.made } else { 30 + self.made % 220 };
        self.made += 1;
        let host = u8::try_from(host).expect("below 250");
        Member { task: awsvpc_task(self.net, host, containers), fate }
    }

    /// Tasks that stay from the first round to the last, of every kind that something has to be done for meanwhile.
    pub fn stayers(&mut self) -> Vec<Member> {
        let mut all: Vec<_> = (0..6).map(|_| self.member(Fate::Stops(0), vec![app(STAY)])).collect();
        all.extend((0..3).map(|_| self.member(Fate::Stops(0), vec![probed(app(STAY))])));
        all.extend((0..2).map(|_| self.after_setup()));
        all.extend((0..2).map(|_| self.with_role()));
        assert_eq!(all.len(), STAYERS, "so many addresses are kept for them");
        all
    }

    /// The tasks that one round starts; what of them runs on is stopped in the next. `size`: how many of each kind that a point
    /// belongs to; `restarts`: it belongs to those that are started again, which take their time.
    pub fn batch(&mut self, size: usize, restarts: bool) -> Batch {
        let mut members = Vec::new();
        for n in 0..size {
            if restarts {
                members.push(self.member(Fate::Again(5), vec![started_again(app(AGAIN))]));
            }
            members.push(self.pulled());
            let code = i64::try_from(self.made % 100).expect("below 100") + 20;
            members.push(self.member(Fate::Ends(code), vec![app(&format!("exit {code}"))]));
            members.push(self.member(Fate::Stops(0), vec![probed(app(STAY))]));
            members.push(self.with_role());
            if n == 0 {
                members.push(self.after_setup());
                members.push(self.member(Fate::Stops(137), vec![patient(app(STUBBORN))]));
                members.push(self.member(Fate::Dies, vec![app(MORTAL)]));
            }
        }
        let fleeting = self.member(Fate::Fleets, vec![patient(app(STAY))]);
        members.push(fleeting);
        // The last of the payload: what waits for the host's processors holds up all that comes after it.
        members.push(self.member(Fate::Stops(0), vec![large(app(STAY))]));
        let announced = members.iter().take(size).cloned().collect();
        Batch { members, announced }
    }

    /// An image that this host has never seen.
    fn pulled(&mut self) -> Member {
        let mut one = app(STAY);
        one.image = Some(self.registry.name(&format!("n{}-{}", self.net, self.made)));
        self.member(Fate::Stops(0), vec![one])
    }

    /// Starts only after another container of the task has ended well, and finds what that left in their volume.
    fn after_setup(&mut self) -> Member {
        let mut setup = shares(app("touch /shared/done"));
        (setup.name, setup.essential) = (Some("setup".to_owned()), Some(false));
        let mut main = shares(app(&format!("[ -e /shared/done ] || exit 9; {STAY}")));
        main.depends_on = vec![acs::ContainerDependency {
            container_name: setup.name.clone(),
            condition: Some("SUCCESS".to_owned()),
        }];
        let mut member = self.member(Fate::Stops(0), vec![setup, main]);
        let volume = acs::Volume {
            name: Some("shared".to_owned()),
            r#type: Some("host".to_owned()),
            host: Some(acs::HostVolumeProperties::default()),
            ..Default::default()
        };
        member.task.volumes = vec![volume];
        member
    }

    fn with_role(&mut self) -> Member {
        let mut member = self.member(Fate::Stops(0), vec![app(STAY)]);
        member.task.role_credentials = Some(role(member.arn()));
        member
    }
}

/// What a round sends.
#[derive(Debug)]
pub struct Batch {
    /// Its tasks in the order of the payload.
    pub members: Vec<Member>,
    /// Those whose interface is announced before.
    pub announced: Vec<Member>,
}

fn app(script: &str) -> acs::Container {
    container("app", &["sh", "-c", script])
}

fn probed(mut container: acs::Container) -> acs::Container {
    container.health_check_type = Some("docker".to_owned());
    container.docker_config = Some(acs::DockerConfig {
        config: Some(PROBE.to_owned()),
        host_config: Some("{}".to_owned()),
        ..Default::default()
    });
    container
}

/// Has the volume of its task.
fn shares(mut container: acs::Container) -> acs::Container {
    container.mount_points = vec![acs::MountPoint {
        source_volume: Some("shared".to_owned()),
        container_path: Some("/shared".to_owned()),
        read_only: Some(false),
    }];
    container
}

fn started_again(mut container: acs::Container) -> acs::Container {
    container.restart_policy = Some(acs::RestartPolicy {
        enabled: Some(true),
        restart_attempt_period: Some(1),
        ignored_exit_codes: Vec::new(),
    });
    container
}

/// One that is killed two seconds after it was asked to stop.
fn patient(mut container: acs::Container) -> acs::Container {
    container.stop_timeout = Some(2);
    container
}

/// One that fits on the host, but not beside another of its kind.
fn large(mut container: acs::Container) -> acs::Container {
    let processors = std::thread::available_parallelism().expect("the kernel tells").get();
    container.cpu = Some(i64::try_from(processors * 1024 * 6 / 10).expect("few processors"));
    container
}

/// Credentials of a task's role, fresh each time.
pub fn role(id: &str) -> acs::IAMRoleCredentials {
    acs::IAMRoleCredentials {
        credentials_id: Some(format!("of-{}", id.rsplit('/').next().expect("an ARN has an id"))),
        role_arn: Some("arn:aws:iam::123456789012:role/app".to_owned()),
        access_key_id: Some("ASIAEXAMPLE".to_owned()),
        secret_access_key: Some(Secret::new("a secret")),
        session_token: Some(Secret::new("a token")),
        expiration: Some("2040-01-01T00:00:00Z".to_owned()),
        ..Default::default()
    }
}

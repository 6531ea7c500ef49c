//! CHECK: compares a task's network with what ADD would have made, and names the first thing that differs.

use crate::fabric::{Attachment, Fabric, WishError};
use crate::netlink::{RequestError, Route, RouteSocket, width};
use crate::netns;
use crate::nft::{Nft, masquerade};
use crate::observe::{self, ObserveError};
use crate::plan::{self, Masquerade, PlanError, Step};

/// What is not as ADD would have made it.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The wish itself is wrong.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// The host or the namespace could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Someone else has what the task should have.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The pair is missing, or differs in its hardware addresses, MTU or other addresses.
    #[error("the pair of {host} and {task} is missing or is not as it was made")]
    Pair {
        /// The host's end.
        host: String,
        /// The task's end.
        task: String,
    },
    /// A setting is missing.
    #[error("missing on the {side} side: {step}")]
    Missing {
        /// `task` or `host`.
        side: &'static str,
        /// The setting, as the plan prints it.
        step: String,
    },
    /// The host no longer forwards packets.
    #[error("the host does not forward {family}")]
    NotForwarded {
        /// The family.
        family: plan::Family,
    },
    /// A masquerade entry or the rule is missing.
    #[error("nftables table {table} does not masquerade the addresses of {interface}")]
    NotMasqueraded {
        /// The table's name.
        table: String,
        /// The host's end of the task's pair.
        interface: String,
    },
    /// The kernel could not be asked.
    #[error("cannot read the {side} side")]
    Read {
        /// `task` or `host`.
        side: &'static str,
        /// What the kernel said.
        source: RequestError,
    },
}

/// Checks on the calling thread; see [`crate::check()`].
///
/// # Errors
/// [`CheckError`].
pub fn check(fabric: &Fabric, attachment: &Attachment) -> Result<(), CheckError> {
    fabric.validate()?;
    attachment.validate()?;
    let observed = observe::observe(fabric, attachment)?;
    let plan = plan::plan(fabric, attachment, &observed)?;
    if let Some(pair) = plan.create {
        return Err(CheckError::Pair { host: pair.host, task: pair.task });
    }
    if let Some(&family) = plan.forward.first() {
        return Err(CheckError::NotForwarded { family });
    }
    let task = netns::run(&attachment.namespace, || find_missing(&plan.task)).map_err(ObserveError::from)?;
    report("task", task)?;
    report("host", find_missing(&plan.host))?;
    plan.masquerade.map_or(Ok(()), |wanted| check_masquerade(fabric, wanted))
}

fn report(side: &'static str, missing: Result<Option<Step>, RequestError>) -> Result<(), CheckError> {
    match missing {
        Ok(None) => Ok(()),
        Ok(Some(step)) => Err(CheckError::Missing { side, step: step.to_string() }),
        Err(source) => Err(CheckError::Read { side, source }),
    }
}

fn check_masquerade(fabric: &Fabric, wanted: Masquerade) -> Result<(), CheckError> {
    let held = Nft::open()
        .and_then(|mut nft| masquerade::holds(&mut nft, fabric, &wanted.interface, &wanted.addresses));
    match held {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(CheckError::NotMasqueraded { table: fabric.table.clone(), interface: wanted.interface })
        }
        Err(source) => Err(CheckError::Read { side: "host", source }),
    }
}

/// The first step whose effect is not there, in the calling thread's namespace.
fn find_missing(steps: &[Step]) -> Result<Option<Step>, RequestError> {
    let mut routes = RouteSocket::open()?;
    for step in steps {
        if !holds(&mut routes, step)? {
            return Ok(Some(step.clone()));
        }
    }
    Ok(None)
}

fn holds(routes: &mut RouteSocket, step: &Step) -> Result<bool, RequestError> {
    let (Step::Bare { link }
    | Step::Up { link }
    | Step::Address { link, .. }
    | Step::Neighbour { link, .. }
    | Step::Route { link, .. }
    | Step::DefaultRoute { link, .. }) = step;
    let Some(link) = routes.link(link)? else { return Ok(false) };
    Ok(match *step {
        Step::Bare { .. } => true, // a habit, not a state: nothing depends on it any more
        Step::Up { .. } => link.up,
        Step::Address { address, .. } => routes.addresses(link.index)?.contains(&(address, width(address))),
        Step::Neighbour { address, mac, .. } => routes.neighbours(link.index)?.contains(&(address, mac)),
        Step::Route { destination, .. } => {
            let exact = |route: &Route| {
                !route.local && route.destination == Some(destination) && route.prefix == width(destination)
            };
            has_route(routes, link.index, destination, exact)?
        }
        Step::DefaultRoute { gateway, .. } => {
            let default = |route: &Route| route.prefix == 0 && route.gateways == [gateway];
            has_route(routes, link.index, gateway, default)?
        }
    })
}

fn has_route(
    routes: &mut RouteSocket,
    link: u32,
    any: std::net::IpAddr,
    fits: impl Fn(&Route) -> bool,
) -> Result<bool, RequestError> {
    let table = routes.routes(crate::netlink::family(any))?;
    Ok(table.iter().any(|route| route.link == Some(link) && fits(route)))
}

//! What happens to the host while the agent is down.

use super::world::{Thing, World};
use crate::build::seconds;
use wharf_core::event::Exit;

/// A kind of misfortune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downtime {
    /// Nothing.
    Quiet,
    /// Every process ends with exit code 9.
    ProcessesEnd,
    /// Somebody removes every container, and nobody knows how its process ended.
    ContainersRemoved,
    /// The host starts again: no process and no network is left, the runtime's records are.
    HostReboots,
}

impl Downtime {
    pub const ALL: [Self; 4] = [Self::ContainersRemoved, Self::Quiet, Self::ProcessesEnd, Self::HostReboots];
}

impl World {
    /// Time passes while the agent is down.
    pub fn pass_downtime(&mut self, downtime: Downtime) {
        self.now = self.now.plus(seconds(5));
        let exit = Exit { code: 9, at: self.now };
        self.behaviour.broken_images.clear();
        for (container, thing) in self.things.values_mut() {
            let truth = self.truth.entry(container.clone()).or_default();
            match (downtime, *thing) {
                (Downtime::Quiet, _) | (_, Thing::Record) => {}
                (Downtime::ProcessesEnd, Thing::Running) => {
                    *thing = Thing::Exited(exit);
                    truth.exit = Some(exit);
                }
                (Downtime::ProcessesEnd, Thing::Created | Thing::Exited(_)) => {}
                (Downtime::ContainersRemoved | Downtime::HostReboots, was) => {
                    truth.disturbed = true;
                    // One that waits to be started in place of another may have run, as far as anyone can know.
                    truth.harmed |= was != Thing::Created || truth.renewals > 0;
                    *thing = Thing::Record;
                }
            }
        }
        match downtime {
            Downtime::Quiet | Downtime::ProcessesEnd => {}
            Downtime::ContainersRemoved => self.things.clear(),
            Downtime::HostReboots => {
                self.networks.clear();
                self.boot += 1;
            }
        }
    }
}

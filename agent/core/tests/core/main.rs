//! Rules of the machine, cheapest first, and the crash test.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod adoption;
#[cfg(test)]
mod away;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod build;
mod clock;
#[cfg(test)]
mod control;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod health;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod making;
#[cfg(test)]
mod networks;
#[cfg(test)]
mod order;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod records;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod retire;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod suspects;
#[cfg(test)]
mod undone;
#[cfg(test)]
mod waits;

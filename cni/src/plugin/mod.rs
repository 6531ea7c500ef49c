//! The CNI protocol around the library: parse the call, do it, print the answer.
//!
//! Refused here: network decisions. A call becomes a [`crate::Fabric`] and a [`crate::Attachment`]; the library does the rest.

mod answer;
mod config;
mod environment;
mod ipam;
mod seen;
mod verbs;
mod version;

pub use answer::{Answer, Failure, Refusal};
pub use config::Config;
pub use environment::Environment;
pub use seen::Seen;
pub use version::Version;

use environment::Command;

/// Answers one call; a refusal speaks the version that the call spoke, as far as that could be read.
pub fn answer(environment: &Environment, input: &[u8], dry_run: bool) -> Result<Answer, Refusal> {
    let spoken = Version::in_text(input);
    respond(environment, input, dry_run)
        .map_err(|failure| failure.speaking(spoken.unwrap_or(Version::LATEST)))
}

fn respond(environment: &Environment, input: &[u8], dry_run: bool) -> Result<Answer, Failure> {
    let command = environment.command()?;
    if command == Command::Version {
        return Ok(Answer::versions(Version::in_text(input).unwrap_or(Version::LATEST)));
    }
    let config = Config::parse(input)?;
    match command {
        Command::Add if dry_run => verbs::dry_run(environment, &config).map(Answer::Plan),
        Command::Add => verbs::add(environment, &config, input).map(Answer::Json),
        Command::Del => verbs::del(environment, &config, input).map(|()| Answer::Nothing),
        Command::Check => verbs::check(environment, &config, input).map(|()| Answer::Nothing),
        Command::Gc => verbs::gc(environment, &config, input).map(|()| Answer::Nothing),
        Command::Status => verbs::status(environment, &config, input).map(|()| Answer::Nothing),
        Command::Version => unreachable!("answered above, before the configuration is read"),
    }
}

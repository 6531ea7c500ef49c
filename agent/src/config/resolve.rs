//! From sources to settings: which source wins, what its text means, where it came from. Pure.

use super::build::Builder;
use super::duration::parse_duration;
use super::env_file;
use super::error::{ConfigError, ConfigErrors, Origin, Warning};
use super::keys::{KEYS, Key, Status};
use super::native;
use super::nearest::nearest;
use super::settings::Settings;
use super::value::{Floor, Kind, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The flag as typed, e.g. `--cluster`; shown as the origin.
    pub flag: String,
    /// Name of the key, e.g. `ECS_CLUSTER`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A file that was read: its path, for origins, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// Where it was read from.
    pub path: PathBuf,
    /// What was read.
    pub text: String,
}

/// All sources of settings, the strongest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The command line; a later flag wins over an earlier one.
    pub flags: Vec<Flag>,
    /// Environment variables of the process.
    pub environment: BTreeMap<String, String>,
    /// The native TOML file, when there is one.
    pub native: Option<SourceText>,
    /// The env file, when there is one.
    pub env_file: Option<SourceText>,
}

/// One setting as it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Name of the key.
    pub key: &'static str,
    /// The value in effect, fit to be shown; empty when the key is not set and has no default.
    pub shown: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What the sources come to.
#[derive(Debug)]
pub struct Resolution {
    /// The settings.
    pub settings: Settings,
    /// Every setting that has an effect, and every other one that was set, in the order of [`KEYS`].
    pub resolved: Vec<Resolved>,
    /// What is odd; the caller logs each.
    pub warnings: Vec<Warning>,
}

/// A text that won for a key.
struct Candidate {
    text: String,
    origin: Origin,
}

/// Folds all sources into settings. Every error is found in one go, not only the first.
pub fn resolve(sources: &Sources) -> Result<Resolution, ConfigErrors> {
    let mut round = Round::default();
    round.gather(sources);
    let resolved: Vec<Resolved> = KEYS.iter().filter_map(|key| round.decide(key)).collect();
    let Round { values, mut warnings, mut errors, .. } = round;
    let origins = resolved.iter().map(|r| (r.key, r.origin.clone())).collect();
    let settings =
        Builder { values: &values, origins, warnings: &mut warnings, errors: &mut errors }.settings();
    match settings {
        Some(settings) if errors.is_empty() => Ok(Resolution { settings, resolved, warnings }),
        Some(_) | None => Err(ConfigErrors(errors)),
    }
}

/// The state of one resolution.
#[derive(Default)]
struct Round {
    candidates: BTreeMap<&'static str, Candidate>,
    values: BTreeMap<&'static str, Value>,
    warnings: Vec<Warning>,
    errors: Vec<ConfigError>,
}

impl Round {
    /// Reads the sources from the weakest to the strongest, so that the last one to speak wins.
    fn gather(&mut self, sources: &Sources) {
        if let Some(file) = &sources.env_file {
            for line in env_file::parse(file, &mut self.errors) {
                self.offer_named(&line.name, line.value, line.origin, true);
            }
        }
        if let Some(file) = &sources.native {
            for entry in native::parse(file, &mut self.errors) {
                self.offer(entry.key, entry.text, entry.origin);
            }
        }
        for (name, value) in &sources.environment {
            let ours = name.starts_with("ECS_") || name.starts_with("WHARF_");
            self.offer_named(name, value.clone(), Origin::Environment, ours);
        }
        for flag in &sources.flags {
            let origin = Origin::Flag(flag.flag.clone());
            match find(&flag.name) {
                Some(key) => self.offer(key, flag.value.clone(), origin),
                None => {
                    let (name, nearest) = (flag.name.clone(), nearest_name(&flag.name));
                    self.errors.push(ConfigError::UnknownName { name, origin, nearest });
                }
            }
        }
    }

    /// Offers a value by name; a name that is no key is warned of when `ours` says that it looks like one.
    fn offer_named(&mut self, name: &str, value: String, origin: Origin, ours: bool) {
        match find(name) {
            Some(key) => self.offer(key, value, origin),
            None if ours => {
                let nearest = nearest_name(name);
                self.warnings.push(Warning::UnknownName { name: name.to_owned(), origin, nearest });
            }
            None => {}
        }
    }

    fn offer(&mut self, key: &'static Key, value: String, origin: Origin) {
        let text = value.trim();
        if let Some(why) = misplaced(key.status, &origin) {
            self.warnings.push(Warning::NoEffect { key: key.name, origin, why });
        } else if !text.is_empty() {
            self.candidates.insert(key.name, Candidate { text: text.to_owned(), origin });
        }
    }

    /// Reads the winning text of one key, or its default.
    fn decide(&mut self, key: &'static Key) -> Option<Resolved> {
        let candidate = self.candidates.remove(key.name);
        match key.status {
            Status::Honoured | Status::Bootstrap | Status::Environment => Some(self.read(key, candidate)),
            Status::NotYet(why) | Status::Ignored(why) => {
                let origin = candidate?.origin;
                self.warnings.push(Warning::NoEffect { key: key.name, origin: origin.clone(), why });
                Some(Resolved { key: key.name, shown: "(no effect)".to_owned(), origin })
            }
        }
    }

    fn read(&mut self, key: &'static Key, candidate: Option<Candidate>) -> Resolved {
        let default = || Candidate { text: key.default.to_owned(), origin: Origin::Default };
        let Candidate { mut text, origin } = candidate.unwrap_or_else(default);
        if let Some(used) = below_floor(key, &text) {
            let (value, used_now) = (text, used.to_owned());
            self.warnings.push(Warning::BelowMinimum {
                key: key.name,
                value,
                origin: origin.clone(),
                used: used_now,
            });
            text = used.to_owned();
        }
        if !text.is_empty() {
            match key.kind.parse(&text) {
                Some(value) => {
                    self.values.insert(key.name, value);
                }
                None => self.errors.push(wrong_value(key, &text, origin.clone())),
            }
        }
        let shown = if text.is_empty() { text } else { key.kind.shown(&text) };
        Resolved { key: key.name, shown, origin }
    }
}

/// Why a key has no effect in this place, if it has none.
fn misplaced(status: Status, origin: &Origin) -> Option<&'static str> {
    match (status, origin) {
        (Status::Bootstrap, Origin::File { .. }) => {
            Some("it says which files to read, so it is heard only as flag or environment variable")
        }
        (Status::Environment, Origin::File { .. } | Origin::Flag(_)) => {
            Some("it is heard only in the environment of the service, see systemctl edit wharf-agent")
        }
        (Status::Bootstrap | Status::Environment, _) => None,
        (Status::Honoured | Status::NotYet(_) | Status::Ignored(_), _) => None,
    }
}

/// The text to use in place of a duration below the key's minimum.
fn below_floor(key: &Key, text: &str) -> Option<&'static str> {
    let Kind::Duration(floor) = key.kind else { return None };
    let (minimum, used) = match floor {
        Floor::None => return None,
        Floor::Raise(minimum) => (minimum, minimum),
        Floor::Reset(minimum) => (minimum, key.default),
    };
    (parse_duration(text)? < parse_duration(minimum)?).then_some(used)
}

/// The error for a text that is not of its key's form.
fn wrong_value(key: &Key, text: &str, origin: Origin) -> ConfigError {
    let shown = key.kind.shown(text);
    let value = if shown == text { format!("{text:?}") } else { shown };
    ConfigError::WrongValue { key: key.name.to_owned(), value, origin, expected: key.kind.expected() }
}

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn nearest_name(name: &str) -> Option<String> {
    nearest(name, KEYS.iter().map(|key| key.name)).map(str::to_owned)
}

//! Where every setting comes from, and what it means.
//!
//! Owns the table of keys ([`KEYS`]), the order of the sources and the typed [`Settings`]. Refuses silence: an unknown key is
//! a warning (in `agent.toml` an error) that names its place and the nearest known key; a wrong value is an error that names
//! key, value, place and the expected form.
//!
//! The order, the first that sets a key wins:
//!
//! 1. flags of the command line,
//! 2. environment variables,
//! 3. `/etc/wharf/agent.toml`, the native file (another path: `--config` or `WHARF_CONFIG`),
//! 4. `/etc/ecs/ecs.config`, one `NAME=VALUE` a line (another path: `--ecs-config` or `WHARF_ECS_CONFIG`),
//! 5. the default in the table.
//!
//! An empty value counts as not set. [`resolve`] is pure; [`load`] reads the files and calls it. Names and meanings of the
//! `ECS_*` keys are those of the Amazon ECS agent (features section 20).

mod build;
mod duration;
mod env_file;
mod error;
mod keys;
mod load;
mod native;
mod nearest;
mod registry_auth;
mod resolve;
mod settings;
mod show;
mod value;

pub use duration::parse_duration;
pub use error::{ConfigError, ConfigErrors, Origin, Warning};
pub use keys::{KEYS, Key, Status};
pub use load::load;
pub use resolve::{Flag, Resolution, Resolved, SourceText, Sources, resolve};
pub use settings::{
    AwsCredentials, ControlPlane, Features, HostRoots, Instance, Logging, PullBehavior, RegistryAuth,
    Runtime, Settings, TaskDefaults,
};
pub use show::{show_json, show_table};
pub use value::{Floor, Kind, Value};

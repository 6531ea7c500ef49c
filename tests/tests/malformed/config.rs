//! Settings: the env file, the native file and the environment.

use crate::tally::{Tally, house_corpus};
use std::collections::BTreeMap;
use wharf_agent::config::{KEYS, SourceText, Sources, resolve};

pub fn files_and_variables() -> Tally {
    let mut right = house_corpus("ecs_config");
    right.extend(house_corpus("agent_toml"));
    let mut number = 0_usize;
    Tally::run("configuration", right, |input| {
        number += 1;
        let text = String::from_utf8_lossy(input).into_owned();
        // Every key gets a damaged value sooner or later.
        let key = KEYS[number % KEYS.len()].name.to_owned();
        let file = |path: &str| Some(SourceText { path: path.into(), text: text.clone() });
        let sources = match number % 3 {
            0 => Sources { env_file: file("ecs.config"), ..Sources::default() },
            1 => Sources { native: file("agent.toml"), ..Sources::default() },
            _ => Sources { environment: BTreeMap::from([(key, text)]), ..Sources::default() },
        };
        match resolve(&sources) {
            Ok(resolution) => drop(resolution),
            Err(errors) => assert!(!errors.to_string().is_empty(), "an error says what is wrong"),
        }
    })
}

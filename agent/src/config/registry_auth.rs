//! Credentials of registries: `ECS_ENGINE_AUTH_DATA` in the form that `ECS_ENGINE_AUTH_TYPE` says (features section 8).

use super::build::Builder;
use super::error::ConfigError;
use super::settings::RegistryAuth;
use super::value::Kind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use wharf_protocol::Secret;

const AUTH_FORMS: &str = concat!(
    r#"{"<registry>":{"username":"…","password":"…"}} for docker, "#,
    r#"{"<registry>":{"auth":"<base64 of user:password>"}} for dockercfg"#,
);

impl Builder<'_> {
    /// Reads `ECS_ENGINE_AUTH_DATA` in the form that `ECS_ENGINE_AUTH_TYPE` says.
    pub(super) fn registry_auth(&mut self) -> BTreeMap<String, RegistryAuth> {
        const KEY: &str = "ECS_ENGINE_AUTH_DATA";
        let Some(data) = self.secret(KEY) else { return BTreeMap::new() };
        let parsed = match self.text("ECS_ENGINE_AUTH_TYPE").as_deref() {
            Some("docker") => parse_auth(data, RegistryEntry::plain),
            Some("dockercfg") => parse_auth(data, RegistryEntry::encoded),
            Some(_) | None => {
                let hint = "ECS_ENGINE_AUTH_DATA is set; say whether it is docker or dockercfg";
                self.errors.push(ConfigError::Missing { key: "ECS_ENGINE_AUTH_TYPE", hint });
                return BTreeMap::new();
            }
        };
        parsed.unwrap_or_else(|| {
            let value = Kind::Secret.shown("");
            let (key, expected) = (KEY.to_owned(), AUTH_FORMS.to_owned());
            self.errors.push(ConfigError::WrongValue { key, value, origin: self.origin(KEY), expected });
            BTreeMap::new()
        })
    }
}

/// One registry in `ECS_ENGINE_AUTH_DATA`, in either form.
#[derive(Deserialize)]
struct RegistryEntry {
    username: Option<String>,
    password: Option<String>,
    auth: Option<String>,
}

impl RegistryEntry {
    fn plain(self) -> Option<RegistryAuth> {
        Some(RegistryAuth { username: self.username?, password: Secret::new(self.password?) })
    }

    fn encoded(self) -> Option<RegistryAuth> {
        let text = String::from_utf8(STANDARD.decode(self.auth?.trim()).ok()?).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(RegistryAuth { username: username.to_owned(), password: Secret::new(password) })
    }
}

fn parse_auth(
    data: &Secret,
    read: fn(RegistryEntry) -> Option<RegistryAuth>,
) -> Option<BTreeMap<String, RegistryAuth>> {
    let entries: BTreeMap<String, RegistryEntry> = serde_json::from_str(data.expose()).ok()?;
    entries.into_iter().map(|(registry, entry)| Some((registry_host(&registry), read(entry)?))).collect()
}

/// The host of a registry's address; Docker Hub's many names are one.
fn registry_host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    }
}

//! How a container's process is run: the container's own fields with `dockerConfig` laid over them. Source: spec 5.

use super::container::Around;
use super::docker::DockerConfig;
use super::refusal::Refusal;
use super::volume::is_plain_path;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;
use wharf_core::spec::{Device, ProcessSpec, Ulimit};
use wharf_protocol::Secret;
use wharf_protocol::acs::Container;
use wharf_protocol::docker;

/// Reads everything that a [`ProcessSpec`] holds.
pub(super) fn convert(
    name: &str,
    container: &Container,
    docker: &DockerConfig,
    around: &Around<'_>,
) -> Result<ProcessSpec, Refusal> {
    let DockerConfig { config, host } = docker;
    let refuse = |problem: String| Refusal::HostConfig { problem: format!("container {name}: {problem}") };
    if host.privileged == Some(true) && !around.policy.privileged {
        return Err(refuse(
            "privileged containers are switched off here by ECS_DISABLE_PRIVILEGED".to_owned(),
        ));
    }
    let overridden = overridden_command(name, container.overrides.as_deref())?;
    let own = |words: &Vec<String>| (!words.is_empty()).then(|| words.clone());
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(ProcessSpec {
        command: config.cmd.clone().or(overridden).or_else(|| own(&container.command)),
        entry_point: config.entrypoint.clone().or_else(|| own(&container.entry_point)),
        environment: environment(name, container, config.env.as_deref())?,
        user: text(&config.user),
        working_directory: text(&config.working_dir),
        hostname: text(&config.hostname),
        privileged: host.privileged.unwrap_or(false),
        readonly_root: host.readonly_rootfs.unwrap_or(false),
        tty: config.tty.unwrap_or(false),
        open_stdin: config.open_stdin.unwrap_or(false),
        no_new_privileges: no_new_privileges(host.security_opt.as_deref().unwrap_or_default())
            .map_err(refuse)?,
        init: host.init.unwrap_or(false),
        cap_add: capabilities(host.cap_add.as_deref().unwrap_or_default()).map_err(refuse)?,
        cap_drop: capabilities(host.cap_drop.as_deref().unwrap_or_default()).map_err(refuse)?,
        ulimits: each(host.ulimits.as_deref(), ulimit).map_err(refuse)?,
        sysctls: host.sysctls.clone().unwrap_or_default(),
        tmpfs: tmpfs(host.tmpfs.clone().unwrap_or_default()).map_err(refuse)?,
        shm_size: shm_size(host.shm_size).map_err(refuse)?,
        devices: each(host.devices.as_deref(), device).map_err(refuse)?,
        extra_hosts: each(host.extra_hosts.as_deref(), extra_host).map_err(refuse)?,
        labels: config.labels.clone().unwrap_or_default(),
        stop_signal: text(&config.stop_signal),
    })
}

/// `overrides`, a JSON object in a string: only `command` is known; an empty string and other keys are wrong (spec 3.8).
fn overridden_command(name: &str, overrides: Option<&str>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = overrides else { return Ok(None) };
    let field = format!("containers[{name}].overrides");
    let wrong = || Refusal::wrong(&field, text, r#"a JSON object such as {"command":["…"]}"#);
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut command = None;
    for (key, value) in object {
        if !key.eq_ignore_ascii_case("command") {
            return Err(Refusal::unsupported(format!("{field}.{key}")));
        }
        command = serde_json::from_value::<Option<Vec<String>>>(value).map_err(|_| wrong())?;
    }
    Ok(command.filter(|words| !words.is_empty()))
}

/// The definition's variables, or the list of `config.Env` in their place. Values are never repeated in a refusal.
fn environment(
    name: &str,
    container: &Container,
    replaced_by: Option<&[Secret]>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let environment = match replaced_by {
        Some(lines) => lines
            .iter()
            .map(|line| line.expose().split_once('=').unwrap_or((line.expose(), "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        None => container.environment.0.clone(),
    };
    let unusable = |(key, value): &(&String, &String)| {
        key.is_empty() || key.contains(['=', '\0']) || value.contains('\0')
    };
    match environment.iter().find(unusable) {
        Some((key, _)) => {
            let field = format!("containers[{name}].environment");
            Err(Refusal::wrong(field, key, "names without '=', and no zero byte in name or value"))
        }
        None => Ok(environment),
    }
}

fn each<T, U>(items: Option<&[T]>, read: fn(&T) -> Result<U, String>) -> Result<Vec<U>, String> {
    items.unwrap_or_default().iter().map(read).collect()
}

fn no_new_privileges(options: &[String]) -> Result<bool, String> {
    let mut asked = false;
    for option in options {
        asked = match option.as_str() {
            "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => true,
            "no-new-privileges:false" | "no-new-privileges=false" => false,
            other => {
                return Err(format!("hostConfig.SecurityOpt {other:?} is not supported by this agent yet"));
            }
        };
    }
    Ok(asked)
}

/// Upper case without `CAP_`, as Docker reads them.
fn capabilities(names: &[String]) -> Result<Vec<String>, String> {
    let one = |name: &String| {
        let upper = name.trim().to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let plain = !bare.is_empty()
            && bare.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if plain { Ok(bare.to_owned()) } else { Err(format!("{name:?} is not a capability")) }
    };
    names.iter().map(one).collect()
}

fn ulimit(ulimit: &docker::Ulimit) -> Result<Ulimit, String> {
    let name = ulimit.name.clone().unwrap_or_default().to_ascii_lowercase();
    let (soft, hard) = (ulimit.soft.unwrap_or(0), ulimit.hard.or(ulimit.soft).unwrap_or(0));
    if name.is_empty() || soft < -1 || hard < -1 || (hard >= 0 && (soft > hard || soft == -1)) {
        return Err(format!(
            "hostConfig.Ulimits: {name:?} with soft limit {soft} and hard limit {hard} makes no sense"
        ));
    }
    Ok(Ulimit { name, soft, hard })
}

fn tmpfs(mounts: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    match mounts.keys().find(|path| !is_plain_path(path)) {
        Some(path) => Err(format!("hostConfig.Tmpfs {path:?} is not an absolute path without '..'")),
        None => Ok(mounts),
    }
}

fn shm_size(bytes: Option<i64>) -> Result<Option<u64>, String> {
    let bytes = bytes.unwrap_or(0);
    let size = u64::try_from(bytes).map_err(|_| format!("hostConfig.ShmSize {bytes} is negative"))?;
    Ok(Some(size).filter(|size| *size > 0))
}

fn device(device: &docker::Device) -> Result<Device, String> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let host_path = text(&device.path_on_host).unwrap_or_default();
    let container_path = text(&device.path_in_container).unwrap_or_else(|| host_path.clone());
    let permissions = text(&device.cgroup_permissions).unwrap_or_else(|| "rwm".to_owned());
    let sound = is_plain_path(&host_path)
        && is_plain_path(&container_path)
        && permissions.bytes().all(|b| b"rwm".contains(&b));
    if sound {
        Ok(Device { host_path, container_path, permissions })
    } else {
        Err(format!(
            "hostConfig.Devices: {host_path:?} at {container_path:?} with {permissions:?} makes no sense"
        ))
    }
}

/// `host:address`; the address may be of version 6 and hold colons.
fn extra_host(line: &String) -> Result<(String, String), String> {
    let wrong = || format!("hostConfig.ExtraHosts {line:?} is not of the form host:address");
    let (host, address) = line.split_once(':').ok_or_else(wrong)?;
    let address = address.trim_matches(['[', ']']);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if host.is_empty() || !host.bytes().all(plain) || address.parse::<IpAddr>().is_err() {
        return Err(wrong());
    }
    Ok((host.to_owned(), address.to_owned()))
}

//! Health checks, with Docker's defaults. Source: spec 5, features 4.7.

use super::payload::Policy;
use super::refusal::Refusal;
use std::time::Duration;
use wharf_core::spec;
use wharf_protocol::acs::Container;
use wharf_protocol::docker::HealthCheck;

/// Docker's default for interval and timeout.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Docker's default number of failures in a row.
const DEFAULT_RETRIES: u32 = 3;

/// The health check of a container; `None` unless `healthCheckType` is `docker`, as nobody would hear of its result.
pub(super) fn convert(
    name: &str,
    container: &Container,
    check: Option<&HealthCheck>,
    policy: &Policy,
) -> Result<Option<spec::HealthCheck>, Refusal> {
    match container.health_check_type.as_deref().unwrap_or_default() {
        "" => return Ok(None),
        "docker" => {}
        other => {
            return Err(Refusal::wrong(format!("containers[{name}].healthCheckType"), other, "docker"));
        }
    }
    if !policy.health_check {
        return Err(Refusal::Unsupported {
            field: format!("containers[{name}].healthCheckType"),
            instead: "it is switched off here by ECS_DISABLE_DOCKER_HEALTH_CHECK",
        });
    }
    let refuse = |what: String| Refusal::Config { problem: format!("container {name}: {what}") };
    let check =
        check.ok_or_else(|| refuse("healthCheckType is docker, but config has no HealthCheck".to_owned()))?;
    let Some(command) = command(check.test.as_deref().unwrap_or_default()).map_err(refuse)? else {
        return Ok(None);
    };
    let wait = |field: &str, nanos: Option<i64>| {
        u64::try_from(nanos.unwrap_or(0))
            .map(Duration::from_nanos)
            .map_err(|_| refuse(format!("HealthCheck.{field} is negative")))
    };
    let or_default = |wait: Duration| if wait.is_zero() { DEFAULT_WAIT } else { wait };
    if check.start_interval.is_some_and(|nanos| nanos != 0) {
        return Err(refuse("HealthCheck.StartInterval is not supported by this agent yet".to_owned()));
    }
    let retries = u32::try_from(check.retries.unwrap_or(0))
        .map_err(|_| refuse("HealthCheck.Retries is not a number from 0 up".to_owned()))?;
    Ok(Some(spec::HealthCheck {
        command,
        interval: or_default(wait("Interval", check.interval)?),
        timeout: or_default(wait("Timeout", check.timeout)?),
        retries: if retries == 0 { DEFAULT_RETRIES } else { retries },
        start_period: wait("StartPeriod", check.start_period)?,
    }))
}

/// What to execute; `None` where the definition switches the check off.
fn command(test: &[String]) -> Result<Option<Vec<String>>, String> {
    match test {
        [word, rest @ ..] => match (word.as_str(), rest) {
            ("NONE", _) => Ok(None),
            ("CMD", [_, ..]) => Ok(Some(rest.to_vec())),
            ("CMD-SHELL", [line]) => Ok(Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()])),
            ("CMD" | "CMD-SHELL", _) => Err(format!("HealthCheck.Test {word} needs a command")),
            _ => Err("HealthCheck.Test begins with none of CMD, CMD-SHELL and NONE".to_owned()),
        },
        [] => {
            Err("HealthCheck.Test is empty, and the image's own health check is not supported yet".to_owned())
        }
    }
}

//! Credentials of task and execution roles.
//!
//! This control plane has no identity service behind it: the keys it hands out have the right form, are told apart by role and
//! task, are renewed before they expire, and open nothing.

use super::task::Grant;
use super::time::Time;
use super::turn::Turn;
use std::time::Duration;
use wharf_protocol::{Secret, acs};

impl Grant {
    /// A grant of the role, when the definition names one.
    pub fn of(role: Option<&str>, turn: &mut Turn) -> Option<Self> {
        let role = role.filter(|role| !role.is_empty())?.to_owned();
        Some(Self { id: turn.uuid(), role, expires_at: None })
    }

    /// Makes fresh credentials and notes when they expire.
    pub fn issue(&mut self, lifetime: Duration, turn: &mut Turn) -> acs::IAMRoleCredentials {
        let expires_at = turn.now + lifetime;
        self.expires_at = Some(expires_at);
        acs::IAMRoleCredentials {
            credentials_id: Some(self.id.clone()),
            role_arn: Some(self.role.clone()),
            access_key_id: Some(format!("ASIA{}", turn.short_id(16).to_ascii_uppercase())),
            secret_access_key: Some(Secret::new(turn.id() + &turn.short_id(8))),
            session_token: Some(Secret::new(turn.id() + &turn.id())),
            expiration: Some(expires_at.to_rfc3339()),
            ..acs::IAMRoleCredentials::default()
        }
    }

    /// When to send new ones: at half of their life, so that a lost message leaves time for another.
    pub fn renew_at(&self, lifetime: Duration) -> Option<Time> {
        let half = i64::try_from(lifetime.as_millis() / 2).unwrap_or(i64::MAX);
        self.expires_at.map(|expires| Time::from_millis(expires.as_millis().saturating_sub(half)))
    }
}

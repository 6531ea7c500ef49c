//! Wall-clock milliseconds, the one form of time that leaves this crate.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the present in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Converts containerd's timestamp; Go's zero time (year 1) is absence.
pub(crate) fn from_proto(time: Option<prost_types::Timestamp>) -> Option<i64> {
    let time = time.filter(|time| time.seconds > 0)?;
    Some(time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos) / 1_000_000))
}

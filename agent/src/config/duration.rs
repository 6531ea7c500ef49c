//! Durations in Go's syntax: `300ms`, `1.5h`, `1h2m3.5s`.

use std::time::Duration;

/// An hour has fewer than 10^13 nanoseconds, so further digits cannot matter and the product stays within 128 bits.
const MAX_FRACTION_DIGITS: usize = 15;

/// Reads a non-negative duration in Go's syntax; `None` where Go's `ParseDuration` fails, and for negative or huge ones.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (nanos, after) = component(rest)?;
        total = total.checked_add(nanos)?;
        rest = after;
    }
    u64::try_from(total).ok().map(Duration::from_nanos)
}

/// Reads one number with its unit; returns its nanoseconds and what follows.
fn component(text: &str) -> Option<(u128, &str)> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(unit_at);
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let unit = unit_nanos(unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole.checked_mul(unit)?.checked_add(fraction_nanos(fraction, unit))?, after))
}

/// The part behind the decimal point, in nanoseconds; what is below a nanosecond is cut as Go does.
fn fraction_nanos(digits: &str, unit: u128) -> u128 {
    let digits = &digits[..digits.len().min(MAX_FRACTION_DIGITS)];
    let numerator: u128 = digits.bytes().fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    numerator * unit / 10_u128.pow(u32::try_from(digits.len()).unwrap_or(0))
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

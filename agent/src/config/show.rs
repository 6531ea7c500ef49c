//! The output of `wharf-agent config`: every value with its origin.

use super::resolve::Resolved;
use std::fmt::Write as _;

/// A table of three columns, one setting a line.
pub fn show_table(resolved: &[Resolved]) -> String {
    let rows: Vec<[String; 3]> = resolved
        .iter()
        .map(|r| {
            [
                r.key.to_owned(),
                if r.shown.is_empty() { "-".to_owned() } else { r.shown.clone() },
                r.origin.to_string(),
            ]
        })
        .collect();
    let width = |column: usize, title: &str| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(title.len())
    };
    let (key, value) = (width(0, "KEY"), width(1, "VALUE"));
    let mut out = format!("{:key$}  {:value$}  ORIGIN\n", "KEY", "VALUE");
    for [name, shown, origin] in &rows {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:key$}  {shown:value$}  {origin}");
    }
    out
}

/// A JSON list of `{"key", "value", "origin"}`; the value is null where the key is not set and has no default.
pub fn show_json(resolved: &[Resolved]) -> String {
    let rows: Vec<serde_json::Value> = resolved
        .iter()
        .map(|r| {
            let value = (!r.shown.is_empty()).then_some(&r.shown);
            serde_json::json!({"key": r.key, "value": value, "origin": r.origin.to_string()})
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}

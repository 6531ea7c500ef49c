//! The canonical form of a request: the text that both sides must write alike.
//!
//! Owns its rules for path, query and header values. Refuses to hash or sign.

use super::verify::RequestParts;
use std::fmt::Write;

/// The canonical request over the headers named in `signed`, in the order given.
pub(super) fn request(parts: &RequestParts<'_>, signed: &[&str], payload_hash: &str) -> String {
    let mut text = format!("{}\n{}\n{}\n", parts.method, path(&parts.path), query(&parts.query));
    for name in signed {
        text.push_str(&format!("{}:{}\n", name.to_ascii_lowercase(), header(parts, name)));
    }
    text.push_str(&format!("\n{}\n{payload_hash}", signed.join(";").to_ascii_lowercase()));
    text
}

/// The values of a header, each trimmed and with single spaces, joined by commas.
fn header(parts: &RequestParts<'_>, name: &str) -> String {
    let one = |value: &str| value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    parts.values(name).map(one).collect::<Vec<_>>().join(",")
}

/// The path without dot segments and double slashes, encoded once more over what the client already encoded.
fn path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let slash = if directory && !kept.is_empty() { "/" } else { "" };
    let kept: Vec<String> = kept.into_iter().map(|segment| encode(segment.as_bytes())).collect();
    format!("/{}{slash}", kept.join("/"))
}

/// The query with every name and value decoded, encoded in one way only, and sorted.
fn query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name)), encode(&decode(value))))
        .collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encodes every byte but the unreserved ones of RFC 3986.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes any text");
        }
    }
    text
}

/// Decodes the form encoding of queries; a percent sign that begins no escape stands for itself.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    bytes
}

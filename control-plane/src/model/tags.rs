//! Tags: at most fifty pairs of short texts on a resource.

use super::error::EcsError;
use std::collections::BTreeMap;
use wharf_protocol::api;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Reads and checks a request's tags; the last of a repeated key counts.
pub fn from_api(tags: &[api::Tag]) -> Result<Tags, EcsError> {
    let mut read = Tags::new();
    for tag in tags {
        let key = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        if key.is_empty() || key.len() > 128 || value.len() > 256 {
            return Err(EcsError::invalid("A tag's key has 1 to 128 characters and its value at most 256."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(EcsError::invalid("Tag keys must not begin with aws:."));
        }
        read.insert(key, value);
    }
    if read.len() > 50 {
        return Err(EcsError::invalid("A resource has at most 50 tags."));
    }
    Ok(read)
}

/// As a response shows them.
pub fn to_api(tags: &Tags) -> Vec<api::Tag> {
    tags.iter().map(|(key, value)| api::Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

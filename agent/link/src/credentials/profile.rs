//! The shared credentials file: an ini file with one section per profile.

use super::CredentialsError;
use std::path::Path;
use wharf_protocol::Secret;
use wharf_protocol::sigv4::Credentials;

/// Reads one profile of the file.
pub(super) async fn read(path: &Path, profile: &str) -> Result<Credentials, CredentialsError> {
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|source| CredentialsError::Unreadable { path: path.to_owned(), source })?;
    of_text(&text, path, profile)
}

/// One profile of a file that says this.
pub(super) fn of_text(text: &str, path: &Path, profile: &str) -> Result<Credentials, CredentialsError> {
    let need = |key: &'static str| {
        value_of(text, profile, key).ok_or_else(|| CredentialsError::Incomplete {
            path: path.to_owned(),
            profile: profile.to_owned(),
            missing: key,
        })
    };
    Ok(Credentials {
        access_key_id: need("aws_access_key_id")?.to_owned(),
        secret_access_key: Secret::new(need("aws_secret_access_key")?),
        session_token: value_of(text, profile, "aws_session_token").map(Secret::new),
    })
}

/// The value of `key` in section `profile`; an empty value counts as absent.
fn value_of<'text>(text: &'text str, profile: &str, key: &str) -> Option<&'text str> {
    let mut in_section = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_section = name.trim() == profile;
        } else if in_section
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim()).filter(|value| !value.is_empty());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::value_of;

    const FILE: &str = "# a comment\n[default]\naws_access_key_id = AKIDONE\naws_secret_access_key=a=b/c+d\n\n\
                        [ other ]\nAWS_ACCESS_KEY_ID=AKIDTWO\n;aws_session_token = no\naws_session_token =\n";

    #[test]
    fn a_key_is_read_from_its_own_section() {
        assert_eq!(value_of(FILE, "default", "aws_access_key_id"), Some("AKIDONE"));
        assert_eq!(value_of(FILE, "other", "aws_access_key_id"), Some("AKIDTWO"));
        assert_eq!(value_of(FILE, "nobody", "aws_access_key_id"), None);
    }

    #[test]
    fn a_value_may_hold_equal_signs() {
        assert_eq!(value_of(FILE, "default", "aws_secret_access_key"), Some("a=b/c+d"));
    }

    #[test]
    fn comments_and_empty_values_count_as_absent() {
        assert_eq!(value_of(FILE, "other", "aws_session_token"), None);
    }
}

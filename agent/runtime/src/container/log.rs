//! Where a container's output goes, in the words of containerd's shim.

use std::path::{Path, PathBuf};

/// Where standard output and standard error go. None of these needs this process: the container writes on when it is gone.
///
/// Containers with a terminal can use [`LogTarget::Binary`] only: containerd's shim copies terminals to nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Nowhere.
    Null,
    /// Both appended to one file, without time or stream. What a very short-lived process writes to standard error may be
    /// lost: containerd's shim closes the file when standard output has ended.
    File(PathBuf),
    /// To a program started by the shim, e.g. `wharf-logger`: pipes on descriptors 3 and 4.
    Binary {
        /// Absolute path of the program.
        path: PathBuf,
        /// Pairs of name and value; they arrive as two arguments each, in any order.
        args: Vec<(String, String)>,
    },
}

impl LogTarget {
    /// Returns the address for the shim; empty is nowhere.
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::File(path) => format!("file://{}", encode_path(path)),
            Self::Binary { path, args } => {
                let pairs =
                    args.iter().map(|(name, value)| format!("{}={}", encode(name, ""), encode(value, "")));
                let query = pairs.collect::<Vec<_>>().join("&");
                let separator = if query.is_empty() { "" } else { "?" };
                format!("binary://{}{separator}{query}", encode_path(path))
            }
        }
    }
}

fn encode_path(path: &Path) -> String {
    encode(&path.to_string_lossy(), "/")
}

/// Percent-encodes all but letters, digits, `-._~` and `keep`.
fn encode(text: &str, keep: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain =
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.as_bytes().contains(&byte);
        if plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_whatever_is_in_them() {
        let args = vec![("path".into(), "/a b/ü&=?#%+".into()), ("max-size".into(), "10".into())];
        let target = LogTarget::Binary { path: "/usr/lib/wharf logger".into(), args };
        assert_eq!(
            target.uri(),
            "binary:///usr/lib/wharf%20logger?path=%2Fa%20b%2F%C3%BC%26%3D%3F%23%25%2B&max-size=10"
        );
        assert_eq!(LogTarget::Binary { path: "/x".into(), args: vec![] }.uri(), "binary:///x");
        assert_eq!(LogTarget::Null.uri(), "");
    }
}

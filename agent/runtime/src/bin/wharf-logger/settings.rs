//! What the arguments say.

use std::path::PathBuf;

/// Where to write, and when to begin a new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The file; `None` discards everything.
    pub(crate) path: Option<PathBuf>,
    /// Largest size of a file in bytes; `None` is unlimited.
    pub(crate) max_size: Option<u64>,
    /// Files that are kept, the present one included.
    pub(crate) max_files: u32,
}

impl Settings {
    /// Reads pairs of name and value. What is wrong is said and left out: a container must not stand still for it.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut settings = Self { path: None, max_size: None, max_files: 1 };
        let arguments: Vec<String> = arguments.collect();
        for pair in arguments.chunks(2) {
            let (name, value) = (pair[0].as_str(), pair.get(1).map_or("", String::as_str));
            let understood = match name {
                "path" => {
                    settings.path = Some(PathBuf::from(value)).filter(|path| path.is_absolute());
                    settings.path.is_some()
                }
                "max-size" => {
                    settings.max_size = size(value);
                    settings.max_size.is_some() || value == "-1"
                }
                "max-file" => {
                    let files = value.parse().ok().filter(|files| *files > 0);
                    settings.max_files = files.unwrap_or(1);
                    files.is_some()
                }
                _ => false,
            };
            if !understood {
                eprintln!("wharf-logger: {name} {value:?} is not understood");
            }
        }
        settings
    }
}

/// Reads Docker's sizes: a number, and `k`, `m` or `g` for powers of 1024.
fn size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, unit) = match lower.char_indices().last()? {
        (at, 'k') => (&lower[..at], 1 << 10),
        (at, 'm') => (&lower[..at], 1 << 20),
        (at, 'g') => (&lower[..at], 1 << 30),
        _ => (lower, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Settings {
        Settings::parse(words.iter().map(ToString::to_string))
    }

    #[test]
    fn pairs_are_read_in_any_order() {
        let settings = parse(&["max-file", "3", "path", "/x/y", "max-size", "10m"]);
        assert_eq!(settings, Settings { path: Some("/x/y".into()), max_size: Some(10 << 20), max_files: 3 });
    }

    #[test]
    fn what_is_wrong_is_left_out() {
        let settings = parse(&["max-file", "0", "path", "relative", "max-size", "lots", "odd"]);
        assert_eq!(settings, Settings { path: None, max_size: None, max_files: 1 });
    }

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("1", Some(1)),
            ("2k", Some(2048)),
            ("1G", Some(1 << 30)),
            ("5mb", Some(5 << 20)),
            ("0", None),
            ("k", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }
}

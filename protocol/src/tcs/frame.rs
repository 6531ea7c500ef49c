//! The form of frames from agent to control plane: a block of HTTP headers, an empty line, the JSON envelope (spec 4.2).
//!
//! Owns splitting and building; refuses to verify the signature inside.

use std::fmt;

/// A frame taken apart; prints as the text to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Header names and values in the order they stand; empty for a bare envelope.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The JSON envelope.
    pub body: &'a str,
}

impl<'a> Frame<'a> {
    /// Takes a frame apart; never fails, because what follows the header block is judged by the decoder.
    ///
    /// A text that begins with `{` is a bare envelope. Bare line feeds are taken for line ends, lines without a colon are skipped.
    pub fn split(text: &'a str) -> Self {
        if text.trim_start().starts_with('{') {
            return Self { headers: Vec::new(), body: text };
        }
        let Some((block, body)) = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")) else {
            return Self { headers: Vec::new(), body: text };
        };
        let header = |line: &'a str| line.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        Self { headers: block.lines().filter_map(header).collect(), body }
    }

    /// The value of the first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

// Headers may hold a session token, so only their names are shown.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Frame").field("headers", &names).field("body", &self.body).finish()
    }
}

impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.headers {
            write!(f, "{name}: {value}\r\n")?;
        }
        if !self.headers.is_empty() {
            f.write_str("\r\n")?;
        }
        f.write_str(self.body)
    }
}

//! The two macros that declare wire types, so that a shape reads as a table of fields.
//!
//! Owns what all wire structs have in common: camelCase names, absent is default, absent and empty values are left out when
//! encoding. Refuses to know any shape.

use std::collections::BTreeMap;

/// Declares wire structs: every field is public, camelCase on the wire unless `in` names another case, and optional when decoding.
///
/// A value that is `None` or empty is left out when encoding; `= sent` after a list keeps it in, because peers index into it.
macro_rules! wire {
    (in $case:literal; $($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* })*) => {
        $(wire! { @fields [$case $(#[$meta])* $name] [] $($fields)* })*
    };
    (@fields $head:tt [$($done:tt)*] $(#[$meta:meta])* $field:ident: $type:ty = sent, $($rest:tt)*) => {
        wire! { @fields $head [$($done)* $(#[$meta])* pub $field: $type,] $($rest)* }
    };
    (@fields $head:tt [$($done:tt)*] $(#[$meta:meta])* $field:ident: $type:ty, $($rest:tt)*) => {
        wire! { @fields $head [
            $($done)* $(#[$meta])* #[serde(skip_serializing_if = "crate::wire::Absent::absent")] pub $field: $type,
        ] $($rest)* }
    };
    (@fields [$case:literal $(#[$meta:meta])* $name:ident] [$($done:tt)*]) => {
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = $case, default)]
        $(#[$meta])*
        pub struct $name { $($done)* }
    };
    ($($structs:tt)*) => {
        wire! { in "camelCase"; $($structs)* }
    };
}

/// Declares the enum of a conversation's messages with its decoding and encoding; each variant bears its type's wire name.
macro_rules! messages {
    ($(#[$meta:meta])* pub enum $enum:ident { $($name:ident,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $enum {
            $(#[doc = concat!("A [`", stringify!($name), "`].")] $name($name),)*
        }

        impl $enum {
            /// Every message type this conversation knows, by its name on the wire.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The name of this message's type on the wire.
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Decodes the body of a message of type `name`; `None` when the type is unknown.
            fn from_body(name: &str, body: serde_json::Value) -> Option<Result<Self, crate::json::JsonError>> {
                match name {
                    $(stringify!($name) => Some(crate::json::from_value(body).map(Self::$name)),)*
                    _ => None,
                }
            }
        }

        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$name(message) => message.serialize(serializer),)* }
            }
        }

        $(impl From<$name> for $enum {
            fn from(message: $name) -> Self { Self::$name(message) }
        })*
    };
}

/// Whether a field has nothing to say and is left out of the encoding.
pub(crate) trait Absent {
    /// True for `None` and for empty collections.
    fn absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Absent for BTreeMap<K, V> {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for crate::SensitiveMap {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}

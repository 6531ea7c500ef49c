//! Decoding JSON with the tolerance of the Go agent (spec sections 0 and 3.8).
//!
//! Owns three rules on top of serde: keys of structs match whatever their case, unknown keys are ignored, `null` is absent (in a list:
//! the zero value). Keys of maps keep their case. Refuses to repeat a value in an error, because it may be a secret.
//!
//! Nesting is bounded by serde_json's limit of 128, which is also what bounds the recursion here.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// Structs whose keys match exactly, by their serde name: the Go agent reads volume objects by hand (spec 3.8).
const EXACT_KEYS: &[&str] = &["AcsVolume"];

/// Why a text is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text is not JSON.
    #[error("not JSON at line {line} column {column}: {what}")]
    Syntax {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
        /// What the parser met.
        what: String,
    },
    /// The text is JSON of another shape.
    #[error("{}{what}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
    Shape {
        /// Where, such as `tasks[0].cpu`; empty for the whole value.
        path: String,
        /// What was expected and what kind of value stood there; never the value itself.
        what: String,
    },
}

/// Decodes a text.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    from_slice(text.as_bytes())
}

/// Decodes bytes that should be UTF-8 JSON.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    from_value(parse(bytes)?)
}

/// Decodes a value that is already parsed.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, JsonError> {
    T::deserialize(Tolerant(value)).map_err(|Fault { path, what }| JsonError::Shape { path, what })
}

/// Encodes a wire value.
pub(crate) fn to_string(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .expect("wire values are strings, numbers, lists and maps with string keys; JSON can say them all")
}

/// Parses bytes into a JSON value.
fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        JsonError::Syntax { line, column, what }
    })
}

/// An error on its way up, collecting the path.
#[derive(Debug)]
struct Fault {
    path: String,
    what: String,
}

impl Fault {
    fn expected(expected: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Self { path: String::new(), what: format!("expected {expected}, found {found}") }
    }

    fn under(mut self, segment: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{segment}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { path: String::new(), what: what.to_string() }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("out of range, expected {expected}"))
    }
}

/// The deserializer: a parsed value read with the rules of this module.
struct Tolerant(Value);

impl Tolerant {
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = match self.0 {
            Value::Null => return visitor.visit_u64(0),
            Value::Number(number) => number,
            other => return Err(Fault::expected("a number", &other)),
        };
        if let Some(unsigned) = number.as_u64() {
            visitor.visit_u64(unsigned)
        } else if let Some(signed) = number.as_i64() {
            visitor.visit_i64(signed)
        } else {
            visitor.visit_f64(number.as_f64().unwrap_or_default())
        }
    }

    /// An integer; `512.0` counts as one, because some encoders know only floating point.
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: below it every integral float is one integer
        match &self.0 {
            Value::Number(number) if number.is_f64() => match number.as_f64() {
                Some(float) if float.fract() == 0.0 && float.abs() < EXACT => visitor.visit_i64(float as i64),
                _ => Err(Fault::expected("an integer", &self.0)),
            },
            Value::Null | Value::Number(_) => self.number(visitor),
            other => Err(Fault::expected("an integer", other)),
        }
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_str(""),
            Value::String(text) => visitor.visit_string(text),
            other => Err(Fault::expected("a string", &other)),
        }
    }
}

/// The entries of a struct under the struct's own spelling of their keys; the exact spelling wins.
fn canonical(
    name: &str,
    fields: &'static [&'static str],
    object: Map<String, Value>,
) -> Entries<&'static str> {
    let exact = EXACT_KEYS.contains(&name);
    let mut slots: Vec<Option<Value>> = fields.iter().map(|_| None).collect();
    for (key, value) in object.into_iter().filter(|(_, value)| !value.is_null()) {
        let known = fields.iter().position(|field| *field == key);
        let folded = || fields.iter().position(|field| !exact && field.eq_ignore_ascii_case(&key));
        if let Some(slot) = known.or_else(folded).and_then(|index| slots.get_mut(index))
            && (known.is_some() || slot.is_none())
        {
            *slot = Some(value);
        }
    }
    let entries = fields.iter().zip(slots).filter_map(|(field, value)| Some((*field, value?)));
    Entries { rest: entries.collect::<Vec<_>>().into_iter(), pending: None }
}

impl<'de> de::Deserializer<'de> for Tolerant {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(_) => self.number(visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(value) => visitor.visit_bool(value),
            other => Err(Fault::expected("a boolean", &other)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.integer(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.integer(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_seq(Items { rest: Vec::new().into_iter(), index: 0 }),
            Value::Array(items) => visitor.visit_seq(Items { rest: items.into_iter(), index: 0 }),
            other => Err(Fault::expected("a list", &other)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let object = match self.0 {
            Value::Null => Map::new(),
            Value::Object(object) => object,
            other => return Err(Fault::expected("an object", &other)),
        };
        visitor.visit_map(Entries { rest: object.into_iter().collect::<Vec<_>>().into_iter(), pending: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_map(canonical(name, fields, Map::new())),
            Value::Object(object) => visitor.visit_map(canonical(name, fields, object)),
            other => Err(Fault::expected("an object", &other)),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// The items of a list.
struct Items {
    rest: std::vec::IntoIter<Value>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Tolerant(value)).map(Some).map_err(|fault| fault.under(&format!("[{index}]")))
    }
}

/// The entries of a map or a struct.
struct Entries<K> {
    rest: std::vec::IntoIter<(K, Value)>,
    pending: Option<(K, Value)>,
}

impl<'de, K: AsRef<str>> de::MapAccess<'de> for Entries<K> {
    type Error = Fault;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.pending = self.rest.next();
        let Some((key, _)) = &self.pending else { return Ok(None) };
        let key: StrDeserializer<'_, Fault> = key.as_ref().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (key, value) =
            self.pending.take().ok_or_else(|| de::Error::custom("a value was read before its key"))?;
        seed.deserialize(Tolerant(value)).map_err(|fault| fault.under(key.as_ref()))
    }
}

/// Reads a member that holds JSON in a string, and takes the object itself as well (container overrides, spec 3.8).
pub(crate) fn text_or_object<'de, D: de::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        object @ Value::Object(_) => Ok(Some(object.to_string())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(de::Error::custom("expected a string or an object"))
        }
    }
}

//! The serde deserializer behind [`crate::json`]: a parsed value, read with that module's rules.
//!
//! Owns how each kind of value is read and the path to a fault. Refuses to parse text.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Structs whose keys match exactly, by their serde name: the Go agent reads volume objects by hand (spec 3.8).
const EXACT_KEYS: &[&str] = &["AcsVolume"];

/// An error on its way up, collecting the path.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) path: String,
    pub(super) what: String,
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
pub(super) struct Tolerant(pub(super) Value);

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

//! Draws a value of any wire type from a string of bytes, through the type's own `Deserialize`.
//!
//! So the property tests know every shape, and a new member is covered the day it is written. When the bytes run out every option is
//! `None` and every list empty; that ends the drawing and lets proptest shrink.

use proptest::prelude::*;
use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

/// A strategy for values of a wire type.
pub fn any_wire<T: DeserializeOwned + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| {
        T::deserialize(&mut Draw { bytes: bytes.into_iter() }).expect("every drawn value fits its type")
    })
}

struct Draw {
    bytes: std::vec::IntoIter<u8>,
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "arn:aws:ecs:us-west-2:111122223333:task/c1/0123",
    "{\"quoted\":\"\\\\\"}",
    "ü\u{1F6A2}\u{0}\r\n",
    "null",
];
const INTEGERS: &[i64] = &[0, 1, -1, 512, 65_535, i64::MAX, i64::MIN];
const FRACTIONS: &[f64] =
    &[0.0, -0.5, 0.1, 1e-7, 1_790_000_000.125, 285.037_628_173_828_1, f64::MAX, f64::MIN];

impl Draw {
    fn byte(&mut self) -> u8 {
        self.bytes.next().unwrap_or(0)
    }

    fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }
}

impl<'de> de::Deserializer<'de> for &mut Draw {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // Asked for by members that take a text among other forms.
        if self.byte().is_multiple_of(4) { visitor.visit_unit() } else { self.deserialize_str(visitor) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.byte() % 2 == 1)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(self.one(INTEGERS))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.one(FRACTIONS))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.one(TEXTS))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.byte().is_multiple_of(3) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.byte() % 3);
        visitor.visit_seq(Items { draw: self, left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let count = usize::from(self.byte() % 3);
        visitor.visit_map(Entries { draw: self, keys: &["Key", "key"][..count] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { draw: self, keys: fields })
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

struct Items<'a> {
    draw: &'a mut Draw,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.draw).map(Some)
    }
}

struct Entries<'a> {
    draw: &'a mut Draw,
    keys: &'static [&'static str],
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((key, rest)) = self.keys.split_first() else { return Ok(None) };
        self.keys = rest;
        seed.deserialize((*key).into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&mut *self.draw)
    }
}

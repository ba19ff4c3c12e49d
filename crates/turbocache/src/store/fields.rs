//! The fields of a stored head, in as little memory as safe code can keep them.

mod common;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::BytesMut;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AGE, CACHE_STATUS},
};

use self::common::common;
use crate::decimal;

/// The fields of a head, which answers as many clients as ask.
///
/// A [`HeaderMap`] takes 104 bytes for each field and its name; a value alone takes
/// 40. So the names are kept once for all heads that have the same: the map that is
/// a [`Shape`]. An answer is a clone of it, into which the values are put in
/// their order, without a search for any of them.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    shape: Arc<Shape>,
    /// Empty if they are in the map already.
    values: Box<[HeaderValue]>,
    /// The shape was made for these, and is counted with them.
    is_first_of_shape: bool,
}

/// Which fields a head has, in their order.
#[derive(Debug)]
struct Shape {
    /// `Cache-Status` and `Age`, which are different in every answer; then all others.
    /// All of them empty.
    names: HeaderMap,
    /// There is no `Cache-Status` of another cache, so this one's is the first field.
    has_place_for_status: bool,
}

/// The shapes of heads that were stored lately. Pages of one application have few.
#[derive(Debug, Default)]
pub(crate) struct Shapes(Mutex<VecDeque<Arc<Shape>>>);

/// How many shapes are remembered: those of which heads were stored last. What is
/// forgotten stays with those that have it.
const MAX_SHAPES: usize = 32;

/// What a value weighs beyond its bytes.
const WEIGHT_OF_VALUE: usize = 40;
/// What a name weighs in a shape, with its place in the map, and now and then a name
/// of its own.
const WEIGHT_OF_NAME: usize = 136;

impl Shapes {
    /// `headers` without `Age`, which a cache writes anew (RFC 9111 §4); their values
    /// in one piece of memory of their own. As they came, they are slices of a
    /// connection's read buffer, and one small value would keep all of it.
    pub(crate) fn fields(&self, headers: &HeaderMap) -> Fields {
        let fields = || headers.iter().filter(|(name, _)| **name != AGE);
        let mut block = BytesMut::with_capacity(fields().map(|(_, value)| value.len()).sum());
        for (_, value) in fields() {
            block.extend_from_slice(value.as_bytes());
        }
        let mut block = block.freeze();
        let values = fields().map(|(_, value)| {
            let bytes = block.split_to(value.len());
            // It was a value before; if it is one that was made unchecked, let it be.
            let mut copy = HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone());
            copy.set_sensitive(value.is_sensitive());
            copy
        });
        let values = values.collect();
        let names: Vec<_> = fields().map(|(name, _)| name).collect();
        let (shape, is_first_of_shape) = self.shape(&names);
        Fields {
            shape,
            values,
            is_first_of_shape,
        }
    }

    /// The shape with these names, and whether it is a new one.
    fn shape(&self, names: &[&HeaderName]) -> (Arc<Shape>, bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|shape| shape.is_of(names));
        if let Some(at) = found {
            // The one that was used last is the first.
            let shape = known.remove(at).expect("it was found there");
            known.push_front(Arc::clone(&shape));
            return (shape, false);
        }
        let shape = Arc::new(Shape::new(names));
        known.truncate(MAX_SHAPES - 1);
        known.push_front(Arc::clone(&shape));
        (shape, true)
    }
}

impl Shape {
    fn new(names: &[&HeaderName]) -> Self {
        let has_place_for_status = names.iter().all(|name| **name != CACHE_STATUS);
        let places: &[&HeaderName] = if has_place_for_status {
            &[&CACHE_STATUS, &AGE]
        } else {
            &[&AGE]
        };
        // One more than there are: a map that is quite full grows before it looks
        // whether a field is to be replaced, and its clone would do so every time.
        let mut map = HeaderMap::with_capacity(places.len() + names.len() + 1);
        for name in places.iter().chain(names) {
            map.append(detached(name), HeaderValue::from_static(""));
        }
        Self {
            // Without what a map keeps in reserve.
            names: map.clone(),
            has_place_for_status,
        }
    }

    /// How many of its fields are not among the values.
    fn places(&self) -> usize {
        1 + usize::from(self.has_place_for_status)
    }

    /// Whether it has been made of `names`. Several fields of one name are next to each
    /// other in both.
    fn is_of(&self, names: &[&HeaderName]) -> bool {
        let own = self.names.iter().map(|(name, _)| name);
        own.skip(self.places()).eq(names.iter().copied())
    }
}

/// The same name; if it is one of the application's own, in memory of its own.
fn detached(name: &HeaderName) -> HeaderName {
    HeaderName::from_bytes(name.as_str().as_bytes()).unwrap_or_else(|_| name.clone())
}

/// The same value, in memory of its own.
fn detached_value(value: &HeaderValue) -> HeaderValue {
    let copy = HeaderValue::from_bytes(value.as_bytes());
    let mut copy = copy.unwrap_or_else(|_| value.clone());
    copy.set_sensitive(value.is_sensitive());
    copy
}

impl Fields {
    /// The fields of an answer of this age in seconds. An empty `Cache-Status` is the
    /// first of them, to be filled in, unless there is one of another cache.
    pub(crate) fn at_age(&self, age: u64) -> HeaderMap {
        let mut map = self.shape.names.clone();
        // A clone has its fields in the order of the original.
        let mut places = map.values_mut().skip(self.shape.places() - 1);
        if let Some(place) = places.next() {
            *place = decimal::value(age);
        }
        for (place, value) in places.zip(&self.values) {
            *place = value.clone();
        }
        map
    }

    /// The same, with no memory shared with these, and more of it, so that an answer
    /// takes less: the values are where an answer has them.
    pub(super) fn copy(&self) -> Self {
        let answer = self.at_age(0);
        let mut names = HeaderMap::with_capacity(answer.len() + 1);
        for (name, value) in &answer {
            let copy = common(value).unwrap_or_else(|| detached_value(value));
            names.append(detached(name), copy);
        }
        Self {
            shape: Arc::new(Shape {
                names: names.clone(),
                has_place_for_status: self.shape.has_place_for_status,
            }),
            values: Box::default(),
            is_first_of_shape: true,
        }
    }

    /// The fields as they came, but for `Age`.
    pub(crate) fn received(&self) -> HeaderMap {
        let mut map = self.at_age(0);
        map.remove(AGE);
        if self.shape.has_place_for_status {
            map.remove(CACHE_STATUS);
        }
        map
    }

    /// The first value of a field. Not of a copy.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let names = self.shape.names.iter().skip(self.shape.places());
        let mut fields = names.zip(&self.values);
        fields.find_map(|((of, _), value)| (of == name).then_some(value))
    }

    /// Bytes, as near as can be told.
    pub(super) fn weight(&self) -> usize {
        let values = self.values.iter();
        let values: usize = values.map(|value| value.len() + WEIGHT_OF_VALUE).sum();
        if self.is_first_of_shape {
            values + self.weight_of_names()
        } else {
            values
        }
    }

    /// The same for a map with these names.
    pub(super) fn weight_of_names(&self) -> usize {
        let names = self.shape.names.iter();
        let names = names.map(|(name, _)| name.as_str().len() + WEIGHT_OF_NAME);
        names.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut head = HeaderMap::new();
        for (name, value) in fields {
            head.append(*name, HeaderValue::from_static(value));
        }
        head
    }

    fn lines(headers: &HeaderMap) -> Vec<(&str, &str)> {
        let lines = headers.iter();
        let lines = lines.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        lines.collect()
    }

    #[test]
    fn an_answer_has_the_fields_in_their_order_behind_places_for_its_own() {
        let cases = [
            (
                "nothing",
                head(&[]),
                vec![("cache-status", ""), ("age", "17")],
                None,
            ),
            (
                "several lines of one field, and names of the application's own",
                head(&[
                    ("x-first", "1"),
                    ("vary", "accept"),
                    ("etag", "\"1\""),
                    ("vary", "cookie"),
                    ("x-empty", ""),
                ]),
                vec![
                    ("cache-status", ""),
                    ("age", "17"),
                    ("x-first", "1"),
                    ("vary", "accept"),
                    ("vary", "cookie"),
                    ("etag", "\"1\""),
                    ("x-empty", ""),
                ],
                Some("\"1\""),
            ),
            (
                "an age of its own, which is part of the new one",
                head(&[("age", "3"), ("age", "4"), ("etag", "\"1\"")]),
                vec![("cache-status", ""), ("age", "17"), ("etag", "\"1\"")],
                Some("\"1\""),
            ),
            (
                "the word of caches further in, which keeps its place",
                head(&[
                    ("etag", "\"1\""),
                    ("cache-status", "a; hit"),
                    ("cache-status", "b; hit"),
                ]),
                vec![
                    ("age", "17"),
                    ("etag", "\"1\""),
                    ("cache-status", "a; hit"),
                    ("cache-status", "b; hit"),
                ],
                Some("\"1\""),
            ),
        ];
        let shapes = Shapes::default();
        for (name, mut received, answer, etag) in cases {
            // Twice: with a shape that is new, and with one that is known.
            for _ in 0..2 {
                let fields = shapes.fields(&received);
                assert_eq!(lines(&fields.at_age(17)), answer, "{name}");
                let found = fields.get(&http::header::ETAG);
                assert_eq!(found.map(HeaderValue::as_bytes), etag.map(str::as_bytes));
                received.remove(AGE);
                assert_eq!(fields.received(), received, "{name}");
                let copy = fields.copy();
                assert_eq!(lines(&copy.at_age(17)), answer, "{name}");
                assert_eq!(copy.received(), received, "{name}");
            }
        }
    }

    #[test]
    fn what_is_sensitive_stays_so() {
        let mut received = head(&[("x-secret", "1")]);
        received.get_mut("x-secret").unwrap().set_sensitive(true);
        let answer = Shapes::default().fields(&received).at_age(0);
        assert!(answer["x-secret"].is_sensitive());
    }

    #[test]
    fn heads_with_the_same_names_share_them() {
        let shapes = Shapes::default();
        let first = shapes.fields(&head(&[("etag", "\"1\""), ("vary", "accept")]));
        let same = shapes.fields(&head(&[("etag", "\"2\""), ("vary", "cookie")]));
        let other_order = shapes.fields(&head(&[("vary", "accept"), ("etag", "\"1\"")]));
        assert!(Arc::ptr_eq(&first.shape, &same.shape));
        assert!(!Arc::ptr_eq(&first.shape, &other_order.shape));
        assert!(first.weight() > same.weight());
        assert_eq!(first.weight(), other_order.weight());
    }

    #[test]
    fn no_more_shapes_are_kept_than_there_is_room_for() {
        let shapes = Shapes::default();
        let often = head(&[("etag", "\"1\"")]);
        shapes.fields(&often);
        for number in 0..2 * MAX_SHAPES {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            let other = HeaderMap::from_iter([(name, HeaderValue::from_static("1"))]);
            assert!(shapes.fields(&other).is_first_of_shape);
            assert!(!shapes.fields(&often).is_first_of_shape, "{number}");
        }
        assert_eq!(shapes.0.into_inner().unwrap().len(), MAX_SHAPES);
    }
}

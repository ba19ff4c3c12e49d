use bytes::Bytes;

use crate::{key::Key, tags::Tag};

/// Something that several stored responses may have in common, and by which they
/// can be purged together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// RFC 9875 §2: two responses are in the same group only if they have the same
    /// origin, which stands in front.
    Group(Bytes, Box<str>),
    /// What the application has tagged alike.
    Tag(Box<[u8]>),
    /// The plain key of what is under another one.
    Plain(Key),
    /// The path of what is under one key for several queries.
    Path(Bytes),
}

/// What one stored response is labelled with.
pub(crate) type Labels = Box<[Label]>;

impl Label {
    /// `tag` of a response that is stored for `key`.
    pub(crate) fn new(tag: Tag, key: &Key) -> Self {
        match tag {
            Tag::Group(name) => Self::Group(key.origin(), name),
            Tag::Tag(tag) => Self::Tag(tag),
        }
    }

    /// Bytes that it takes in memory beside itself.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Group(origin, name) => origin.len() + name.len(),
            Self::Tag(tag) => tag.len(),
            Self::Plain(key) => key.len(),
            Self::Path(path) => path.len(),
        }
    }
}

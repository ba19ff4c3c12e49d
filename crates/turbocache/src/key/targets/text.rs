use std::fmt;

/// Bytes that are copied because they are to be kept. Nearly all are short, and nothing is
/// allocated for them.
pub(super) enum Text {
    Short(Short),
    Long(Box<[u8]>),
}

/// A path, a query and a host, as most have them.
#[derive(Clone, Copy)]
pub(super) struct Short {
    bytes: [u8; SHORT],
    length: u8,
}

const SHORT: usize = 46;

impl Text {
    /// `one`, and `other` behind it.
    pub(super) fn of(one: &[u8], other: &[u8]) -> Self {
        match Short::of(one, other) {
            Some(short) => Self::Short(short),
            None => Self::Long([one, other].concat().into()),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(Short { bytes, length }) => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl Short {
    /// The same, if they are short enough.
    #[inline]
    pub(super) fn of(one: &[u8], other: &[u8]) -> Option<Self> {
        let length = one.len() + other.len();
        let mut bytes = [0; SHORT];
        bytes.get_mut(..one.len())?.copy_from_slice(one);
        bytes.get_mut(one.len()..length)?.copy_from_slice(other);
        let length = u8::try_from(length).ok()?;
        Some(Self { bytes, length })
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_behind_the_other_however_long_they_are() {
        let bytes: Vec<_> = (0..=u8::MAX).cycle().take(600).collect();
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 255, 256, 600] {
            for first in [0, 1, length / 2, length] {
                let (one, other) = bytes[..length].split_at(first.min(length));
                let text = Text::of(one, other);
                assert_eq!(text.as_bytes(), &bytes[..length]);
                assert_eq!(matches!(text, Text::Short(_)), length <= SHORT);
            }
        }
    }
}

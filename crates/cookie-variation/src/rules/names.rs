use std::ops::Range;

use bytes::Bytes;
use peregrine_core::VariantName;

use crate::cookies::Values;

/// Makes the names of the variants that one request may be of: who, and what he
/// prefers.
///
/// Each part stands behind its length, and what is said behind a letter for who
/// says it: no two variants have one name, and what a cookie claims is never
/// taken for what the application says.
#[derive(Clone, Debug, Default)]
pub(super) struct VariantNames {
    preferences: Vec<u8>,
}

impl VariantNames {
    pub(super) fn new(values: &Values<'_>, preferences: Range<usize>) -> Self {
        let mut written = Vec::new();
        for place in preferences {
            add(&mut written, values.get(place).unwrap_or_default());
        }
        Self {
            preferences: written,
        }
    }

    /// Of all who have no session.
    pub(super) fn visitors(&self) -> VariantName {
        if self.preferences.is_empty() {
            return VariantName::from_static(b"v");
        }
        self.finished(b"v".to_vec())
    }

    /// Of those that the application calls so. Empty for visitors.
    pub(super) fn rendered_for(&self, name: &Bytes) -> VariantName {
        if name.is_empty() {
            return self.visitors();
        }
        let mut written = b"a".to_vec();
        add(&mut written, name);
        self.finished(written)
    }

    /// Of those whose cookies say so.
    pub(super) fn claimed(
        &self,
        claims: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> VariantName {
        let mut written = b"c".to_vec();
        for claim in claims {
            add(&mut written, claim.as_ref());
        }
        self.finished(written)
    }

    fn finished(&self, mut written: Vec<u8>) -> VariantName {
        written.extend_from_slice(&self.preferences);
        VariantName::new(written)
    }
}

fn add(written: &mut Vec<u8>, part: &[u8]) {
    // As wide as it comes: 32 bits are more than a header field ever has.
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    written.extend_from_slice(&length.to_be_bytes());
    written.extend_from_slice(part);
}

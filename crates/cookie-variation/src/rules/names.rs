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
    written.extend_from_slice(part.len().to_string().as_bytes());
    written.push(b':');
    written.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Names made of few letters, among them all that divide.
    fn part() -> impl Strategy<Value = String> {
        "[0-2:vac]{0,3}"
    }

    fn name(who: &Who, preferences: &[String]) -> VariantName {
        let values = preferences
            .iter()
            .map(|value| Some(value.as_bytes()).filter(|value| !value.is_empty()));
        let values = Values::from(values.collect::<Vec<_>>());
        let names = VariantNames::new(&values, 0..preferences.len());
        match who {
            Who::Visitors => names.visitors(),
            Who::RenderedFor(name) => names.rendered_for(&Bytes::from(name.clone())),
            Who::Claimed(claims) => names.claimed(claims),
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    enum Who {
        Visitors,
        RenderedFor(String),
        Claimed(Vec<String>),
    }

    fn who() -> impl Strategy<Value = Who> {
        prop_oneof![
            Just(Who::Visitors),
            part()
                .prop_filter("for visitors", |name| !name.is_empty())
                .prop_map(Who::RenderedFor),
            vec(part(), 2).prop_map(Who::Claimed),
        ]
    }

    proptest! {
        #[test]
        fn no_two_variants_have_one_name(
            one in (who(), vec(part(), 2)),
            other in (who(), vec(part(), 2)),
        ) {
            let same = name(&one.0, &one.1) == name(&other.0, &other.1);
            prop_assert_eq!(same, one == other);
        }
    }
}

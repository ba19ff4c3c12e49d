//! Long lists come in pages.

pub(crate) const TOPICS_PER_PAGE: u32 = 20;
pub(crate) const POSTS_PER_PAGE: u32 = 30;
pub(crate) const PEOPLE_PER_PAGE: u32 = 50;

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    number: u32,
    of: u32,
    size: u32,
}

impl Paging {
    /// Page `number` of `all` entries, counted from 1. `None` if there is none of
    /// that number; the first one always is.
    pub(crate) fn new(number: u32, all: u32, size: u32) -> Option<Self> {
        let of = all.div_ceil(size).max(1);
        (1..=of)
            .contains(&number)
            .then_some(Self { number, of, size })
    }

    /// Where the last of `all` entries is.
    pub(crate) fn last(all: u32, size: u32) -> Self {
        let of = all.div_ceil(size).max(1);
        Self {
            number: of,
            of,
            size,
        }
    }

    /// How many entries come before this page.
    pub(crate) const fn first(self) -> u32 {
        (self.number - 1) * self.size
    }

    /// How many entries it has at most.
    pub(crate) const fn size(self) -> u32 {
        self.size
    }

    pub(crate) const fn number(self) -> u32 {
        self.number
    }

    /// How many pages there are.
    pub(crate) const fn of(self) -> u32 {
        self.of
    }

    pub(crate) fn before(self) -> Option<u32> {
        (self.number > 1).then(|| self.number - 1)
    }

    pub(crate) fn after(self) -> Option<u32> {
        (self.number < self.of).then(|| self.number + 1)
    }

    /// The address of page `number` of what is at `path`.
    pub(crate) fn address(path: &str, number: u32) -> String {
        if number == 1 {
            return path.to_owned();
        }
        format!("{path}?page={number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_on_one_page() {
        let cases = [
            ("none", 1, 0, Some((0, None, None))),
            ("no second page of none", 2, 0, None),
            ("no page 0", 0, 100, None),
            ("just one page", 1, 20, Some((0, None, None))),
            ("one more", 1, 21, Some((0, None, Some(2)))),
            ("in the middle", 2, 60, Some((20, Some(1), Some(3)))),
            ("the last", 3, 60, Some((40, Some(2), None))),
            ("behind it", 4, 60, None),
            ("far behind it", u32::MAX, 60, None),
        ];
        for (name, number, all, expected) in cases {
            let paging = Paging::new(number, all, 20);
            let found = paging.map(|page| (page.first(), page.before(), page.after()));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_first_page_has_the_address_of_the_list() {
        assert_eq!(Paging::address("/members", 1), "/members");
        assert_eq!(Paging::address("/members", 2), "/members?page=2");
    }
}

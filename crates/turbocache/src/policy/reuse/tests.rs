#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Fresh for 60 seconds from `received` on.
fn terms(received: Instant) -> Terms {
    Terms {
        freshness: Freshness::new(received, Duration::ZERO, 60 * SECOND),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        stale_if_disconnected: 10 * SECOND,
        no_cache: false,
        must_revalidate: false,
        immutable: false,
        authorized: false,
        soft_purged: false,
    }
}

fn wishing(change: impl FnOnce(&mut Wishes)) -> Asked {
    let mut asked = Asked::default();
    change(&mut asked.wishes);
    asked
}

const fn fresh(seconds: u64) -> Reuse {
    Reuse::Fresh {
        ttl: Duration::from_secs(seconds),
    }
}

const fn revalidating(seconds: u64) -> Reuse {
    Reuse::StaleWhileRevalidate {
        staleness: Duration::from_secs(seconds),
    }
}

#[test]
fn what_to_do_with_a_selected_response() {
    let start = Instant::now();
    let plain = terms(start);
    let no_cache = Terms {
        no_cache: true,
        stale_while_revalidate: 90 * SECOND,
        ..plain
    };
    let revalidate = Terms {
        stale_while_revalidate: 30 * SECOND,
        ..plain
    };
    let forbidden = Terms {
        must_revalidate: true,
        ..revalidate
    };
    let authorized = Terms {
        authorized: true,
        ..plain
    };
    let asked = Asked::default();
    let with_authorization = Asked {
        authorization: true,
        ..asked
    };
    // Terms, request, age in seconds.
    let cases: &[(&str, &str, Terms, Asked, u32, Reuse)] = &[
        ("§4.2", "new", plain, asked, 0, fresh(60)),
        ("§4.2", "its last second", plain, asked, 59, fresh(1)),
        (
            "§4.2",
            "as old as it may become",
            plain,
            asked,
            60,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "§5.2.2.4",
            "no-cache",
            no_cache,
            asked,
            0,
            Reuse::Validate(NotFresh::NoCache),
        ),
        (
            "§5.2.2.4",
            "no-cache, stale",
            no_cache,
            asked,
            61,
            Reuse::Validate(NotFresh::NoCache),
        ),
        (
            "RFC 5861 §3",
            "fresh all the same",
            revalidate,
            asked,
            59,
            fresh(1),
        ),
        (
            "RFC 5861 §3",
            "stale for nothing yet",
            revalidate,
            asked,
            60,
            revalidating(0),
        ),
        (
            "RFC 5861 §3",
            "stale for almost as long",
            revalidate,
            asked,
            89,
            revalidating(29),
        ),
        (
            "RFC 5861 §3",
            "stale for too long",
            revalidate,
            asked,
            90,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "§4.2.4",
            "must-revalidate, fresh",
            forbidden,
            asked,
            59,
            fresh(1),
        ),
        (
            "§4.2.4",
            "must-revalidate, stale",
            forbidden,
            asked,
            60,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "§3.5",
            "for everybody",
            authorized,
            with_authorization,
            0,
            fresh(60),
        ),
        (
            "§3.5",
            "not for someone with a name",
            plain,
            with_authorization,
            0,
            Reuse::Forward(NotFresh::Authorization),
        ),
        (
            "§3.5",
            "stale, for everybody",
            authorized,
            with_authorization,
            60,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "purge",
            "purged softly",
            plain.soft_purged(),
            asked,
            0,
            revalidating(0),
        ),
        (
            "purge",
            "purged softly, never stale",
            forbidden.soft_purged(),
            asked,
            0,
            Reuse::Validate(NotFresh::Purged),
        ),
        (
            "purge",
            "purged softly, stale by itself",
            plain.soft_purged(),
            asked,
            60,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "purge",
            "purged softly, no-cache",
            no_cache.soft_purged(),
            asked,
            0,
            Reuse::Validate(NotFresh::NoCache),
        ),
    ];
    for (section, name, terms, asked, age, expected) in cases {
        assert_eq!(
            terms.reuse(*asked, start + *age * SECOND),
            *expected,
            "{section}: {name}"
        );
    }
}

#[test]
fn what_a_client_may_wish_for() {
    let start = Instant::now();
    let plain = terms(start);
    let forbidden = Terms {
        must_revalidate: true,
        ..plain
    };
    let no_cache = Terms {
        no_cache: true,
        ..plain
    };
    let immutable = Terms {
        immutable: true,
        ..plain
    };
    let revalidate = Terms {
        stale_while_revalidate: 30 * SECOND,
        ..plain
    };
    let old_or_stale = wishing(|wishes| {
        wishes.max_age = Some(100 * SECOND);
        wishes.max_stale = Some(10 * SECOND);
    });
    let max_age = |seconds| wishing(|wishes| wishes.max_age = Some(seconds * SECOND));
    let min_fresh = |seconds| wishing(|wishes| wishes.min_fresh = Some(seconds * SECOND));
    let max_stale = |seconds| wishing(|wishes| wishes.max_stale = Some(seconds * SECOND));
    let any_stale = wishing(|wishes| wishes.max_stale = Some(Duration::MAX));
    let nothing_old = wishing(|wishes| wishes.no_cache = true);
    let stale = |seconds| Reuse::Stale {
        staleness: seconds * SECOND,
    };
    let validate = Reuse::Validate(NotFresh::Request);
    let cases: &[(&str, &str, Terms, Asked, u32, Reuse)] = &[
        ("§5.2.1.4", "no-cache", plain, nothing_old, 0, validate),
        (
            "§5.2.1.1",
            "max-age, younger",
            plain,
            max_age(10),
            10,
            fresh(50),
        ),
        (
            "§5.2.1.1",
            "max-age, older",
            plain,
            max_age(10),
            11,
            validate,
        ),
        ("§5.2.1.1", "max-age=0", plain, max_age(0), 1, validate),
        (
            "§5.2.1.1",
            "max-age, young enough, but stale",
            revalidate,
            max_age(100),
            60,
            validate,
        ),
        (
            "§5.2.1.1",
            "max-age, stale, which may be",
            plain,
            old_or_stale,
            70,
            stale(10),
        ),
        (
            "§5.2.1.3",
            "min-fresh, for long enough",
            plain,
            min_fresh(20),
            40,
            fresh(20),
        ),
        (
            "§5.2.1.3",
            "min-fresh, not for long enough",
            plain,
            min_fresh(20),
            41,
            validate,
        ),
        (
            "§5.2.1.3",
            "min-fresh, stale",
            plain,
            min_fresh(20),
            60,
            validate,
        ),
        (
            "§5.2.1.2",
            "max-stale, fresh",
            plain,
            max_stale(10),
            59,
            fresh(1),
        ),
        (
            "§5.2.1.2",
            "max-stale, just so",
            plain,
            max_stale(10),
            70,
            stale(10),
        ),
        (
            "§5.2.1.2",
            "max-stale, more than that",
            plain,
            max_stale(10),
            71,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "§5.2.1.2",
            "max-stale, any",
            plain,
            any_stale,
            100_000,
            stale(99_940),
        ),
        (
            "§4.2.4",
            "max-stale does not lift must-revalidate",
            forbidden,
            any_stale,
            60,
            Reuse::Validate(NotFresh::Stale),
        ),
        (
            "§5.2.2.4",
            "nor no-cache",
            no_cache,
            any_stale,
            0,
            Reuse::Validate(NotFresh::NoCache),
        ),
        (
            "RFC 8246 §2",
            "a reload of what does not change",
            immutable,
            max_age(0),
            1,
            fresh(59),
        ),
        (
            "RFC 8246 §2",
            "a forced one",
            immutable,
            nothing_old,
            1,
            validate,
        ),
        (
            "RFC 8246 §2",
            "stale, it may have changed",
            immutable,
            max_age(0),
            60,
            validate,
        ),
    ];
    for (section, name, terms, asked, age, expected) in cases {
        assert_eq!(
            terms.reuse(*asked, start + *age * SECOND),
            *expected,
            "{section}: {name}"
        );
    }
}

#[test]
fn when_a_stale_response_is_better_than_an_error() {
    let start = Instant::now();
    let plain = terms(start);
    let allowed = Terms {
        stale_if_error: 30 * SECOND,
        ..plain
    };
    let forbidden = Terms {
        must_revalidate: true,
        ..allowed
    };
    let no_cache = Terms {
        no_cache: true,
        ..allowed
    };
    let cases = [
        (
            "RFC 5861 §4",
            "it does not say so",
            plain,
            60,
            Err(NoStale::TooStale),
        ),
        (
            "RFC 5861 §4",
            "fresh, but the client would not have it",
            allowed,
            10,
            Ok(0),
        ),
        ("RFC 5861 §4", "for almost as long", allowed, 89, Ok(29)),
        (
            "RFC 5861 §4",
            "for too long",
            allowed,
            90,
            Err(NoStale::TooStale),
        ),
        (
            "§4.2.4",
            "must-revalidate",
            forbidden,
            60,
            Err(NoStale::Forbidden),
        ),
        ("§4.2.4", "no-cache", no_cache, 10, Err(NoStale::Forbidden)),
    ];
    for (section, name, terms, age, expected) in cases {
        let verdict = terms.stale_instead_of(Failure::Error, start + age * SECOND);
        let expected = expected.map(|staleness| staleness * SECOND);
        assert_eq!(verdict, expected, "{section}: {name}");
    }
}

#[test]
fn a_broken_connection_is_bridged_and_an_error_is_not() {
    let start = Instant::now();
    let plain = terms(start);
    let forbidden = Terms {
        must_revalidate: true,
        ..plain
    };
    let disconnected =
        |terms: Terms, age| terms.stale_instead_of(Failure::Disconnected, start + age * SECOND);
    assert_eq!(disconnected(plain, 69), Ok(9 * SECOND));
    assert_eq!(disconnected(plain, 70), Err(NoStale::TooStale));
    assert_eq!(disconnected(forbidden, 61), Err(NoStale::Forbidden));
    let error = plain.stale_instead_of(Failure::Error, start + 61 * SECOND);
    assert_eq!(error, Err(NoStale::TooStale));
}

#[test]
fn which_statuses_are_failures() {
    let of = |failure| {
        (100..1000).filter(move |status| {
            Failure::of(Some(StatusCode::from_u16(*status).unwrap())) == Some(failure)
        })
    };
    assert!(of(Failure::Error).eq([500, 503]), "RFC 5861 §4");
    assert!(of(Failure::Disconnected).eq([502, 504]), "RFC 9110 §15.6");
    assert_eq!(Failure::of(None), Some(Failure::Disconnected));
}

fn any_terms(start: Instant) -> impl Strategy<Value = Terms> {
    (0_u64..100, 0_u64..100, 0_u64..100, any::<[bool; 5]>()).prop_map(
        move |(lifetime, revalidate, error, flags)| Terms {
            freshness: Freshness::new(start, Duration::ZERO, Duration::from_secs(lifetime)),
            stale_while_revalidate: Duration::from_secs(revalidate),
            stale_if_error: Duration::from_secs(error),
            stale_if_disconnected: Duration::from_secs(error),
            no_cache: flags[0],
            must_revalidate: flags[1],
            immutable: flags[2],
            authorized: flags[3],
            soft_purged: flags[4],
        },
    )
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let seconds = || prop::option::of((0_u64..100).prop_map(Duration::from_secs));
    (any::<[bool; 2]>(), seconds(), seconds(), seconds()).prop_map(
        |(flags, max_age, min_fresh, max_stale)| Asked {
            authorization: flags[0],
            wishes: Wishes {
                no_cache: flags[1],
                max_age,
                min_fresh,
                max_stale,
                ..Wishes::default()
            },
            ..Asked::default()
        },
    )
}

proptest! {
    /// RFC 9111 §4: the list of what has to hold for a stored response to be used.
    #[test]
    fn nothing_is_reused_that_rfc_9111_forbids(
        (start, terms) in Just(Instant::now()).prop_flat_map(|start| (Just(start), any_terms(start))),
        asked in any_asked(),
        age in 0_u64..300,
    ) {
        let now = start + Duration::from_secs(age);
        let is_fresh = terms.freshness.ttl(now).is_some();
        match terms.reuse(asked, now) {
            Reuse::Fresh { ttl } => {
                prop_assert!(is_fresh && !ttl.is_zero());
                prop_assert!(!terms.no_cache && !asked.wishes.no_cache);
                prop_assert!(!asked.authorization || terms.authorized);
            }
            Reuse::StaleWhileRevalidate { .. } | Reuse::Stale { .. } => {
                prop_assert!(!is_fresh || terms.soft_purged);
                prop_assert!(!terms.no_cache && !terms.must_revalidate);
                prop_assert!(!asked.authorization || terms.authorized);
            }
            Reuse::Validate(_) => prop_assert!(!asked.authorization || terms.authorized),
            Reuse::Forward(_) => prop_assert!(asked.authorization && !terms.authorized),
        }
    }

    #[test]
    fn what_is_stale_does_not_become_fresh_again(
        (start, terms) in Just(Instant::now()).prop_flat_map(|start| (Just(start), any_terms(start))),
        age in 0_u64..200,
        later in 0_u64..200,
    ) {
        let is_fresh = |seconds| {
            let now = start + Duration::from_secs(seconds);
            matches!(terms.reuse(Asked::default(), now), Reuse::Fresh { .. })
        };
        prop_assert!(is_fresh(age) || !is_fresh(age + later));
    }
}

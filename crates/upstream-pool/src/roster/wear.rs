use super::ProcessId;

/// How many requests process `id` may serve before it is replaced, where each
/// may serve `max` at most.
///
/// The last eighth is spread over the processes, so that those that were
/// started together, and share the requests evenly, are not worn together. By
/// their numbers, not by chance: consecutive ones are far apart.
pub(crate) fn max_requests(max: u64, id: ProcessId) -> u64 {
    /// 2^64 divided by the golden ratio: its multiples fill the range evenly.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

    let spread = u128::from(max / 8) + 1;
    let place = u128::from(id.number().wrapping_mul(STEP));
    // Below `spread`, since `place` is below 2^64.
    let less = (place * spread) >> 64;
    max - u64::try_from(less).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eighth_is_spread() {
        let limits = |max| (1..=8).map(move |id| max_requests(max, ProcessId::new(id)));
        for max in [1, 2, 7, 8, 1000, u64::MAX] {
            let least = max - max / 8;
            assert!(limits(max).all(|n| (least..=max).contains(&n)), "{max}");
        }
        let mut thousand: Vec<_> = limits(1000).collect();
        thousand.sort_unstable();
        let apart = |pair: &[u64]| pair[1] - pair[0] >= 5;
        assert!(thousand.windows(2).all(apart), "{thousand:?}");
    }
}

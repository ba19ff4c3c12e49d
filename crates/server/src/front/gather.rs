use std::{cell::RefCell, io::IoSlice};

/// What costs less to copy than to give to the operating system in pieces: most pages,
/// compressed. The pieces of larger answers are sent from where they are.
const MOST: usize = 8 * 1024;

thread_local! {
    /// Nothing that lasts: what is to be written leaves before anything else runs here.
    static PIECE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(MOST));
}

/// Gives a few small pieces to `write` as one, which is what a head and a short body
/// are. `None`, and nothing is written, if they are too much to copy.
pub(super) fn gather<T>(pieces: &[IoSlice<'_>], write: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    (length <= MOST).then(|| {
        PIECE.with_borrow_mut(|one| {
            one.clear();
            for piece in pieces {
                one.extend_from_slice(piece);
            }
            write(one)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_is_written_as_one_piece_and_nothing_else_is() {
        let cases: [(&str, &[usize], bool); 5] = [
            ("a head and a body", &[200, 1024], true),
            ("a head alone", &[200], true),
            ("just not too much", &[200, MOST - 200], true),
            ("one byte too much", &[200, MOST - 199], false),
            ("much", &[200, 1 << 20], false),
        ];
        for (name, lengths, expected) in cases {
            let all: Vec<_> = (0..=u8::MAX).cycle().take(lengths.iter().sum()).collect();
            let mut rest = &all[..];
            let pieces: Vec<_> = lengths
                .iter()
                .map(|length| {
                    let (piece, after) = rest.split_at(*length);
                    rest = after;
                    IoSlice::new(piece)
                })
                .collect();
            let written = gather(&pieces, <[u8]>::to_vec);
            assert_eq!(written, expected.then_some(all), "{name}");
        }
    }
}

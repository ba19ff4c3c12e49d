use std::task::Waker;

use proptest::{collection::vec, prelude::*};

use super::*;

/// Takes at most so many bytes at a time, and nothing at all every other time if it is
/// `slow`.
struct Writer {
    at_once: usize,
    slow: bool,
    is_ready: bool,
    taken: Vec<u8>,
    /// How often it has taken something, and in how many pieces that was offered.
    offers: Vec<usize>,
}

impl Writer {
    fn new(at_once: usize) -> Self {
        Self {
            at_once,
            slow: false,
            is_ready: false,
            taken: Vec::new(),
            offers: Vec::new(),
        }
    }

    fn slow(at_once: usize) -> Self {
        Self {
            slow: true,
            ..Self::new(at_once)
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_ready = !self.slow || !self.is_ready;
        if !self.is_ready {
            return Poll::Pending;
        }
        self.offers.push(slices.len());
        let at_once = self.at_once;
        let offered = slices.iter().flat_map(|slice| slice.iter().copied());
        let before = self.taken.len();
        self.taken.extend(offered.take(at_once));
        Poll::Ready(Ok(self.taken.len() - before))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unreachable!("nobody asks for it")
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unreachable!("nobody asks for it")
    }
}

fn write(out: &mut Outgoing, writer: &mut Writer) -> Poll<io::Result<()>> {
    out.poll_write(Pin::new(writer), &mut Context::from_waker(Waker::noop()))
}

/// Writes all of it, however often that has to be asked for.
fn write_all(out: &mut Outgoing, writer: &mut Writer) {
    while write(out, writer).is_pending() {
        assert!(!out.is_empty());
    }
    assert!(out.is_empty());
}

#[test]
fn what_is_small_is_one_piece() {
    let mut out = Outgoing::default();
    out.head().extend_from_slice(b"head ");
    out.push("body ".into());
    out.push_str("end");
    let mut writer = Writer::new(1000);
    write_all(&mut out, &mut writer);
    assert_eq!(writer.taken, b"head body end");
    assert_eq!(writer.offers, [1]);
}

#[test]
fn what_is_large_is_written_from_where_it_is() {
    let large = Bytes::from(vec![b'x'; GATHERED]);
    let mut out = Outgoing::default();
    out.head().extend_from_slice(b"head ");
    out.push(large.clone());
    assert_eq!(out.pieces[0].as_ptr(), large.as_ptr());
    // What follows it has to wait for it.
    out.push_str("end");
    let mut writer = Writer::new(usize::MAX);
    write_all(&mut out, &mut writer);
    assert_eq!(writer.offers, [3], "and all at once");
    assert_eq!(writer.taken, [b"head ", &large[..], b"end"].concat());
}

#[test]
fn what_fits_with_what_is_there_is_small() {
    let mut out = Outgoing::default();
    out.push(vec![b'x'; GATHERED - 4].into());
    out.push_str("four");
    assert!(out.pieces.is_empty());
    out.push_str("5");
    assert_eq!(out.pieces.len(), 1);
}

#[test]
fn there_is_room_until_there_is_enough() {
    let mut out = Outgoing::default();
    assert!(out.has_room());
    out.push(vec![b'x'; ENOUGH - 1].into());
    assert!(out.has_room());
    out.push_str("x");
    assert!(!out.has_room(), "enough bytes");
    let mut writer = Writer::slow(1);
    assert!(write(&mut out, &mut writer).is_pending() || out.is_empty());
    assert!(out.has_room(), "one less");

    let mut out = Outgoing::default();
    out.push(vec![b'x'; GATHERED + 1].into());
    let mut pieces = 1;
    while out.has_room() {
        out.push_str("x");
        pieces += 1;
    }
    assert!(
        (PIECES - 3..PIECES).contains(&pieces),
        "enough pieces: {pieces}"
    );
}

#[test]
fn more_pieces_than_are_written_at_once_are_written_all_the_same() {
    for begin in [&b""[..], b"head"] {
        let mut out = Outgoing::default();
        out.head().extend_from_slice(begin);
        let large = vec![b'x'; GATHERED + 1];
        out.push(large.clone().into());
        for _ in 0..3 * PIECES {
            out.push_str("y");
        }
        let mut writer = Writer::new(usize::MAX);
        write_all(&mut out, &mut writer);
        let expected = [begin, &large, &[b'y'; 3 * PIECES]].concat();
        assert!(writer.taken == expected);
        assert!(
            writer.offers.iter().all(|pieces| *pieces <= PIECES),
            "{:?}",
            writer.offers
        );
    }
}

struct Broken;

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn who_takes_nothing_or_fails_ends_it() {
    let mut out = Outgoing::default();
    out.push_str("page");
    let end = write(&mut out, &mut Writer::new(0));
    let Poll::Ready(Err(error)) = end else {
        panic!("{end:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);

    let mut cx = Context::from_waker(Waker::noop());
    let end = out.poll_write(Pin::new(&mut Broken), &mut cx);
    let Poll::Ready(Err(error)) = end else {
        panic!("{end:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(!out.is_empty(), "nothing of it is lost");
}

#[test]
fn what_is_forgotten_is_not_written() {
    let mut out = Outgoing::default();
    out.head().extend_from_slice(b"head");
    out.push(vec![b'x'; 2 * GATHERED].into());
    out.clear();
    assert!(out.is_empty() && out.has_room());
    out.push_str("page");
    let mut writer = Writer::new(1000);
    write_all(&mut out, &mut writer);
    assert_eq!(writer.taken, b"page");
}

fn spare() -> usize {
    let spare = SPARE.take();
    assert!(spare.is_empty(), "nobody sees what somebody else has sent");
    let capacity = spare.capacity();
    SPARE.set(spare);
    capacity
}

#[test]
fn memory_is_given_back_when_all_is_written() {
    assert_eq!(spare(), 0);
    let mut first = Outgoing::default();
    first.push_str("page");
    write_all(&mut first, &mut Writer::new(1));
    assert_eq!(first.gathered.capacity(), 0, "it holds none");
    let kept = spare();
    assert!(kept > 0);

    // The next one takes it, and another one beside it takes its own.
    let mut second = Outgoing::default();
    second.head().extend_from_slice(b"head");
    assert_eq!(spare(), 0);
    let mut third = Outgoing::default();
    third.head().extend_from_slice(b"head");
    write_all(&mut second, &mut Writer::new(1000));
    write_all(&mut third, &mut Writer::new(1000));
    assert!(spare() > 0);
}

#[test]
fn to_write_nothing_takes_no_memory_away() {
    let mut out = Outgoing::default();
    out.push_str("page");
    write_all(&mut out, &mut Writer::new(1000));
    let kept = spare();
    write_all(&mut out, &mut Writer::new(1000));
    write_all(&mut Outgoing::default(), &mut Writer::new(1000));
    assert_eq!(spare(), kept);
}

#[test]
fn the_memory_of_a_large_head_is_not_kept() {
    let mut out = Outgoing::default();
    out.head().extend_from_slice(&vec![b'x'; 3 * GATHERED]);
    write_all(&mut out, &mut Writer::new(usize::MAX));
    assert_eq!(out.gathered.capacity(), 0);
    assert_eq!(spare(), 0);
}

#[test]
fn it_says_how_much_waits() {
    let mut out = Outgoing::default();
    out.push_str("page");
    out.push(vec![b'x'; 10_000].into());
    let waiting = |out: &Outgoing| format!("{out:?}");
    assert_eq!(waiting(&out), "Outgoing { waiting: 10004, .. }");
    assert!(write(&mut out, &mut Writer::slow(6)).is_pending());
    assert_eq!(waiting(&out), "Outgoing { waiting: 9998, .. }");
}

/// What becomes of what is to be written.
#[derive(Clone, Debug)]
enum Step {
    Head(usize),
    Push(usize),
    /// By one who takes so many bytes, and then waits.
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let len = || prop_oneof![1..20_usize, 1..2 * GATHERED, Just(GATHERED), Just(ENOUGH)];
    prop_oneof![
        len().prop_map(Step::Head),
        len().prop_map(Step::Push),
        len().prop_map(Step::Push),
        len().prop_map(Step::Write),
        (1..8_usize).prop_map(Step::Write),
    ]
}

proptest! {
    #[test]
    fn everything_is_written_in_its_order(steps in vec(step(), 0..40)) {
        let mut out = Outgoing::default();
        let mut writer = Writer::slow(1);
        let mut expected = Vec::new();
        let mut bytes = (0..=250_u8).cycle();
        for step in steps {
            match step {
                // It begins a message, and there is none before it.
                Step::Head(len) => {
                    if out.pieces.is_empty() {
                        let head: Vec<_> = bytes.by_ref().take(len).collect();
                        out.head().extend_from_slice(&head);
                        expected.extend(head);
                    }
                }
                Step::Push(len) => {
                    let piece: Bytes = bytes.by_ref().take(len).collect();
                    expected.extend_from_slice(&piece);
                    out.push(piece);
                }
                Step::Write(at_once) => {
                    writer.at_once = at_once;
                    let _ = write(&mut out, &mut writer);
                }
            }
            prop_assert_eq!(out.is_empty(), writer.taken.len() == expected.len());
            prop_assert!(expected.starts_with(&writer.taken));
        }
        writer.at_once = usize::MAX;
        write_all(&mut out, &mut writer);
        prop_assert!(writer.taken == expected);
    }
}

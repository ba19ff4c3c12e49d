use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::Wake,
};

use http::HeaderMap;

use super::*;
use crate::Malformed;

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Task {
    fn new() -> (Arc<Self>, Waker) {
        let task = Arc::<Self>::default();
        (Arc::clone(&task), Waker::from(task))
    }

    /// How often it was woken since this was last asked.
    fn woken(&self) -> usize {
        self.0.swap(0, Relaxed)
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Failure>>>;

fn poll(body: &mut Incoming, waker: &Waker) -> Polled {
    Pin::new(body).poll_frame(&mut Context::from_waker(waker))
}

fn wish(pipe: &Pipe, waker: &Waker) -> Wish {
    pipe.wish(&Context::from_waker(waker))
}

fn data(polled: Polled) -> Bytes {
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn piece(bytes: &'static str) -> Frame<Bytes> {
    Frame::data(bytes.into())
}

#[test]
fn a_request_without_a_body_has_an_empty_one() {
    let mut body = Incoming::none();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(matches!(poll(&mut body, Waker::noop()), Poll::Ready(None)));
}

#[test]
fn nothing_is_wanted_before_somebody_reads() {
    let (pipe, mut body) = Pipe::new(None);
    let noop = Waker::noop();
    assert_eq!(wish(&pipe, noop), Wish::Nothing);
    assert!(poll(&mut body, noop).is_pending());
    assert_eq!(wish(&pipe, noop), Wish::More);
    pipe.give(piece("pa"), false);
    assert_eq!(wish(&pipe, noop), Wish::Nothing, "there is a piece to take");
    assert_eq!(data(poll(&mut body, noop)), "pa");
    assert_eq!(wish(&pipe, noop), Wish::Nothing, "one is enough for now");
    assert!(poll(&mut body, noop).is_pending());
    assert_eq!(wish(&pipe, noop), Wish::More);
    drop(body);
    assert_eq!(wish(&pipe, noop), Wish::Peace);
}

#[test]
fn whoever_waits_for_the_other_is_woken() {
    let (pipe, mut body) = Pipe::new(None);
    let (connection, connections) = Task::new();
    let (reader, readers) = Task::new();
    assert_eq!(wish(&pipe, &connections), Wish::Nothing);
    assert!(poll(&mut body, &readers).is_pending());
    assert_eq!((connection.woken(), reader.woken()), (1, 0));
    assert_eq!(wish(&pipe, &connections), Wish::More);
    pipe.give(piece("pa"), false);
    assert_eq!((connection.woken(), reader.woken()), (0, 1));
    assert_eq!(data(poll(&mut body, &readers)), "pa");
    assert!(poll(&mut body, &readers).is_pending());
    pipe.end(Ok(()));
    assert_eq!((connection.woken(), reader.woken()), (0, 1));
    assert!(matches!(poll(&mut body, &readers), Poll::Ready(None)));
}

#[test]
fn the_reader_that_was_last_is_woken() {
    let (pipe, mut body) = Pipe::new(None);
    let ((first, firsts), (second, seconds)) = (Task::new(), Task::new());
    assert!(poll(&mut body, &firsts).is_pending());
    assert!(poll(&mut body, &seconds).is_pending());
    pipe.give(piece("page"), true);
    assert_eq!((first.woken(), second.woken()), (0, 1));
}

#[test]
fn the_task_of_the_connection_that_was_last_is_woken() {
    let (pipe, mut body) = Pipe::new(None);
    let ((first, firsts), (second, seconds)) = (Task::new(), Task::new());
    assert_eq!(wish(&pipe, &firsts), Wish::Nothing);
    assert_eq!(wish(&pipe, &seconds), Wish::Nothing);
    assert!(poll(&mut body, Waker::noop()).is_pending());
    assert_eq!((first.woken(), second.woken()), (0, 1));
}

/// Else a connection that is polled together with the reader would wake itself for ever.
#[test]
fn nobody_is_woken_for_what_is_known() {
    let (pipe, mut body) = Pipe::new(None);
    let (connection, connections) = Task::new();
    assert!(poll(&mut body, Waker::noop()).is_pending());
    assert!(!pipe.is_abandoned(&Context::from_waker(&connections)));
    assert!(poll(&mut body, Waker::noop()).is_pending());
    assert_eq!(connection.woken(), 0, "it knows that more is wanted");

    pipe.look();
    drop(body);
    assert_eq!(connection.woken(), 0, "it looks");
    assert_eq!(wish(&pipe, &connections), Wish::Peace);
}

#[test]
fn a_connection_that_waits_is_told_that_nobody_reads_any_more() {
    for is_wanted in [false, true] {
        let (pipe, mut body) = Pipe::new(None);
        let (connection, connections) = Task::new();
        let cx = Context::from_waker(&connections);
        if is_wanted {
            assert!(poll(&mut body, Waker::noop()).is_pending());
            assert!(!pipe.is_abandoned(&cx));
        } else {
            assert_eq!(pipe.wish(&cx), Wish::Nothing);
        }
        drop(body);
        assert_eq!(connection.woken(), 1, "wanted: {is_wanted}");
        assert!(pipe.is_abandoned(&cx));
    }
}

#[test]
fn what_has_come_is_read_before_the_end_whatever_that_is() {
    type Last = Result<(), Failure>;
    let ends: [(&str, fn() -> Last, bool); 3] = [
        ("its end", || Ok(()), true),
        ("it is cut off", || Err(Failure::cut_off()), false),
        ("it is none", || Err(Malformed::ChunkSize.into()), false),
    ];
    for (name, end, is_whole) in ends {
        let (pipe, mut body) = Pipe::new(Some(4));
        pipe.give(piece("page"), false);
        pipe.end(end());
        assert!(!body.is_end_stream(), "{name}");
        assert_eq!(data(poll(&mut body, Waker::noop())), "page", "{name}");
        assert_eq!(body.is_end_stream(), is_whole, "{name}");
        let last = poll(&mut body, Waker::noop());
        let expected = if is_whole {
            matches!(last, Poll::Ready(None))
        } else {
            matches!(last, Poll::Ready(Some(Err(_))))
        };
        assert!(expected, "{name}: {last:?}");
        // A failure is said once, and nothing comes after it.
        let after = poll(&mut body, Waker::noop());
        assert!(matches!(after, Poll::Ready(None)), "{name}: {after:?}");
    }
}

#[test]
fn the_last_piece_is_known_to_be_the_last() {
    let (pipe, mut body) = Pipe::new(None);
    pipe.give(piece("page"), true);
    assert!(!body.is_end_stream(), "it is not taken yet");
    assert_eq!(data(poll(&mut body, Waker::noop())), "page");
    assert!(body.is_end_stream());
}

#[test]
fn how_much_is_still_to_be_taken_is_known_if_it_was_said() {
    let (pipe, mut body) = Pipe::new(Some(6));
    assert_eq!(body.size_hint().exact(), Some(6));
    pipe.give(piece("page"), false);
    assert_eq!(body.size_hint().exact(), Some(6), "it is not taken yet");
    let _ = data(poll(&mut body, Waker::noop()));
    assert_eq!(body.size_hint().exact(), Some(2));
    assert_eq!(
        format!("{body:?}"),
        format!(
            "Incoming {{ size: {:?}, over: false }}",
            SizeHint::with_exact(2)
        )
    );

    let (pipe, mut body) = Pipe::new(None);
    pipe.give(piece("page"), false);
    let _ = data(poll(&mut body, Waker::noop()));
    assert_eq!(body.size_hint().exact(), None);
}

#[test]
fn trailer_fields_are_the_last_frame() {
    let (pipe, mut body) = Pipe::new(None);
    let fields = HeaderMap::from_iter([("x-a".parse().unwrap(), "1".parse().unwrap())]);
    pipe.give(Frame::trailers(fields.clone()), true);
    let Poll::Ready(Some(Ok(frame))) = poll(&mut body, Waker::noop()) else {
        panic!("it is there");
    };
    assert_eq!(frame.into_trailers().unwrap(), fields);
    assert!(body.is_end_stream());
}

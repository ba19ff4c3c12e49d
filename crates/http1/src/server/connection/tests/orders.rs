//! However requests come, whatever a service makes of them, and however slowly a client
//! listens: each answer is the one to its request.

use std::time::Duration;

use bytes::BytesMut;
use proptest::{collection::vec, prelude::*};
use tokio::{task::yield_now, time::timeout};

use super::*;
use crate::chunked::Chunked;

/// What a client asks, and what a service makes of it.
#[derive(Clone, Debug)]
struct Asked {
    body: Sent,
    waits: bool,
    service: Service,
    /// How often it pauses before it answers.
    pauses: usize,
}

#[derive(Clone, Debug)]
enum Sent {
    Nothing,
    Length(usize),
    Chunks(Vec<usize>),
}

#[derive(Clone, Copy, Debug)]
enum Service {
    ReadsAll,
    ReadsNothing,
    ReadsSome,
    /// Gives back what comes, as it comes.
    Echoes,
}

/// How it goes on the wire.
#[derive(Clone, Debug)]
struct Wire {
    capacity: usize,
    writes: Vec<usize>,
    reads: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let len = || prop_oneof![1..10_usize, 1..20_000_usize];
    let body = prop_oneof![
        Just(Sent::Nothing),
        len().prop_map(Sent::Length),
        vec(len(), 0..4).prop_map(Sent::Chunks),
    ];
    let service = prop_oneof![
        Just(Service::ReadsAll),
        Just(Service::ReadsNothing),
        Just(Service::ReadsSome),
        Just(Service::Echoes),
    ];
    (body, any::<bool>(), service, 0..3_usize).prop_map(|(body, waits, service, pauses)| Asked {
        body,
        waits,
        service,
        pauses,
    })
}

fn wire() -> impl Strategy<Value = Wire> {
    let size = || prop_oneof![1..20_usize, 1..5000_usize, Just(1 << 20)];
    (size(), vec(size(), 1..10), size()).prop_map(|(capacity, writes, reads)| Wire {
        capacity,
        writes,
        reads,
    })
}

/// The body of a request, of which each has its own letter.
fn content(number: usize, body: &Sent) -> Vec<u8> {
    let len = match body {
        Sent::Nothing => 0,
        Sent::Length(len) => *len,
        Sent::Chunks(chunks) => chunks.iter().sum(),
    };
    vec![b"abcdefgh"[number]; len]
}

fn written(number: usize, asked: &Asked, is_last: bool) -> Vec<u8> {
    let mut out = format!("POST /{number} HTTP/1.1\r\n").into_bytes();
    if is_last {
        out.extend_from_slice(b"connection: close\r\n");
    }
    if asked.waits {
        out.extend_from_slice(b"expect: 100-continue\r\n");
    }
    let mut content = content(number, &asked.body);
    match &asked.body {
        Sent::Nothing => out.extend_from_slice(b"\r\n"),
        Sent::Length(len) => {
            out.extend_from_slice(format!("content-length: {len}\r\n\r\n").as_bytes());
            out.append(&mut content);
        }
        Sent::Chunks(chunks) => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for len in chunks {
                out.extend_from_slice(format!("{len:x}\r\n").as_bytes());
                out.extend_from_slice(&content[..*len]);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }
    out
}

async fn answer(asked: Asked, request: Request<Incoming>) -> Response<Content> {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    for _ in 0..asked.pauses {
        yield_now().await;
    }
    match asked.service {
        Service::ReadsNothing => {}
        Service::ReadsSome => drop(body.frame().await),
        Service::ReadsAll => {
            let body = body.collect().await.unwrap().to_bytes();
            assert!(body == content(path[1..].parse().unwrap(), &asked.body));
        }
        Service::Echoes => return Response::new(boxed(body)),
    }
    page(path)
}

/// An answer, and whether it says that it is the last.
type Heard = (Vec<u8>, bool);

/// All answers that are whole, and nothing else is there.
fn answers(heard: &[u8]) -> Vec<Heard> {
    let mut rest = BytesMut::from(heard);
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let mut answer = httparse::Response::new(&mut fields);
        let Ok(httparse::Status::Complete(len)) = answer.parse(&rest) else {
            panic!("{}", rest.escape_ascii());
        };
        let field = |name: &str| {
            let mut fields = answer.headers.iter();
            let field = fields.find(|field| field.name == name);
            field.map(|field| str::from_utf8(field.value).unwrap().to_owned())
        };
        let (code, length, coding) = (
            answer.code,
            field("content-length"),
            field("transfer-encoding"),
        );
        let is_last = field("connection").as_deref() == Some("close");
        let _ = rest.split_to(len);
        if code == Some(100) {
            continue;
        }
        assert_eq!(code, Some(200));
        let mut body = Vec::new();
        if let Some(length) = length {
            body.extend_from_slice(&rest.split_to(length.parse().unwrap()));
        } else {
            assert_eq!(coding.as_deref(), Some("chunked"));
            let mut chunked = Chunked::new();
            while let Some(frame) = chunked.decode(&mut rest).unwrap() {
                body.extend_from_slice(&frame.into_data().unwrap());
            }
            assert!(chunked.is_over());
        }
        answers.push((body, is_last));
    }
    answers
}

/// What is heard on a connection on which all of this is asked.
async fn heard(all: &[Asked], wire: &Wire) -> Vec<u8> {
    let mut asked = all.iter().cloned();
    let (client, mut server) = pair(wire.capacity, move |request| {
        answer(asked.next().unwrap(), request)
    });
    let (mut from, mut to) = tokio::io::split(client);
    let say = async {
        let last = all.len() - 1;
        let each = all.iter().enumerate();
        let said = each.flat_map(|(number, asked)| written(number, asked, number == last));
        let said: Vec<_> = said.collect();
        let mut said = &said[..];
        for size in wire.writes.iter().cycle() {
            let (piece, rest) = said.split_at((*size).min(said.len()));
            // Whoever is not heard out is told so.
            if piece.is_empty() || to.write_all(piece).await.is_err() {
                return;
            }
            said = rest;
            yield_now().await;
        }
    };
    let hear = async {
        let mut heard = Vec::new();
        let mut part = vec![0; wire.reads];
        loop {
            match from.read(&mut part).await.unwrap() {
                0 => return heard,
                len => heard.extend_from_slice(&part[..len]),
            }
            yield_now().await;
        }
    };
    let serve = async {
        let end = run(&mut server).await;
        drop(server);
        end
    };
    let (end, heard, ()) = tokio::join!(serve, hear, say);
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    heard
}

proptest! {
    #[test]
    fn each_answer_is_the_one_to_its_request(all in vec(asked(), 1..8), wire in wire()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        let heard = runtime.unwrap().block_on(async {
            // Only if nobody can do anything any more does any time pass.
            timeout(Duration::from_secs(1), heard(&all, &wire)).await
        });
        let answers = answers(&heard.expect("it does not hang"));
        prop_assert!(!answers.is_empty());
        for (number, (body, is_last)) in answers.iter().enumerate() {
            let expected = match all[number].service {
                Service::Echoes => content(number, &all[number].body),
                _ => format!("/{number}").into_bytes(),
            };
            prop_assert!(*body == expected, "{number}");
            // Whoever is not answered any more is told so.
            prop_assert_eq!(*is_last, number + 1 == answers.len(), "{}", number);
        }
        let all_read = all.iter().all(|asked| {
            let is_read = matches!(asked.service, Service::ReadsAll | Service::Echoes);
            is_read && !(asked.waits && matches!(asked.service, Service::Echoes))
        });
        if all_read {
            prop_assert_eq!(answers.len(), all.len());
        }
    }
}

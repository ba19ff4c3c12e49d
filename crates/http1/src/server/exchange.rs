use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, StatusCode, response::Parts};
use http_body::SizeHint;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    encode::{self, Said},
    ending::{Asked, Method},
    head::Head,
    incoming::{Incoming, Wish},
    spare,
    upload::Upload,
};
use crate::{Failure, Malformed, buffer::Buffer, encoder::Encoder, outgoing::Outgoing};

/// A request, and how far its answer has come.
#[derive(Debug)]
pub(super) struct Exchange {
    asked: Asked,
    /// Absent once all of the request's body has been passed on. Most have none, and are
    /// not to be larger for those that do.
    upload: Option<Box<Upload>>,
    /// The client waits to be told to send its body.
    waits: bool,
    /// The client will not say anything more that could be understood.
    is_deaf: bool,
    pub(super) sending: Sending,
}

#[derive(Debug)]
pub(super) enum Sending {
    /// There is no answer yet.
    Nothing,
    Body(Encoder),
    /// All is there to be written.
    Whole,
    /// Something else is spoken after it.
    Upgrade,
    /// There will be no more of it, for this reason, until it is taken.
    Broken(Option<Failure>),
}

/// What is left of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// Somebody reads it.
    InUse,
    /// Nobody will, and where it ends is not known.
    Left,
}

impl Exchange {
    /// Takes `request` out of what has come, its body as far as it is known. `None` if more
    /// has to come first.
    pub(super) fn begin(
        head: &mut Head,
        read: &mut Buffer,
        request: &mut Request<Incoming>,
    ) -> Result<Option<Self>, Malformed> {
        let Some(fields) = head.parse(read, request, spare::headers)? else {
            return Ok(None);
        };
        *request.extensions_mut() = spare::extensions();
        let version = request.version();
        let upload = fields.framing(version)?.map(|framing| {
            let (upload, incoming) = Upload::new(framing);
            *request.body_mut() = incoming;
            Box::new(upload)
        });
        Ok(Some(Self {
            asked: Asked {
                version,
                method: Method::from(request.method()),
                persists: fields.persists(version),
                takes_trailers: fields.takes_trailers(),
                is_whole: upload.is_none(),
            },
            waits: upload.is_some() && fields.expects_continue(version),
            upload,
            is_deaf: false,
            sending: Sending::Nothing,
        }))
    }

    /// Wishes for the request's body are looked for after this: nobody need be woken for
    /// them.
    pub(super) fn look(&self) {
        if let Some(upload) = &self.upload {
            upload.look();
        }
    }

    /// Writes the head of the answer, whose body is of this size, into memory, and says
    /// whether that follows. `is_last` if no other request is to be taken.
    pub(super) fn answer(
        &mut self,
        head: &Parts,
        size: &SizeHint,
        is_last: bool,
        read: &mut Buffer,
        out: &mut Outgoing,
        cx: &Context<'_>,
    ) -> bool {
        let rest = self.rest(read, cx);
        self.asked.persists &= !is_last && rest != Rest::Left;
        self.asked.is_whole = rest == Rest::Nothing;
        self.sending = match encode::head(head, size, self.asked, out.head()) {
            Ok(Said { encoder, persists }) => {
                self.asked.persists = persists;
                match encoder {
                    Some(encoder) => Sending::Body(encoder),
                    None if head.status == StatusCode::SWITCHING_PROTOCOLS => Sending::Upgrade,
                    None => Sending::Whole,
                }
            }
            Err(unfit) => {
                out.clear();
                Sending::Broken(Some(unfit.into()))
            }
        };
        matches!(self.sending, Sending::Body(_))
    }

    /// Whether another request may follow.
    pub(super) const fn persists(&self) -> bool {
        self.asked.persists
    }

    /// Whether what comes now is not a part of this exchange.
    pub(super) const fn is_heard_out(&self) -> bool {
        self.upload.is_none() && !self.is_deaf
    }

    /// Passes on what somebody wants of the request's body, and says whether that was
    /// something.
    pub(super) fn pass_on<T>(
        &mut self,
        stream: &mut T,
        read: &mut Buffer,
        out: &mut Outgoing,
        cx: &mut Context<'_>,
    ) -> bool
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(upload) = &mut self.upload else {
            return false;
        };
        if upload.wish(cx) != Wish::More {
            return false;
        }
        // RFC 9110 §10.1.1: "A server MAY omit sending a 100 (Continue) response if it has
        // already received some or all of the content for the corresponding request".
        if mem::take(&mut self.waits) && read.is_empty() && matches!(self.sending, Sending::Nothing)
        {
            out.push_str("HTTP/1.1 100 Continue\r\n\r\n");
            // What cannot be written now is with the next poll, as is why it cannot.
            let _ = out.poll_write(Pin::new(&mut *stream), cx);
        }
        match upload.poll_pass(read, stream, cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(())) => {
                self.is_deaf = true;
                self.asked.persists = false;
            }
            Poll::Pending => return upload.is_abandoned(cx),
        }
        self.upload.take_if(|upload| upload.is_over());
        true
    }

    /// What stands between this exchange and the next one.
    pub(super) fn rest(&mut self, read: &mut Buffer, cx: &Context<'_>) -> Rest {
        let Some(upload) = &mut self.upload else {
            return if self.is_deaf {
                Rest::Left
            } else {
                Rest::Nothing
            };
        };
        if upload.wish(cx) != Wish::Peace {
            // Who has not been told to send its body may or may not do so.
            return if self.waits { Rest::Left } else { Rest::InUse };
        }
        if upload.skip(read) {
            self.upload = None;
            return Rest::Nothing;
        }
        Rest::Left
    }
}

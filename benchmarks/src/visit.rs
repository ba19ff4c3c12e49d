use std::net::SocketAddr;

use http::{Request, StatusCode, header::HOST, response};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

/// A visitor of a page, on a connection of his own. Gives the head of the answer once
/// all of it has come.
///
/// # Errors
///
/// If there is none, or not all of it, or it is no page.
pub(crate) async fn visit(address: SocketAddr) -> Result<response::Parts> {
    let stream = TcpStream::connect(address).await?;
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the exchange.
    tokio::spawn(connection);
    let request = Request::get("/").header(HOST, address.to_string());
    let response = send
        .send_request(request.body(Empty::<Bytes>::new())?)
        .await?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answers {}", response.status()).into());
    }
    let (head, body) = response.into_parts();
    body.collect().await?;
    Ok(head)
}

/// What a share of `sorted`, from 0 to 1, does not exceed; `None` if there is nothing.
pub(crate) fn percentile<T>(sorted: &[T], share: f64) -> Option<&T> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some thousands"
    )]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_what_so_many_did_not_exceed() {
        let times: Vec<_> = (1..=200).collect();
        for (share, expected) in [(0.0, 1), (0.5, 100), (0.99, 198), (1.0, 200)] {
            assert_eq!(percentile(&times, share), Some(&expected), "{share}");
        }
        assert_eq!(percentile::<u32>(&[], 0.5), None);
    }
}

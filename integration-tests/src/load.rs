//! Clients that ask again and again while something happens to the server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{Method, StatusCode};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    client::{self, request},
    wait,
};

/// Clients that ask for one page as soon as they have it, each of which must be
/// there whole and be `200`.
#[derive(Debug)]
pub struct Load {
    tally: watch::Sender<Tally>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    failure: Option<String>,
}

impl Load {
    /// `clients` of them, who ask `server` for `path`.
    pub fn start(server: SocketAddr, path: &'static str, clients: usize) -> Self {
        let mut load = Self {
            tally: watch::Sender::new(Tally::default()),
            stop: Arc::default(),
            clients: JoinSet::new(),
        };
        for _ in 0..clients {
            let (tally, stop) = (load.tally.clone(), Arc::clone(&load.stop));
            load.clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = client::try_fetch(server, request(Method::GET, path)).await;
                    tally.send_modify(|tally| match answer {
                        Ok(page) if page.status == StatusCode::OK => tally.answered += 1,
                        other => tally.failure = Some(format!("{other:?}")),
                    });
                }
            });
        }
        load
    }

    /// Waits for `count` further answers.
    ///
    /// # Panics
    ///
    /// If one is missing or wrong.
    pub async fn answers(&self, count: usize) {
        let mut tally = self.tally.subscribe();
        let goal = tally.borrow().answered + count;
        let enough = tally.wait_for(|tally| tally.answered >= goal || tally.failure.is_some());
        let tally = wait::bounded("further answers", enough)
            .await
            .expect("we hold the sender");
        assert_eq!(tally.failure, None);
    }

    /// Lets all clients come to an end.
    ///
    /// # Panics
    ///
    /// If any answer was missing or wrong.
    pub async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.expect("clients come to an end");
        }
        assert_eq!(self.tally.borrow().failure, None);
    }
}

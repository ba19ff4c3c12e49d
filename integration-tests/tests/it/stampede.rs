//! Everyone asks for one page, and nobody has it.

use http::{Method, StatusCode};
use std::collections::HashSet;

use integration_tests::{
    client::{self, request},
    processes,
};
use tokio::task::JoinSet;

use crate::unruly;

const CROWD: usize = 1000;

#[tokio::test]
async fn a_thousand_clients_who_ask_for_one_missing_page_are_one_request() {
    processes::open_as_many_files_as_allowed();
    let server = unruly::start(&[]).await;
    let address = server.address();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let ask = request(Method::GET, "/slowly/Cache-Control=public,max-age=60");
        crowd.spawn(client::try_fetch(address, ask));
    }
    let pages = crowd.join_all().await;
    let pages: HashSet<_> = pages
        .into_iter()
        .map(|page| page.expect("an answer"))
        .map(|page| (page.status, page.body))
        .collect();
    // Each page says which request it is the answer to.
    assert_eq!(pages.len(), 1, "{pages:?}");
    let (status, _) = pages.iter().next().unwrap();
    assert_eq!(*status, StatusCode::OK, "{pages:?}");
}

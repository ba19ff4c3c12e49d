//! When a connection is not for another request.

use super::*;

/// RFC 9110 §15.2: the client would go on waiting, and take the next answer for this one.
#[tokio::test]
async fn an_interim_answer_is_not_followed_by_the_answer_to_another_request() {
    for interim in [100, 102, 103, 199] {
        let mut answers = vec![page("of somebody else"), status(interim)];
        let twice = [GET, GET].concat();
        let (end, heard) = all_of(&twice, |_| ready(answers.pop().unwrap())).await;
        assert!(matches!(end, Err(Failure::Body(_))), "{interim}: {end:?}");
        assert_eq!(heard, "", "{interim}");
        assert_eq!(answers.len(), 1, "{interim}");
    }
}

use http::Extensions;

/// What is likely to be alike in what it answers: the route that axum has found for
/// the request with these `extensions`, with its parameters' names, and otherwise the
/// first two segments of its `path` without the last one (`/api/users` of
/// `/api/users/7/posts`).
pub(super) fn of<'a>(path: &'a str, extensions: &'a Extensions) -> &'a str {
    matched(extensions).unwrap_or_else(|| leading_segments(path))
}

#[cfg(feature = "axum")]
fn matched(extensions: &Extensions) -> Option<&str> {
    let matched = extensions.get::<axum::extract::MatchedPath>()?;
    Some(matched.as_str())
}

#[cfg(not(feature = "axum"))]
fn matched(_: &Extensions) -> Option<&str> {
    None
}

fn leading_segments(path: &str) -> &str {
    let (mut slashes, mut end) = (0, 0);
    for (at, byte) in path.bytes().enumerate() {
        if byte == b'/' {
            slashes += 1;
            // The second or, if there is one, the third.
            if slashes > 1 {
                end = at;
            }
            if slashes == 3 {
                break;
            }
        }
    }
    &path[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_segments_of_a_path() {
        let cases = [
            ("/", ""),
            ("/login", ""),
            ("*", ""),
            ("/articles/", "/articles"),
            ("/articles/7", "/articles"),
            ("/api/users/7", "/api/users"),
            ("/api/users/7/posts", "/api/users"),
            ("//x", "/"),
        ];
        for (path, leading) in cases {
            assert_eq!(leading_segments(path), leading, "{path}");
        }
    }

    #[cfg(feature = "axum")]
    #[tokio::test]
    async fn axum_says_which_route_it_is() {
        use axum::{Router, extract::Request, middleware, routing::get};
        use tower::ServiceExt;

        let app = Router::new()
            .route("/t/{slug}", get(|| async {}))
            .layer(middleware::from_fn(
                |request: Request, _: middleware::Next| async move {
                    of(request.uri().path(), request.extensions()).to_owned()
                },
            ));
        let request = Request::get("/t/hello").body(axum::body::Body::empty());
        let response = app.oneshot(request.unwrap()).await.unwrap();
        let route = axum::body::to_bytes(response.into_body(), 100)
            .await
            .unwrap();
        assert_eq!(route, "/t/{slug}");
    }
}

//! Who uses the forum with a plain HTTP client, as a browser without JavaScript
//! does; and what the application notices of it.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION},
};
use integration_tests::{Server, client::Page, client::request};

/// The password of everybody who is in the forum from the start.
pub(crate) const PASSWORD: &str = "passenger";

/// One who reads and writes in the forum.
pub(crate) struct Reader<'a> {
    server: &'a Server,
    /// The session, as its cookie.
    pub(crate) cookie: Option<String>,
}

impl<'a> Reader<'a> {
    /// One who has not logged in.
    pub(crate) fn visitor(server: &'a Server) -> Self {
        let cookie = None;
        Self { server, cookie }
    }

    /// One of those who are there from the start.
    pub(crate) async fn logged_in(server: &'a Server, name: &str) -> Self {
        let mut reader = Self::visitor(server);
        let form = format!("name={name}&password={PASSWORD}");
        let answer = reader.post("/login", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let cookie = answer.header("set-cookie");
        let (cookie, _) = cookie
            .split_once(';')
            .unwrap_or_else(|| panic!("{answer:?}"));
        reader.cookie = Some(cookie.to_owned());
        reader
    }

    /// The page at `path`.
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.server
            .send(self.with_cookie(request(Method::GET, path)))
            .await
    }

    /// What becomes of a form that is sent to `path`.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Page {
        self.post_with(path, form, &[]).await
    }

    /// The same, with these fields.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        form: &str,
        fields: &[(&'static str, &'static str)],
    ) -> Page {
        let form = Bytes::copy_from_slice(form.as_bytes());
        let mut post = request(Method::POST, path).map(|_| form);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        post.headers_mut().insert(CONTENT_TYPE, kind);
        for (name, value) in fields {
            post.headers_mut()
                .insert(*name, HeaderValue::from_static(value));
        }
        self.server.send(self.with_cookie(post)).await
    }

    /// The page that one is sent to.
    pub(crate) async fn follow(&self, answer: &Page) -> Page {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let there = answer.header(LOCATION.as_str());
        let path = there.split('#').next().unwrap();
        self.get(path).await
    }

    fn with_cookie(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        if let Some(cookie) = &self.cookie {
            let cookie = HeaderValue::from_str(cookie).unwrap();
            request.headers_mut().insert(COOKIE, cookie);
        }
        request
    }
}

/// How many requests have reached the application's processes, once all that were
/// sent are answered.
pub(crate) async fn reached(server: &Server) -> u64 {
    server.in_flight(0).await;
    let status = server.status().await;
    let processes = status["applications"][0]["pool"]["processes"]
        .as_array()
        .unwrap();
    processes
        .iter()
        .map(|process| process["processed"].as_u64().unwrap())
        .sum()
}

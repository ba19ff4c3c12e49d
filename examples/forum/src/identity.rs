//! Who asks?

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderName, HeaderValue, header::COOKIE};

use crate::{
    Forum,
    level::Level,
    moment::Moment,
    problem::Problem,
    store::{Person, sessions},
    token::{Token, TokenHash},
};

/// The cookie that holds the token of a session.
pub(crate) const SESSION: &str = "session";

/// What tells the server, and nobody behind it, for whom an answer was rendered.
const RENDERED_FOR: HeaderName = HeaderName::from_static("!~rendered-for");

/// What tells it that all of a level are to be asked for anew.
const FORGET_RENDERED_FOR: HeaderName = HeaderName::from_static("!~forget-rendered-for");

/// Where the server says how its client came to it.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who asks, as far as we know. In the extensions of every request.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) person: Option<Person>,
    /// What he shows to be known, whether that is worth anything or not.
    pub(crate) token: Option<TokenHash>,
    over_tls: bool,
}

impl Viewer {
    pub(crate) fn level(&self) -> Level {
        self.person
            .as_ref()
            .map_or(Level::Visitor, |person| person.level)
    }

    /// The cookie of a new session.
    pub(crate) fn session_cookie(&self, token: &Token) -> HeaderValue {
        self.cookie(token.as_str(), Duration::weeks(2))
    }

    /// What takes it away.
    pub(crate) fn no_session_cookie(&self) -> HeaderValue {
        self.cookie("", Duration::ZERO)
    }

    fn cookie(&self, value: &str, max_age: Duration) -> HeaderValue {
        let cookie = Cookie::build((SESSION, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.over_tls)
            .max_age(max_age)
            .build();
        HeaderValue::try_from(cookie.to_string()).expect("tokens are Base64")
    }
}

/// Finds out who asks, and says with the answer, whatever it is, for which level it
/// was rendered.
pub(crate) async fn identify(
    State(forum): State<Forum>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = token(request.headers());
    let person = match token.clone() {
        None => None,
        Some(token) => {
            let found = forum
                .store
                .read(move |connection| sessions::person(connection, &token, Moment::now()))
                .await;
            match found {
                Ok(person) => person,
                // Nobody knows for whom that is.
                Err(error) => return Problem::from(error).into_response(),
            }
        }
    };
    let over_tls = request
        .headers()
        .get(FORWARDED_PROTO)
        .is_some_and(|proto| proto == "https");
    let viewer = Viewer {
        person,
        token,
        over_tls,
    };
    let rendered_for = match (&viewer.token, viewer.level()) {
        (None, _) => None,
        // A session that has ended, or never was one, sees what visitors see.
        (Some(_), Level::Visitor) => Some(HeaderValue::from_static("")),
        (Some(_), level) => Some(HeaderValue::from_static(level.as_str())),
    };
    request.extensions_mut().insert(viewer);
    let mut response = next.run(request).await;
    if let Some(level) = rendered_for {
        response.headers_mut().insert(RENDERED_FOR, level);
    }
    response
}

/// What an answer says that changes the level of somebody else, whose sessions it
/// does not know: whoever is remembered to be on `level` may not be any more.
pub(crate) fn forget(level: Level) -> [(HeaderName, HeaderValue); 1] {
    let level = HeaderValue::from_static(level.as_str());
    [(FORGET_RENDERED_FOR, level)]
}

fn token(headers: &HeaderMap) -> Option<TokenHash> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == SESSION && !cookie.value().is_empty())
        .map(|cookie| TokenHash::of(cookie.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_by_its_cookie_alone() {
        let cases: [(&str, &[&str], Option<&str>); 6] = [
            ("no cookies", &[], None),
            ("others", &["_ga=1; lang=en"], None),
            (
                "among others",
                &["_ga=1; session=abc; lang=en"],
                Some("abc"),
            ),
            ("on another line", &["_ga=1", "session=abc"], Some("abc")),
            ("empty", &["session="], None),
            ("in another case", &["Session=abc"], None),
        ];
        for (name, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(token(&headers), expected.map(TokenHash::of), "{name}");
        }
    }

    #[test]
    fn a_session_s_cookie_is_for_this_site_and_for_no_script() {
        let viewer = |over_tls| Viewer {
            person: None,
            token: None,
            over_tls,
        };
        let token = Token::random();
        let plain = viewer(false).session_cookie(&token);
        let plain = plain.to_str().unwrap();
        assert!(plain.contains("; HttpOnly; SameSite=Lax; "), "{plain}");
        assert!(!plain.contains("Secure"), "{plain}");
        let secure = viewer(true).session_cookie(&token);
        assert!(secure.to_str().unwrap().contains("; Secure"), "{secure:?}");
    }
}

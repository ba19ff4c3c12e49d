use clap::ValueEnum;
use http::Method;
use serde::Serialize;

/// One in so many hits may be none: an entry is fetched again now and then.
pub(crate) const AGAIN: u64 = 1000;

/// What is asked of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scenario {
    /// A page that is in its cache.
    Hit,
    /// A page that may not be stored: every request goes to the application.
    Proxied,
    /// The same, asked for in a way that no cache answers and that may change
    /// what is stored.
    Posted,
}

impl Scenario {
    pub(crate) const ALL: [Self; 3] = [Self::Hit, Self::Proxied, Self::Posted];

    /// Where the application has such a page.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Hit => "/hit",
            Self::Proxied => "/proxied",
            Self::Posted => "/posted",
        }
    }

    /// How it is asked for.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Hit | Self::Proxied => Method::GET,
            Self::Posted => Method::POST,
        }
    }

    /// What the application says about storing it.
    pub(crate) const fn cache_control(self) -> &'static str {
        match self {
            Self::Hit => "public, max-age=3600",
            Self::Proxied | Self::Posted => "no-store",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Hit => "Cached page",
            Self::Proxied => "Proxied page",
            Self::Posted => "Posted form",
        }
    }

    /// Whether so many `requests` of a client are what this scenario is about,
    /// given that so many of them `reached` the application. Of hits, one in `again` may.
    pub(crate) fn verify(self, requests: u64, reached: u64, again: u64) -> Result<(), String> {
        match self {
            Self::Hit if reached * again > requests => Err(format!(
                "{reached} of {requests} requests for the cached page reached the application"
            )),
            // More may reach it than the client has waited for.
            Self::Proxied | Self::Posted if reached < requests => Err(format!(
                "only {reached} of {requests} requests reached the application"
            )),
            Self::Hit | Self::Proxied | Self::Posted => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reached_the_application_tells_whether_the_scenario_was_played() {
        let cases = [
            ("all hits", Scenario::Hit, 5000, 0, true),
            ("fetched again", Scenario::Hit, 5000, 5, true),
            ("half a cache", Scenario::Hit, 5000, 2500, false),
            ("no cache", Scenario::Hit, 10, 10, false),
            ("one miss of few", Scenario::Hit, 10, 1, false),
            ("all proxied", Scenario::Proxied, 5000, 5000, true),
            ("some unfinished", Scenario::Proxied, 5000, 5064, true),
            ("a cached one", Scenario::Proxied, 5000, 4999, false),
            ("all posted", Scenario::Posted, 5000, 5000, true),
            ("an answered one", Scenario::Posted, 5000, 4999, false),
        ];
        for (name, scenario, requests, reached, expected) in cases {
            let verdict = scenario.verify(requests, reached, AGAIN);
            assert_eq!(verdict.is_ok(), expected, "{name}: {verdict:?}");
        }
    }
}

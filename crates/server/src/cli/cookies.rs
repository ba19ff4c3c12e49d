use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::cookie_name;

/// What pages depend on besides their addresses.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pages for users")]
pub(crate) struct CookieOptions {
    /// Keep pages in memory for visitors only: requests with this cookie always
    /// reach the application; repeatable
    ///
    /// Always safe. Name every cookie by which the application knows somebody.
    /// Without any of these options, pages for users are safe as far as the
    /// application says that they are private.
    #[arg(
        long,
        value_name = "COOKIE",
        value_parser = cookie_name,
        conflicts_with_all = [
            "vary_turbocache_by_session", "vary_turbocache_by_signed_cookie",
            "vary_turbocache_by_cookie",
        ],
    )]
    pub(crate) turbocache_without_cookie: Vec<String>,

    /// Keep pages of their own for those whom the application names, and knows by
    /// this cookie; repeatable
    ///
    /// The application says for whom it has rendered an answer by the response
    /// header `!~Rendered-For: NAME`, which never leaves the server. NAME may be a
    /// user or a group that sees the same pages, and has to hold for the session on
    /// every page.
    #[arg(
        long,
        value_name = "COOKIE",
        value_parser = cookie_name,
        conflicts_with_all = ["vary_turbocache_by_signed_cookie", "vary_turbocache_by_cookie"],
    )]
    pub(crate) vary_turbocache_by_session: Vec<String>,

    /// Keep pages of their own for each value of this cookie that the application
    /// has signed
    ///
    /// The key is read from --cookie-key-file or from the variable
    /// PEREGRINE_COOKIE_KEY.
    #[arg(
        long,
        value_name = "COOKIE",
        value_parser = cookie_name,
        requires = "cookie_key_kind",
        conflicts_with = "vary_turbocache_by_cookie",
    )]
    pub(crate) vary_turbocache_by_signed_cookie: Option<String>,

    /// Keep pages of their own for each value of this cookie, whoever sends it. Not
    /// safe: needs --i-trust-clients
    ///
    /// Whoever makes up the cookie of another user gets that user's pages, as with
    /// Passenger's option of this name.
    #[arg(long, value_name = "COOKIE", value_parser = cookie_name)]
    pub(crate) vary_turbocache_by_cookie: Option<String>,

    /// Every client may see the pages of every other, or a proxy in front makes the
    /// cookie and drops those that clients send
    #[arg(long, requires = "vary_turbocache_by_cookie")]
    pub(crate) i_trust_clients: bool,

    /// A cookie that anybody may choose freely, such as a language, by which pages
    /// differ as well; repeatable
    #[arg(long, value_name = "COOKIE", value_parser = cookie_name)]
    pub(crate) vary_turbocache_by_preference: Vec<String>,

    /// Who signs the cookie, and how
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        requires = "vary_turbocache_by_signed_cookie"
    )]
    pub(crate) cookie_key_kind: Option<CookieKeyKind>,

    /// The keys that sign the cookie, one in each line, the newest first: in
    /// Base64, or for Rails its secret_key_base [default: what is in
    /// PEREGRINE_COOKIE_KEY]
    #[arg(
        long,
        value_name = "PATH",
        requires = "vary_turbocache_by_signed_cookie"
    )]
    pub(crate) cookie_key_file: Option<PathBuf>,
}

/// `--cookie-key-kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CookieKeyKind {
    /// SignedCookieJar of axum-extra, or SignedJar of the cookie crate
    SignedJar,
    /// PrivateCookieJar of axum-extra, or PrivateJar of the cookie crate
    PrivateJar,
    /// cookies.signed of Rails with the defaults of 5.2 to 6.1
    #[value(name = "rails-5.2")]
    Rails5_2,
    /// The same with signed_cookie_digest SHA256
    #[value(name = "rails-5.2-sha256")]
    Rails5_2Sha256,
    /// cookies.signed of Rails with the defaults of 7.0 or later
    #[value(name = "rails-7")]
    Rails7,
    /// The same with signed_cookie_digest SHA256
    #[value(name = "rails-7-sha256")]
    Rails7Sha256,
}

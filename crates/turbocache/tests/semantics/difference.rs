use crate::{Verdict, case::Case};

/// Why we differ from `http-cache-semantics`, and why that is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Names of directives have no case (RFC 9111 §5.2). They know the lower case
    /// only, so `PRIVATE` is nothing to them, and `Max-Age` neither.
    DirectiveInAnotherCase,
    /// `no-cache` and `private` with field names are about these fields (§5.2.2.4,
    /// §5.2.2.7). They take them for all of the response.
    FieldNames,
    /// A number that is too great is a very great one (§1.2.2). To them it is 0.
    NumberTooGreat,
    /// Two different lifetimes: we go by none of them (§4.2.1), they by the first,
    /// with `must-revalidate`.
    TwoLifetimes,
    /// `proxy-revalidate` forbids that it is used stale (§5.2.2.8). They do not use
    /// it fresh, either.
    ProxyRevalidate,
    /// `no-store` does not count beside a `must-understand` that is understood
    /// (§5.2.2.3). They do not know it.
    MustUnderstand,
    /// `immutable` is about what is fresh (RFC 8246 §2): no client is to ask for it
    /// anew. They take it for a lifetime of a day, even if `Expires` says that it
    /// is over.
    Immutable,
    /// RFC 5861 §3. They do not know it.
    StaleWhileRevalidate,
    /// RFC 9213. They do not know it.
    TargetedField,
    /// RFC 9110 §5.6.7 has three forms of a date. They know one.
    DateInAnotherForm,
    /// What `Date` says of the age (§4.2.3). They go by `Age` alone.
    ApparentAge,
    /// The first member of an `Age` with several counts (§5.1). To them none does.
    AgeTwice,
    /// Any final status may be stored with an explicit lifetime (§3). They know
    /// some.
    Status,
    /// A stored `GET` answers a `HEAD` (§4); to them it doesn't.
    HeadFromGet,
    /// They store what a `POST` or `HEAD` brought, for the next one. We don't: the
    /// former acts on the application, the latter has nothing to be reused.
    OtherMethod,
    /// A response with a cookie is one client's. They share it if it is `public`
    /// or `immutable`; we never do.
    SetCookie,
    /// What was sent to one with a cookie, and says nothing, is not for all: we
    /// guess no lifetime. They do.
    GuessForOneWithCookie,
    /// What is stored for a client who does not say who he is is for one who does
    /// only if it says so (§3.5, the other way round). They do not ask.
    Authorization,
    /// `Pragma` in a request: deprecated (§5.4), and ignored by us, even where the
    /// client's wishes are honoured otherwise. They obey.
    PragmaInRequest,
    /// A client that takes a stale response does not get what must not be used
    /// without validation (§5.2.1.2, §4.2.4). From them it gets what is
    /// `no-cache`, has an `s-maxage`, or a lifetime that cannot be read.
    MaxStale,
}

impl Difference {
    pub(crate) const ALL: [Self; 20] = [
        Self::DirectiveInAnotherCase,
        Self::FieldNames,
        Self::NumberTooGreat,
        Self::TwoLifetimes,
        Self::ProxyRevalidate,
        Self::MustUnderstand,
        Self::Immutable,
        Self::StaleWhileRevalidate,
        Self::TargetedField,
        Self::DateInAnotherForm,
        Self::ApparentAge,
        Self::AgeTwice,
        Self::Status,
        Self::HeadFromGet,
        Self::OtherMethod,
        Self::SetCookie,
        Self::GuessForOneWithCookie,
        Self::Authorization,
        Self::PragmaInRequest,
        Self::MaxStale,
    ];

    /// The reason for these verdicts on `case`, if there is one.
    pub(crate) fn of(case: &Case, ours: Verdict, theirs: Verdict) -> Option<Self> {
        let direction = match (ours.reused, theirs.reused) {
            (Some(_), Some(_)) => Direction::Age,
            (Some(_), None) => Direction::We,
            (None, _) => Direction::They,
        };
        Self::ALL
            .into_iter()
            .find(|difference| difference.explains(case, direction))
    }

    fn explains(self, case: &Case, direction: Direction) -> bool {
        use Direction::{Age, They, We};

        let first = case.first.method;
        let wish = case.second.value("cache-control").unwrap_or_default();
        match self {
            Self::DirectiveInAnotherCase => {
                case.says("PRIVATE") && direction == They || case.says("Max-Age=60")
            }
            Self::FieldNames => {
                direction == We
                    && (case.says("private=\"x-secret\"") || case.says("no-cache=\"x-secret\""))
            }
            Self::NumberTooGreat => direction == We && case.says("max-age=9999999999999999999999"),
            Self::TwoLifetimes => direction == They && case.lifetimes() > 1,
            Self::ProxyRevalidate => direction == We && case.says("proxy-revalidate"),
            Self::MustUnderstand => direction == We && case.says("no-store, must-understand"),
            Self::Immutable => {
                let wanted = wish.starts_with("max-age") || wish == "no-cache";
                let unsaid = direction == They && case.lifetimes() == 0;
                case.says("immutable") && (unsaid || (direction == We && wanted))
            }
            Self::StaleWhileRevalidate => {
                direction == We && case.says("stale-while-revalidate=100")
            }
            Self::TargetedField => case.has("cdn-cache-control"),
            Self::DateInAnotherForm => {
                direction == We
                    && case
                        .value("expires")
                        .is_some_and(|date| date.starts_with("Sunday"))
            }
            Self::ApparentAge => direction != We && case.date_is_in_the_past(),
            Self::AgeTwice => {
                (direction == Age || direction == They) && case.value("age") == Some("5, 100")
            }
            Self::Status => direction == We && matches!(case.status, 500 | 299),
            Self::HeadFromGet => direction == We && case.second.method == "HEAD",
            Self::OtherMethod => direction == They && first != "GET" && first == case.second.method,
            Self::SetCookie => {
                direction == They
                    && case.has("set-cookie")
                    && (case.says("public") || case.says("immutable"))
            }
            Self::GuessForOneWithCookie => {
                direction == They
                    && case.first.has("cookie")
                    && case.lifetimes() == 0
                    && !case.has("expires")
            }
            Self::Authorization => direction == They && case.second.has("authorization"),
            Self::PragmaInRequest => {
                direction == We && case.second.value("pragma") == Some("no-cache")
            }
            Self::MaxStale => direction == They && wish.starts_with("max-stale"),
        }
    }
}

/// Who uses the response where the other does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    We,
    They,
    /// Both do, and say that it is of different ages.
    Age,
}

use std::{
    sync::Mutex,
    time::{Instant, SystemTime},
};

use cookie::{Cookie, CookieJar, Key};
use http::{HeaderValue, StatusCode, header::COOKIE};
use peregrine_core::{TargetOrigin, VariantName};

use super::*;

struct MovedClock {
    start: Instant,
    by: Mutex<Duration>,
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start + *self.by.lock().unwrap()
    }
}

fn rules(trust: Trust) -> Rules {
    Rules::new(settings(trust))
}

fn settings(trust: Trust) -> Settings {
    Settings::new(trust, vec![CookieName::new("session")])
}

fn request(cookies: &str) -> Request<()> {
    let mut request = Request::new(());
    request
        .headers_mut()
        .insert("host", HeaderValue::from_static("forum.example"));
    if !cookies.is_empty() {
        request
            .headers_mut()
            .insert(COOKIE, cookies.parse().unwrap());
    }
    request
}

fn variant(rules: &Rules, cookies: &str) -> Variant {
    rules.ask(&request(cookies)).variant
}

/// An answer to `request`, and what it is said to be rendered for.
fn answer(
    rules: &Rules,
    request: &Request<()>,
    fields: &[(&'static str, &str)],
) -> Option<RenderedFor> {
    answer_with(rules, request, StatusCode::OK, fields)
}

fn answer_with(
    rules: &Rules,
    request: &Request<()>,
    status: StatusCode,
    fields: &[(&'static str, &str)],
) -> Option<RenderedFor> {
    let asked = rules.ask(request);
    let mut response = Response::new(());
    *response.status_mut() = status;
    for (name, value) in fields {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    rules.hear(Some(&asked.exchange), &mut response);
    assert!(!response.headers().contains_key(&RENDERED_FOR));
    assert!(!response.headers().contains_key(&FORGET_RENDERED_FOR));
    response.extensions_mut().remove()
}

fn is_pass(variant: &Variant) -> bool {
    matches!(variant, Variant::Pass(_))
}

#[test]
fn visitors_share_a_variant_in_every_mode() {
    let key = Verifier::from(Key::generate());
    for trust in [
        Trust::Nobody,
        Trust::Application,
        Trust::Key(key),
        Trust::Everybody,
    ] {
        let rules = rules(trust);
        let visitors = variant(&rules, "");
        assert_eq!(visitors, Variant::Known(VariantName::new("v")));
        for cookies in ["_ga=1", "_ga=2; theme=dark", "session=", "session=; _ga=1"] {
            let asked = rules.ask(&request(cookies));
            assert_eq!(asked.variant, visitors, "{cookies}");
            assert_eq!(asked.audience, Audience::Visitors, "{cookies}");
        }
    }
}

#[test]
fn doubtful_cookies_pass_in_every_mode() {
    let key = Verifier::from(Key::generate());
    for trust in [
        Trust::Nobody,
        Trust::Application,
        Trust::Key(key),
        Trust::Everybody,
    ] {
        let rules = rules(trust);
        for cookies in [
            "session=1; session=2",
            "Session=1",
            "session=\"1\"",
            "a=b, session=1",
        ] {
            let asked = rules.ask(&request(cookies));
            assert!(is_pass(&asked.variant), "{cookies}: {:?}", asked.variant);
            assert_eq!(asked.audience, Audience::SomeOnly, "{cookies}");
            let said = answer(&rules, &request(cookies), &[("!~rendered-for", "staff")]);
            assert_eq!(asked.variant.stored_under(said.as_ref()), None, "{cookies}");
        }
    }
}

#[test]
fn whoever_has_a_session_passes_where_nobody_is_trusted() {
    let rules = rules(Trust::Nobody);
    let asked = rules.ask(&request("_ga=1; session=1"));
    assert_eq!(asked.variant, Variant::Pass("session-cookie"));
    assert_eq!(asked.audience, Audience::SomeOnly);
}

#[test]
fn a_claim_counts_as_it_is_where_everybody_is_trusted() {
    let rules = rules(Trust::Everybody);
    assert_eq!(
        variant(&rules, "session=1"),
        variant(&rules, "a=b; session=1")
    );
    assert_ne!(variant(&rules, "session=1"), variant(&rules, "session=2"));
    assert_ne!(variant(&rules, "session=v"), variant(&rules, ""));
}

#[test]
fn a_claim_counts_with_the_signature_of_the_key() {
    let (key, other) = (Key::generate(), Key::generate());
    let rules = rules(Trust::Key(Verifier::from(key.clone())));
    let signed = |key: &Key, value: &'static str| {
        let mut jar = CookieJar::new();
        jar.signed_mut(key).add(Cookie::new("session", value));
        jar.get("session").unwrap().encoded().to_string()
    };
    let one = variant(&rules, &signed(&key, "1"));
    assert!(matches!(one, Variant::Known(_)), "{one:?}");
    assert_eq!(
        one,
        variant(&rules, &format!("_ga=1; {}", signed(&key, "1")))
    );
    assert_ne!(one, variant(&rules, &signed(&key, "2")));
    for forged in [signed(&other, "1"), "session=1".to_owned()] {
        let variant = variant(&rules, &forged);
        assert_eq!(variant, Variant::Pass("bad-cookie-signature"), "{forged}");
    }
}

#[test]
fn a_claim_counts_once_the_application_has_answered_it() {
    let rules = rules(Trust::Application);
    let alice = request("session=alice");
    assert_eq!(rules.ask(&alice).variant, Variant::ToldByResponse);
    let said = answer(&rules, &alice, &[("!~rendered-for", "staff")]);
    let known = rules.ask(&alice).variant;
    assert_eq!(known.stored_under(None), known.stored_under(said.as_ref()));
    assert!(matches!(known, Variant::Expected(_)), "{known:?}");

    // All staff share one variant; a made up session is nobody's.
    let bob = request("session=bob");
    assert_eq!(rules.ask(&bob).variant, Variant::ToldByResponse);
    answer(&rules, &bob, &[("!~rendered-for", "staff")]);
    assert_eq!(rules.ask(&bob).variant, known);
    assert_eq!(variant(&rules, "session=staff"), Variant::ToldByResponse);
}

#[test]
fn a_session_answered_as_for_visitors_shares_their_variant() {
    let rules = rules(Trust::Application);
    answer(
        &rules,
        &request("session=expired"),
        &[("!~rendered-for", "")],
    );
    let asked = rules.ask(&request("session=expired"));
    assert_eq!(asked.variant.name(), variant(&rules, "").name());
    assert_eq!(asked.audience, Audience::SomeOnly, "it may log in");
}

#[test]
fn what_the_application_says_is_forgotten_when_it_says_otherwise() {
    type Case<'a> = (
        &'a str,
        &'a str,
        StatusCode,
        &'a [(&'static str, &'a str)],
        bool,
    );
    let cases: [Case<'_>; 8] = [
        (
            "the same again",
            "GET",
            StatusCode::OK,
            &[("!~rendered-for", "staff")],
            true,
        ),
        (
            "public",
            "GET",
            StatusCode::OK,
            &[("cache-control", "public")],
            true,
        ),
        ("broken", "GET", StatusCode::BAD_GATEWAY, &[], true),
        ("nothing said", "GET", StatusCode::OK, &[], false),
        ("a redirect", "GET", StatusCode::SEE_OTHER, &[], false),
        (
            "a logout",
            "POST",
            StatusCode::OK,
            &[("cache-control", "public")],
            false,
        ),
        (
            "the cookie taken away",
            "GET",
            StatusCode::OK,
            &[
                ("!~rendered-for", "staff"),
                ("set-cookie", "session=; Max-Age=0"),
            ],
            false,
        ),
        (
            "two names",
            "GET",
            StatusCode::OK,
            &[("!~rendered-for", "staff"), ("!~rendered-for", "member")],
            false,
        ),
    ];
    for (name, method, status, fields, kept) in cases {
        let rules = rules(Trust::Application);
        let mut alice = request("session=alice");
        answer(&rules, &alice, &[("!~rendered-for", "staff")]);
        *alice.method_mut() = method.parse().unwrap();
        answer_with(&rules, &alice, status, fields);
        let known = matches!(rules.ask(&alice).variant, Variant::Expected(_));
        assert_eq!(known, kept, "{name}");
    }
}

#[test]
fn a_page_rendered_for_another_level_is_stored_for_nobody() {
    let rules = rules(Trust::Application);
    let alice = request("session=alice");
    answer(&rules, &alice, &[("!~rendered-for", "staff")]);
    let staff = rules.ask(&alice).variant;
    let said = answer(&rules, &alice, &[("!~rendered-for", "member")]);
    assert_eq!(staff.stored_under(said.as_ref()), None);
    let silent = answer(&rules, &alice, &[]);
    assert_eq!(staff.stored_under(silent.as_ref()), None);

    let visitors = variant(&rules, "");
    let said = answer(&rules, &request(""), &[("!~rendered-for", "member")]);
    assert_eq!(visitors.stored_under(said.as_ref()), None);
}

#[test]
fn sessions_are_those_of_one_site() {
    let rules = rules(Trust::Application);
    answer(
        &rules,
        &request("session=alice"),
        &[("!~rendered-for", "staff")],
    );
    let on = |name: &'static str, value: &'static str| {
        let mut request = request("session=alice");
        request
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
        request
    };
    let mut elsewhere = request("session=alice");
    *elsewhere.uri_mut() = "https://other.example/".parse().unwrap();
    let mut behind_a_proxy = request("session=alice");
    behind_a_proxy.extensions_mut().insert(TargetOrigin {
        scheme: http::uri::Scheme::HTTPS,
        authority: "other.example".parse().unwrap(),
    });
    let mut other_host = request("session=alice");
    other_host
        .headers_mut()
        .insert("host", HeaderValue::from_static("other.example"));
    for request in [
        other_host,
        elsewhere,
        behind_a_proxy,
        on("host", "other.example"),
        on("x-forwarded-host", "other.example"),
        on("forwarded", "host=other.example"),
    ] {
        let variant = rules.ask(&request).variant;
        assert_eq!(variant, Variant::ToldByResponse, "{request:?}");
    }
    let moved = on("x-forwarded-for", "192.0.2.1");
    assert!(matches!(rules.ask(&moved).variant, Variant::Expected(_)));
}

#[test]
fn a_session_that_is_over_is_over_in_whatever_words_it_was_sent_before() {
    let with = |cookies: &str, name: &'static str, value: &'static str| {
        let mut request = request(cookies);
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
        request
    };
    let mut absolute = request("session=1; remember=2");
    *absolute.uri_mut() = "http://forum.example/".parse().unwrap();
    let before = [
        with("session=1; remember=2", "host", "FORUM.example"),
        with("session=1; remember=2", "host", "forum.example:80"),
        with("session=1; remember=2", "x-forwarded-port", "80"),
        absolute,
        request("session=1"),
        request("remember=2"),
        request("session=1; remember=made-up"),
        request("session=made-up; remember=2"),
    ];
    let padding = "x".repeat(9000);
    let decoys: Vec<_> = (0..180).map(|n| format!("session=decoy{n}")).collect();
    let decoys = decoys.join("; ");
    let logouts = [
        "session=1; remember=2".to_owned(),
        format!("padding={padding}; session=1; remember=2"),
        format!("{decoys}; session=1; remember=2"),
    ];
    for logout in &logouts {
        for before in &before {
            let names = ["session", "remember"].map(CookieName::new).to_vec();
            let rules = Rules::new(Settings::new(Trust::Application, names));
            answer(&rules, before, &[("!~rendered-for", "staff")]);
            let known = rules.ask(before).variant;
            assert!(matches!(known, Variant::Expected(_)), "{before:?}");

            let mut logout = with(logout, "host", "forum.example");
            *logout.method_mut() = Method::POST;
            answer(&rules, &logout, &[]);
            assert_eq!(
                rules.ask(before).variant,
                Variant::ToldByResponse,
                "{before:?}"
            );
        }
    }
}

#[test]
fn several_session_cookies_are_known_together() {
    let names = ["session", "remember"].map(CookieName::new).to_vec();
    let rules = Rules::new(Settings::new(Trust::Application, names));
    let both = request("session=1; remember=2");
    answer(&rules, &both, &[("!~rendered-for", "staff")]);
    assert!(matches!(rules.ask(&both).variant, Variant::Expected(_)));
    assert!(matches!(
        variant(&rules, "remember=2; session=1"),
        Variant::Expected(_)
    ));
    for cookies in [
        "session=1",
        "remember=2",
        "session=1; remember=3",
        "session=2; remember=1",
    ] {
        assert_eq!(
            variant(&rules, cookies),
            Variant::ToldByResponse,
            "{cookies}"
        );
    }
}

#[test]
fn a_logout_with_two_session_cookies_ends_both() {
    for cookies in ["session=1; session=2", "session=2; session=1; Session=3"] {
        let rules = rules(Trust::Application);
        for session in ["session=1", "session=2"] {
            answer(&rules, &request(session), &[("!~rendered-for", "staff")]);
        }
        let mut logout = request(cookies);
        *logout.method_mut() = Method::POST;
        answer(&rules, &logout, &[("!~rendered-for", "")]);
        for session in ["session=1", "session=2"] {
            assert_eq!(
                variant(&rules, session),
                Variant::ToldByResponse,
                "{cookies}"
            );
        }
    }
}

#[test]
fn others_are_forgotten_when_the_application_says_so() {
    let rules = rules(Trust::Application);
    let known = |session| matches!(variant(&rules, session), Variant::Expected(_));
    let say = |session, name| answer(&rules, &request(session), &[("!~rendered-for", name)]);
    say("session=a", "admin");
    say("session=b", "staff");
    say("session=c", "member");

    let demotion = [
        ("!~rendered-for", "admin"),
        ("!~forget-rendered-for", "staff, guest"),
    ];
    answer(&rules, &request("session=a"), &demotion);
    assert!(!known("session=b") && known("session=c"));
    let all = [("!~rendered-for", "admin"), ("!~forget-rendered-for", "*")];
    answer(&rules, &request("session=a"), &all);
    assert!(!known("session=c"));
}

#[test]
fn what_the_application_said_expires() {
    let clock = Arc::new(MovedClock {
        start: Instant::now(),
        by: Mutex::default(),
    });
    let mut settings = settings(Trust::Application);
    settings.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let rules = Rules::new(settings);
    answer(
        &rules,
        &request("session=a"),
        &[("!~rendered-for", "staff")],
    );
    *clock.by.lock().unwrap() = Duration::from_secs(299);
    assert!(matches!(variant(&rules, "session=a"), Variant::Expected(_)));
    *clock.by.lock().unwrap() = Duration::from_secs(300);
    assert_eq!(variant(&rules, "session=a"), Variant::ToldByResponse);
}

#[test]
fn who_gets_a_session_shares_nothing() {
    for trust in [Trust::Nobody, Trust::Application, Trust::Everybody] {
        let rules = rules(trust);
        let login = request("");
        let said = answer(
            &rules,
            &login,
            &[("set-cookie", "session=new"), ("cache-control", "public")],
        );
        let visitors = rules.ask(&login).variant;
        assert_eq!(visitors.stored_under(said.as_ref()), None);
    }
}

#[test]
fn preferences_tell_variants_apart_as_they_are_sent() {
    let mut settings = settings(Trust::Application);
    settings.preferences = ["lang", "theme"].map(CookieName::new).to_vec();
    let rules = Rules::new(settings);
    let visitors = [
        "",
        "lang=de",
        "theme=de",
        "lang=d; theme=e",
        "lang=de; theme=de",
    ];
    let variants = visitors.map(|cookies| variant(&rules, cookies));
    for (place, one) in variants.iter().enumerate() {
        assert!(matches!(one, Variant::Known(_)), "{one:?}");
        assert!(!variants[..place].contains(one), "{}", visitors[place]);
    }
    assert_eq!(variant(&rules, "theme=e; lang=d"), variants[3]);
    assert!(is_pass(&variant(&rules, "lang=de; lang=fr")));

    let said = answer(
        &rules,
        &request("session=a; lang=de"),
        &[("!~rendered-for", "staff")],
    );
    let in_german = variant(&rules, "session=a; lang=de");
    assert_eq!(
        in_german.stored_under(said.as_ref()),
        in_german.stored_under(None)
    );
    let in_french = variant(&rules, "session=a; lang=fr");
    assert!(matches!(in_french, Variant::Expected(_)) && in_french != in_german);
}

#[test]
fn an_answer_to_a_request_that_we_do_not_know_is_for_one_client() {
    let rules = rules(Trust::Application);
    let mut response = Response::new(());
    response
        .headers_mut()
        .insert("!~rendered-for", HeaderValue::from_static("staff"));
    rules.hear(None, &mut response);
    assert_eq!(
        response.extensions().get::<RenderedFor>(),
        Some(&RenderedFor::OneClient)
    );
    assert!(response.headers().is_empty());
}

#[test]
fn nothing_printed_tells_a_session_or_a_name() {
    let rules = rules(Trust::Application);
    let secret = request("session=hunter2");
    answer(&rules, &secret, &[("!~rendered-for", "alice")]);
    let printed = format!("{rules:?} {:?}", rules.ask(&secret));
    assert!(
        !printed.contains("hunter2") && !printed.contains("alice"),
        "{printed}"
    );
}

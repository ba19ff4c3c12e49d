use http_body_util::Empty;
use peregrine_core::VariantName;
use proptest::prelude::*;

use super::*;
use crate::policy::Policy;

/// What a request says about what it is for.
#[derive(Clone, Debug)]
struct Said {
    target: String,
    host: String,
    forwarded: Option<String>,
    variant: Option<Vec<u8>>,
}

impl Said {
    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::get(&self.target).header("host", &self.host);
        if let Some(forwarded) = &self.forwarded {
            request = request.header("x-forwarded-host", forwarded);
        }
        if let Some(name) = &self.variant {
            request = request.extension(Variant::Known(VariantName::new(name.clone())));
        }
        request.body(Empty::new()).unwrap()
    }
}

/// Few of each, so that two are often the same, or nearly.
fn said() -> impl Strategy<Value = Said> {
    let target = proptest::sample::select(vec!["/", "/a", "/a?b", "/ab", "/a%00f"]);
    let host = proptest::sample::select(vec!["a", "A", "a:80", "a:8", "ab", "aB:8", "[::1]"]);
    let forwarded = proptest::sample::select(vec!["a", "b"]);
    let name = proptest::sample::select(vec![vec![], vec![0], vec![1], b"fa".to_vec()]);
    let others = (proptest::option::of(forwarded), proptest::option::of(name));
    (target, host, others).prop_map(|(target, host, (forwarded, variant))| Said {
        target: target.to_owned(),
        host: host.to_owned(),
        forwarded: forwarded.map(str::to_owned),
        variant,
    })
}

proptest! {
    #[test]
    fn parts_are_those_of_a_key_if_it_is_the_one_that_they_make(one in said(), other in said()) {
        let requests = [one.request(), other.request()];
        let policy = Policy::conservative();
        let [one, other] = requests.each_ref().map(|request| {
            let lookup = policy.look_up(request).unwrap();
            KeyParts::of(request, &lookup, &QueryRules::All).unwrap()
        });
        prop_assert!(one.is(&one.key()));
        let same = one.key() == other.key();
        prop_assert_eq!(one.is(&other.key()), same);
        let names = Names::new();
        prop_assert_eq!(one.hash(&names), one.hash(&names));
        if same {
            prop_assert_eq!(one.hash(&names), other.hash(&names));
        }
    }
}

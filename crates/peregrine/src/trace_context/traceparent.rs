use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The field `traceparent` of [W3C Trace Context].
///
/// ```
/// use peregrine::trace_context::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent = TraceParent::parse(text.as_bytes()).unwrap();
/// assert!(parent.is_sampled());
/// assert_eq!(parent.to_string(), text);
/// assert!(TraceParent::parse(b"00-0-0-00").is_none());
/// ```
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context-2/
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    parent: u64,
    flags: u8,
}

/// §3.2.2.5: the flags that there are. "The behavior of other flags […] is not
/// defined and is reserved for future use. Vendors MUST set those to zero."
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// What the random number of a trace is below: §3.2.2.3.
const RANGE: u64 = 1 << 56;

impl TraceParent {
    /// Reads the field as §3.2 says, also of a version that is newer than 00;
    /// `None` if it is not valid.
    pub fn parse(field: &[u8]) -> Option<Self> {
        let (known, more) = field.split_at_checked(55)?;
        let [version, trace, parent, flags] = parts(known)?;
        let version = hex(version)?;
        // "Version ff is invalid." Of 00 there is no more than what is known; a
        // later version goes on after another dash.
        let whole = match version {
            0xff => false,
            0 => more.is_empty(),
            _ => more.first().is_none_or(|byte| *byte == b'-'),
        };
        let this = Self {
            trace: hex(trace)?,
            parent: u64::try_from(hex(parent)?).ok()?,
            flags: u8::try_from(hex(flags)?).ok()? & (SAMPLED | RANDOM),
        };
        // "All bytes as zero is considered an invalid value", for either id.
        (whole && this.trace != 0 && this.parent != 0).then_some(this)
    }

    /// What a request says, if it says one thing, and that is valid.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(TRACEPARENT).iter();
        match (fields.next(), fields.next()) {
            (Some(field), None) => Self::parse(field.as_bytes()),
            _ => None,
        }
    }

    /// A trace that begins here, of `random` ids; sampled if its id falls into
    /// `share`, from 0 for none to 1 for all.
    pub(super) fn begin(random: Random, share: f64) -> Self {
        // No id is zero; that 2^-64 is not missed.
        let trace = random.trace.max(1);
        // The last seven bytes of an id are the random number that others go by,
        // too, so that all who sample a share sample the same.
        #[expect(clippy::cast_possible_truncation, reason = "its last seven bytes")]
        let number = (trace as u64) % RANGE;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share from 0 to 1 of 2^56, to 53 digits"
        )]
        let least = ((1.0 - share) * RANGE as f64) as u64;
        Self {
            trace,
            parent: random.parent.max(1),
            flags: RANDOM | u8::from(number >= least),
        }
    }

    /// The same trace, with another span as the parent of what follows.
    pub(super) fn child(self, random: Random) -> Self {
        Self {
            parent: random.parent.max(1),
            ..self
        }
    }

    /// Whether whoever began the trace records it.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(self) -> impl fmt::Display {
        Hex::<32>(self.trace)
    }

    /// The id of the span in which the request was made: 16 hexadecimal digits.
    pub fn parent_id(self) -> impl fmt::Display {
        Hex::<16>(self.parent.into())
    }

    pub(super) fn to_field(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.to_string()).ok()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace,
            parent,
            flags,
        } = self;
        write!(f, "00-{trace:032x}-{parent:016x}-{flags:02x}")
    }
}

struct Hex<const DIGITS: usize>(u128);

impl<const DIGITS: usize> fmt::Display for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

/// What nobody can foresee.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random {
    trace: u128,
    parent: u64,
}

impl Random {
    /// `None` if the system has no random numbers to give, which is never.
    pub(super) fn new() -> Option<Self> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).ok()?;
        let (trace, parent) = bytes.split_at(16);
        Some(Self {
            trace: u128::from_be_bytes(trace.try_into().ok()?),
            parent: u64::from_be_bytes(parent.try_into().ok()?),
        })
    }
}

/// `2 "-" 32 "-" 16 "-" 2`.
fn parts(field: &[u8]) -> Option<[&[u8]; 4]> {
    let dashed = field[2] == b'-' && field[35] == b'-' && field[52] == b'-';
    dashed.then(|| [&field[..2], &field[3..35], &field[36..52], &field[53..]])
}

/// Lower-case digits alone: `HEXDIGLC`.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn what_is_valid_and_what_is_not() {
        let zeros = "0".repeat(32);
        let cases: [(&str, String, Option<&str>); 17] = [
            ("sampled", format!("00-{TRACE}-{SPAN}-01"), Some("01")),
            ("not sampled", format!("00-{TRACE}-{SPAN}-00"), Some("00")),
            ("random", format!("00-{TRACE}-{SPAN}-03"), Some("03")),
            ("unknown flags", format!("00-{TRACE}-{SPAN}-ff"), Some("03")),
            (
                "a later version",
                format!("cc-{TRACE}-{SPAN}-01"),
                Some("01"),
            ),
            (
                "with more",
                format!("cc-{TRACE}-{SPAN}-01-what"),
                Some("01"),
            ),
            (
                "with more without a dash",
                format!("cc-{TRACE}-{SPAN}-01.what"),
                None,
            ),
            (
                "version 00 with more",
                format!("00-{TRACE}-{SPAN}-01-what"),
                None,
            ),
            ("version ff", format!("ff-{TRACE}-{SPAN}-01"), None),
            ("no trace", format!("00-{zeros}-{SPAN}-01"), None),
            ("no span", format!("00-{TRACE}-{}-01", &zeros[..16]), None),
            (
                "upper case",
                format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
                None,
            ),
            ("no digits", format!("00-{TRACE}-{SPAN}-0x"), None),
            ("short", format!("00-{TRACE}-{SPAN}-1"), None),
            ("spaces", format!("00 {TRACE} {SPAN} 01"), None),
            ("empty", String::new(), None),
            ("no version", format!(".0-{TRACE}-{SPAN}-01"), None),
        ];
        for (name, field, flags) in cases {
            let parsed = TraceParent::parse(field.as_bytes());
            let expected = flags.map(|flags| format!("00-{TRACE}-{SPAN}-{flags}"));
            assert_eq!(parsed.map(|parent| parent.to_string()), expected, "{name}");
        }
    }

    #[test]
    fn a_share_of_the_traces_is_sampled() {
        let half = 1 << 55;
        let cases = [
            ("none", 0.0, u128::MAX, false),
            ("all", 1.0, 1, true),
            ("the upper half", 0.5, half, true),
            ("the lower half", 0.5, half - 1, false),
            ("whatever stands before", 0.5, (7 << 64) + half - 1, false),
        ];
        for (name, share, trace, sampled) in cases {
            let begun = TraceParent::begin(Random { trace, parent: 0 }, share);
            assert_eq!(begun.is_sampled(), sampled, "{name}");
            let text = begun.to_string();
            assert_eq!(
                TraceParent::parse(text.as_bytes()),
                Some(begun),
                "{name}: {text}"
            );
        }
    }

    #[test]
    fn a_child_is_of_the_same_trace() {
        let parent = TraceParent::begin(Random::new().unwrap(), 1.0);
        let child = parent.child(Random::new().unwrap());
        assert_eq!(child.trace_id().to_string(), parent.trace_id().to_string());
        assert_ne!(
            child.parent_id().to_string(),
            parent.parent_id().to_string()
        );
        assert!(child.is_sampled());
    }
}

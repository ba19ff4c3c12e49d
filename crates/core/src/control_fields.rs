use http::{HeaderMap, HeaderName};

/// What an application has said to the server alone: the fields of its response
/// that begin with `!~`, as Phusion Passenger has them.
///
/// Clients never see one. Whoever takes a response from an application takes
/// these out of its fields, and puts them into its extensions instead, for those
/// who understand them.
///
/// ```
/// use http::Response;
/// use peregrine_core::ControlFields;
///
/// let mut response = Response::builder().header("!~Rendered-For", "staff").body(()).unwrap();
/// ControlFields::set_aside(&mut response);
/// assert!(response.headers().is_empty());
/// let said = response.extensions().get::<ControlFields>().unwrap();
/// assert_eq!(said.as_headers()["!~rendered-for"], "staff");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ControlFields(HeaderMap);

impl ControlFields {
    /// Takes the control fields of `response` out of its header fields, and puts
    /// them, if there are any, into its extensions.
    pub fn set_aside<B>(response: &mut http::Response<B>) {
        let headers = response.headers_mut();
        if !headers.keys().any(is_control_field) {
            return;
        }
        let names: Vec<_> = headers
            .keys()
            .filter(|name| is_control_field(name))
            .cloned()
            .collect();
        let mut fields = HeaderMap::new();
        for name in names {
            if let http::header::Entry::Occupied(entry) = headers.entry(name) {
                let (name, values) = entry.remove_entry_mult();
                for value in values {
                    fields.append(name.clone(), value);
                }
            }
        }
        response.extensions_mut().insert(Self(fields));
    }

    /// The fields, by their names.
    pub const fn as_headers(&self) -> &HeaderMap {
        &self.0
    }
}

fn is_control_field(name: &HeaderName) -> bool {
    name.as_str().as_bytes().starts_with(b"!~")
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Response};

    use super::*;

    #[test]
    fn they_are_set_aside_with_all_their_lines_and_nothing_else_is() {
        let mut response = Response::new(());
        for (name, value) in [("!~x", "1"), ("etag", "2"), ("!~x", "3"), ("!x", "4")] {
            let name = HeaderName::from_static(name);
            response
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        ControlFields::set_aside(&mut response);
        let mut left: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["!x", "etag"]);
        let said = response.extensions().get::<ControlFields>().unwrap();
        let lines: Vec<_> = said.as_headers().get_all("!~x").iter().collect();
        assert_eq!(lines, ["1", "3"]);
    }

    #[test]
    fn nothing_said_leaves_nothing() {
        let mut response = Response::new(());
        ControlFields::set_aside(&mut response);
        assert!(response.extensions().is_empty());
    }
}

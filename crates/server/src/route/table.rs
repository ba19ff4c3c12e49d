use std::fmt;

use super::{
    HostPattern, Prefix, host,
    normal::{has_dot_segments, normal},
};

/// Which requests are one application's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// None: all that no other application names.
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) path: Prefix,
}

/// Finds an application by host and path, borrowing both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// In the order of their names.
    exact: Vec<Host>,
    /// In the order of their names.
    below: Vec<Host>,
    others: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Host {
    name: Box<str>,
    entries: Vec<Entry>,
}

/// The longest path of a host stands first.
#[derive(Clone, Debug)]
struct Entry {
    path: Prefix,
    application: usize,
}

/// Two applications for the same requests, the later one and the earlier one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) applications: (usize, usize),
    pub(crate) address: String,
}

/// Why a request is no application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrouted {
    UnknownHost,
    UnknownPath,
}

impl Table {
    /// Of applications, which it numbers in their order.
    pub(crate) fn new<'a>(sites: impl IntoIterator<Item = &'a Site>) -> Result<Self, Clash> {
        let mut table = Self::default();
        for (application, site) in sites.into_iter().enumerate() {
            let path = &site.path;
            if site.hosts.is_empty() {
                enter(&mut table.others, path, application).map_err(|earlier| Clash {
                    applications: (application, earlier),
                    address: format!("any host, path {path}"),
                })?;
            }
            for host in &site.hosts {
                enter(table.entries(host), path, application).map_err(|earlier| Clash {
                    applications: (application, earlier),
                    address: format!("{host}{path}"),
                })?;
            }
        }
        Ok(table)
    }

    /// The number of the application that answers for `host`, without a port, and
    /// `path`, without a query, as the client sent it.
    pub(super) fn find(&self, host: &str, path: &str) -> Result<usize, Unrouted> {
        let entries = self.of_host(host).ok_or(Unrouted::UnknownHost)?;
        if let [only] = entries
            && !only.path.is_below_root()
        {
            return Ok(only.application);
        }
        let path = normal(path);
        if has_dot_segments(&path) {
            return Err(Unrouted::UnknownPath);
        }
        let entry = entries.iter().find(|entry| entry.path.has(&path));
        entry
            .map(|entry| entry.application)
            .ok_or(Unrouted::UnknownPath)
    }

    fn of_host(&self, host: &str) -> Option<&[Entry]> {
        look_up(&self.exact, host)
            .or_else(|| {
                // From the longest name above to the shortest.
                let dots = host.match_indices('.').filter(|(at, _)| *at > 0);
                let mut above = dots.map(|(at, _)| &host[at + 1..]);
                above.find_map(|name| look_up(&self.below, name))
            })
            .or_else(|| Some(&*self.others).filter(|others| !others.is_empty()))
    }

    fn entries(&mut self, host: &HostPattern) -> &mut Vec<Entry> {
        let (hosts, name) = match host {
            HostPattern::Exact(name) => (&mut self.exact, name),
            HostPattern::Below(name) => (&mut self.below, name),
        };
        let at = match hosts.binary_search_by(|known| known.name.cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                let host = Host {
                    name: name.clone(),
                    entries: Vec::new(),
                };
                hosts.insert(at, host);
                at
            }
        };
        &mut hosts[at].entries
    }
}

fn look_up<'a>(hosts: &'a [Host], name: &str) -> Option<&'a [Entry]> {
    let at = hosts.binary_search_by(|known| host::compare(&known.name, name));
    at.ok().map(|at| &*hosts[at].entries)
}

/// The application that is there already, if one is.
fn enter(entries: &mut Vec<Entry>, path: &Prefix, application: usize) -> Result<(), usize> {
    if let Some(same) = entries.iter().find(|entry| entry.path == *path) {
        return Err(same.application);
    }
    let at = entries.partition_point(|entry| entry.path.len() >= path.len());
    let path = path.clone();
    entries.insert(at, Entry { path, application });
    Ok(())
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hosts.is_empty() {
            return write!(f, "any other host, {}", self.path);
        }
        for (number, host) in self.hosts.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{host}{}", self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(hosts: &[&str], path: &str) -> Site {
        Site {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            path: path.parse().unwrap(),
        }
    }

    #[test]
    fn the_host_decides_first_and_then_the_longest_path() {
        let sites = [
            site(&["example.org", "www.example.org"], "/"),
            site(&["example.org"], "/blog"),
            site(&["example.org"], "/blog/admin"),
            site(&["*.example.org"], "/"),
            site(&["*.eu.example.org"], "/"),
            site(&["only.example"], "/path"),
        ];
        let table = Table::new(&sites).unwrap();
        let cases = [
            ("exact", "example.org", "/", Ok(0)),
            ("in capitals", "EXAMPLE.org", "/", Ok(0)),
            ("another name of it", "www.example.org", "/blog", Ok(0)),
            ("below a path", "example.org", "/blog/1", Ok(1)),
            ("the longest path", "example.org", "/blog/admin/x", Ok(2)),
            ("by whole segments", "example.org", "/blogs", Ok(0)),
            ("a wildcard", "a.example.org", "/blog", Ok(3)),
            ("two labels below", "a.b.example.org", "/", Ok(3)),
            ("the longest wildcard", "a.EU.example.org", "/", Ok(4)),
            ("a wildcard's own name", "eu.example.org", "/", Ok(3)),
            (
                "nothing below",
                ".example.org",
                "/",
                Err(Unrouted::UnknownHost),
            ),
            (
                "the end of a label",
                "notexample.org",
                "/",
                Err(Unrouted::UnknownHost),
            ),
            (
                "another one",
                "example.com",
                "/",
                Err(Unrouted::UnknownHost),
            ),
            ("none", "", "/", Err(Unrouted::UnknownHost)),
            (
                "a path of nobody",
                "only.example",
                "/other",
                Err(Unrouted::UnknownPath),
            ),
        ];
        for (name, host, path, expected) in cases {
            assert_eq!(table.find(host, path), expected, "{name}");
        }
    }

    #[test]
    fn a_path_is_one_application_s_in_whatever_way_it_is_written() {
        let sites = [
            site(&["example.org"], "/"),
            site(&["example.org"], "/blog"),
            site(&["example.org"], "/caf%c3%a9"),
            site(&["one.example"], "/"),
            site(&["below.example"], "/blog"),
        ];
        let table = Table::new(&sites).unwrap();
        let (host, nobody) = ("example.org", Err(Unrouted::UnknownPath));
        let cases = [
            ("plain", host, "/blog/1", Ok(1)),
            ("escaped (RFC 3986 §6.2.2.2)", host, "/%62log/1", Ok(1)),
            ("all of it", host, "/%62%6C%6F%67", Ok(1)),
            ("digits in capitals (§6.2.2.1)", host, "/caf%C3%A9", Ok(2)),
            ("escaped twice", host, "/%2562log/1", Ok(0)),
            ("an escaped slash is none", host, "/blog%2F1", Ok(0)),
            ("nor before it", host, "/%2Fblog/1", Ok(0)),
            // Where these lead depends on who reads them: the application, or a proxy in
            // front that lets nobody see `/blog`.
            ("up and out", host, "/blog/../secret", nobody),
            ("up and in", host, "/x/../blog/1", nobody),
            ("escaped", host, "/blog/%2e%2e/secret", nobody),
            ("escaped, and in", host, "/x/%2E%2E/blog/1", nobody),
            ("half of it", host, "/x/.%2e/blog/1", nobody),
            ("an escaped slash", host, "/blog/..%2fsecret", nobody),
            ("nowhere", host, "/./blog/1", nobody),
            ("a hidden file", host, "/.well-known/x", Ok(0)),
            ("all paths are its own", "one.example", "/a/../b", Ok(3)),
            ("none other's", "below.example", "/%62log", Ok(4)),
            ("but not all", "below.example", "/blog/../x", nobody),
        ];
        for (name, host, path, expected) in cases {
            assert_eq!(table.find(host, path), expected, "{name}");
        }
    }

    #[test]
    fn an_application_without_hosts_answers_for_all_that_no_other_names() {
        let sites = [site(&["a.example"], "/x"), site(&[], "/")];
        let table = Table::new(&sites).unwrap();
        assert_eq!(table.find("b.example", "/x"), Ok(1));
        assert_eq!(table.find("", "/"), Ok(1));
        assert_eq!(table.find("a.example", "/x"), Ok(0));
        // The host is known, and its paths are its own.
        assert_eq!(table.find("a.example", "/"), Err(Unrouted::UnknownPath));
    }

    #[test]
    fn a_site_is_shown_as_an_address() {
        let cases = [
            (site(&[], "/"), "any other host, /"),
            (site(&["a.example"], "/x"), "a.example/x"),
            (
                site(&["a.example", "*.b.example"], "/"),
                "a.example/, *.b.example/",
            ),
        ];
        for (site, expected) in cases {
            assert_eq!(site.to_string(), expected);
        }
    }

    #[test]
    fn two_applications_for_the_same_requests_are_refused() {
        let cases = [
            (
                "a host and a path",
                [
                    site(&["a.example"], "/"),
                    site(&["b.example", "A.example"], "/"),
                ],
                Some("a.example/"),
            ),
            (
                "any host",
                [site(&[], "/x"), site(&[], "/x/")],
                Some("any host, path /x"),
            ),
            (
                "a path written otherwise",
                [site(&[], "/x"), site(&[], "/%78")],
                Some("any host, path /x"),
            ),
            (
                "different paths",
                [site(&["a.example"], "/"), site(&["a.example"], "/x")],
                None,
            ),
            (
                "a name and what is below",
                [site(&["a.example"], "/"), site(&["*.a.example"], "/")],
                None,
            ),
        ];
        for (name, sites, expected) in cases {
            let clash = Table::new(&sites).err();
            let address = clash.as_ref().map(|clash| clash.address.as_str());
            assert_eq!(address, expected, "{name}");
            assert!(
                clash.is_none_or(|clash| clash.applications == (1, 0)),
                "{name}"
            );
        }
    }
}

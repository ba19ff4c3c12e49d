//! Which port a process is told to listen on.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as Name, UnixDatagram},
    },
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt},
};

/// Where few services have their ports: above those that Linux gives to outgoing
/// connections unless told otherwise, then well below them.
const RANGES: [RangeInclusive<u16>; 2] = [61_000..=65_535, 20_000..=29_999];

/// Fewer than this are not worth it to keep out of the way of connections.
const ENOUGH: usize = 1000;

/// The ports that there are to choose from, and where the next choice begins.
struct Ports {
    all: Vec<u16>,
    next: AtomicUsize,
}

/// Begins somewhere else in each program, so that two rarely try the same port.
static PORTS: LazyLock<Ports> = LazyLock::new(|| {
    let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let ephemeral = ephemeral.ok().and_then(|text| range(&text));
    let mut random = [0; 2];
    // Without randomness the claim alone keeps them apart.
    let _ = getrandom::fill(&mut random);
    Ports {
        all: choices(ephemeral.as_ref()),
        next: AtomicUsize::new(u16::from_ne_bytes(random).into()),
    }
});

/// A port that no other process of any pool on this machine is told to listen on,
/// as long as this lives.
#[derive(Debug)]
pub(crate) struct Claim {
    port: u16,
    /// Never read: to have its name is its use. The name is one of the abstract
    /// namespace, unix(7), which is as wide as that of the ports, and leaves
    /// nothing behind. Not inherited by processes. Absent where names cannot be
    /// had.
    _name: Option<UnixDatagram>,
}

impl Claim {
    /// The next port that is free. Each is tried once before one is tried again: a
    /// connection that was meant for the last process on a port does not find the
    /// next one there.
    pub(crate) fn next() -> io::Result<Self> {
        let Ports { all, next } = &*PORTS;
        (0..all.len())
            .find_map(|_| {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                Self::of(all[turn % all.len()])
            })
            .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no port is free"))
    }

    fn of(port: u16) -> Option<Self> {
        let name = match name(port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return None,
            name => name.ok(),
        };
        is_free(port).then_some(Self { port, _name: name })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

fn name(port: u16) -> io::Result<UnixDatagram> {
    let name = Name::from_abstract_name(format!("peregrine-port-{port}"))?;
    UnixDatagram::bind_addr(&name)
}

/// Whether nobody has the port at any address, be it for a connection that has
/// just ended: the process can bind it wherever it likes to listen.
fn is_free(port: u16) -> bool {
    match try_bind(Ipv6Addr::UNSPECIFIED.into(), port) {
        // There is no IPv6.
        Err(error) if error != Errno::ADDRINUSE => {
            try_bind(Ipv4Addr::UNSPECIFIED.into(), port).is_ok()
        }
        bound => bound.is_ok(),
    }
}

/// Without `SO_REUSEADDR`, which the standard library's listeners have: a process
/// might have none either.
fn try_bind(address: IpAddr, port: u16) -> rustix::io::Result<()> {
    let family = match address {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    bind(&socket, &SocketAddr::new(address, port))
}

/// Of [`RANGES`] those that outgoing connections do not get: one of them would take
/// the port away, and one to a port on which nobody listens yet might even be
/// connected to itself. Where they may get nearly all, any will do.
fn choices(ephemeral: Option<&RangeInclusive<u16>>) -> Vec<u16> {
    let is_ephemeral = |port: &u16| ephemeral.as_ref().is_some_and(|range| range.contains(port));
    let all = || RANGES.into_iter().flatten();
    let kept: Vec<_> = all().filter(|port| !is_ephemeral(port)).collect();
    if kept.len() < ENOUGH {
        all().collect()
    } else {
        kept
    }
}

/// Two numbers with a blank between them: ip(7).
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, net::TcpListener};

    use super::*;

    #[test]
    fn ports_of_outgoing_connections_are_not_chosen_if_there_are_others() {
        let (above, below) = (4536, 10_000);
        let cases = [
            ("as Linux has it", "32768\t60999\n", above + below),
            ("up to the last one", "32768\t65535\n", below),
            ("from the first one", "1024 60999", above),
            ("nearly all", "1024 65000", above + below),
            ("all", "1024 65535", above + below),
            ("not told", "", above + below),
        ];
        for (name, text, expected) in cases {
            let all = choices(range(text).as_ref());
            assert_eq!(all.len(), expected, "{name}");
            let spared = all.len() < above + below || name == "as Linux has it";
            let ephemeral = range(text).filter(|_| spared);
            let clash = |port| ephemeral.as_ref().is_some_and(|range| range.contains(port));
            assert!(!all.iter().any(clash), "{name}");
        }
    }

    #[test]
    fn a_port_is_given_to_one_at_a_time_and_not_again_soon() {
        let claims: Vec<_> = (0..50).map(|_| Claim::next().unwrap()).collect();
        let mut ports: BTreeSet<_> = claims.iter().map(Claim::port).collect();
        assert_eq!(ports.len(), 50);
        drop(claims);
        for _ in 0..50 {
            let claim = Claim::next().unwrap();
            assert!(ports.insert(claim.port()), "{}", claim.port());
        }
    }

    #[test]
    fn a_port_that_is_claimed_or_in_use_is_not_claimed() {
        let claim = Claim::next().unwrap();
        assert!(Claim::of(claim.port()).is_none(), "it is claimed");
        for address in ["127.0.0.1", "0.0.0.0", "[::1]"] {
            let claim = Claim::next().unwrap();
            let port = claim.port();
            let Ok(listener) = TcpListener::bind(format!("{address}:{port}")) else {
                // There may be no IPv6.
                continue;
            };
            drop(claim);
            assert!(Claim::of(port).is_none(), "{address}");
            drop(listener);
        }
    }
}

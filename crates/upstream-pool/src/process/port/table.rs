//! Who listens, as `/proc/net/tcp` and `/proc/net/tcp6` tell: proc(5).

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, Ipv4Addr},
};

/// The state of a socket that listens, `TCP_LISTEN` of the kernel.
const LISTENS: &str = "0A";

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// Names the socket as long as anybody has it open.
    pub(super) inode: u64,
    /// Who has opened it.
    pub(super) uid: u32,
}

/// Those that may get a connection to 127.0.0.1 at `port`.
pub(super) fn read(port: u16) -> io::Result<Vec<Listener>> {
    let ipv4 = fs::read_to_string("/proc/net/tcp")?;
    let ipv6 = match fs::read_to_string("/proc/net/tcp6") {
        // There is none without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let found = parse(&ipv4, port).chain(parse(&ipv6, port));
    // One that changes while it is read may name a socket twice.
    let found: BTreeMap<_, _> = found.map(|listener| (listener.inode, listener)).collect();
    Ok(found.into_values().collect())
}

/// Each line holds a number, the local address, the remote one, the state, queues,
/// timers and retransmits, then the user, the timeout and the inode.
fn parse(table: &str, port: u16) -> impl Iterator<Item = Listener> {
    table.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(1);
        let (address, at) = endpoint(fields.next()?)?;
        let listens = fields.nth(1)? == LISTENS;
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        (listens && at == port && takes_loopback(address)).then_some(Listener { inode, uid })
    })
}

/// `0100007F:1F90`: the address as 32-bit numbers that are in memory as on the
/// wire, and the port as a number.
fn endpoint(field: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = address.get(at..at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    Some((address, port))
}

/// Whether one that listens there may be given a connection to 127.0.0.1. One for
/// any IPv6 address takes those of IPv4, too, unless it was told not to, which the
/// table does not say.
fn takes_loopback(address: IpAddr) -> bool {
    let ipv4 = match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(address) if address.is_unspecified() => return true,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address,
            None => return false,
        },
    };
    ipv4.is_unspecified() || ipv4 == Ipv4Addr::LOCALHOST
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    /// A line as the kernel writes it.
    fn line(local: &str, state: &str) -> String {
        let remote = if local.len() > 13 {
            "00000000000000000000000000000000:0000"
        } else {
            "00000000:0000"
        };
        format!(
            "   3: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  1000        0 48151 1 0000000064e3e0f7 100 0 0 10 0\n"
        )
    }

    /// Numbers of the table are in the order of the machine.
    fn word(bytes: [u8; 4]) -> String {
        format!("{:08X}", u32::from_ne_bytes(bytes))
    }

    #[test]
    fn who_listens_where_connections_to_the_loopback_address_go() {
        let any = word([0; 4]);
        let ipv4 = |bytes| format!("{}:1F90", word(bytes));
        let ipv6 = |last| format!("{any}{any}{any}{}:1F90", word(last));
        let mapped = |last| format!("{any}{any}{}{}:1F90", word([0, 0, 0xff, 0xff]), word(last));
        let cases = [
            ("the loopback address", ipv4([127, 0, 0, 1]), LISTENS, true),
            ("any address", ipv4([0; 4]), LISTENS, true),
            (
                "another loopback address",
                ipv4([127, 0, 0, 2]),
                LISTENS,
                false,
            ),
            ("one of the network", ipv4([192, 0, 2, 1]), LISTENS, false),
            ("any address of IPv6", ipv6([0; 4]), LISTENS, true),
            (
                "the loopback address of IPv6",
                ipv6([0, 0, 0, 1]),
                LISTENS,
                false,
            ),
            (
                "the mapped loopback address",
                mapped([127, 0, 0, 1]),
                LISTENS,
                true,
            ),
            ("any mapped address", mapped([0; 4]), LISTENS, true),
            (
                "another mapped address",
                mapped([192, 0, 2, 1]),
                LISTENS,
                false,
            ),
            ("a connection", ipv4([127, 0, 0, 1]), "01", false),
            ("one that is closed", ipv4([127, 0, 0, 1]), "06", false),
            ("no address", "zz:1F90".into(), LISTENS, false),
        ];
        for (name, local, state, expected) in cases {
            let table = format!("{HEAD}{}", line(&local, state));
            let found: Vec<_> = parse(&table, 8080).collect();
            let listener = Listener {
                inode: 48151,
                uid: 1000,
            };
            assert_eq!(found, expected.then_some(listener).as_slice(), "{name}");
            assert_eq!(parse(&table, 8081).count(), 0, "{name}, at another port");
        }
    }

    #[test]
    fn the_system_s_own_table_has_what_listens_here() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                // There may be no IPv6.
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let found = read(port).unwrap();
            let [found] = found[..] else {
                panic!("{address}: {found:?}")
            };
            assert_eq!(found.uid, rustix::process::geteuid().as_raw(), "{address}");
        }
    }
}

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
};

/// Listens at `address:port`; port 0 takes a free one.
///
/// # Errors
///
/// A sentence that says what is wrong and what to do about it.
pub(crate) fn bind(address: IpAddr, port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(SocketAddr::new(address, port))
        .map_err(|error| explain(address, port, &error))
}

fn explain(address: IpAddr, port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} on {address} is in use by another program; choose one with --port, or 0 for any free port"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "not allowed to listen on port {port}: ports below 1024 need privileges; choose another one with --port"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{address} is not an address of this machine; choose one with --address, or 0.0.0.0 for all"
        ),
        _ => format!("can't listen on {address}:{port}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_a_way_out() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let taken = bind(local, 0).unwrap();
        let port = taken.local_addr().unwrap().port();

        let message = bind(local, port).unwrap_err();
        assert!(message.contains(&port.to_string()), "{message}");
        assert!(message.contains("--port"), "{message}");
    }
}

use super::*;

fn stat(pid: i32, parent: i32, group: i32) -> Stat {
    Stat::parse(&format!("{pid} (x) S {parent} {group} 1 0")).unwrap()
}

#[test]
fn a_group_and_all_that_descends_from_it_is_one_family() {
    let cases: [(&str, &[(i32, i32, i32)], &[i32]); 7] = [
        ("alone", &[(10, 1, 10), (11, 1, 11)], &[10]),
        ("in the group", &[(10, 1, 10), (11, 10, 10)], &[10, 11]),
        (
            "an orphan of the group",
            &[(10, 1, 10), (11, 1, 10)],
            &[10, 11],
        ),
        (
            "a child with a group of its own",
            &[(11, 10, 11), (10, 1, 10)],
            &[10, 11],
        ),
        (
            "the grandchild of an orphan",
            &[(13, 12, 12), (12, 11, 12), (11, 1, 10), (10, 1, 10)],
            &[10, 11, 12, 13],
        ),
        ("with a parent of ours", &[(10, 5, 10), (11, 5, 11)], &[10]),
        ("the leader is gone", &[(11, 1, 10)], &[10, 11]),
    ];
    for (name, processes, expected) in cases {
        let stats: Vec<_> = processes
            .iter()
            .map(|(p, pp, g)| stat(*p, *pp, *g))
            .collect();
        let found: Vec<_> = family(&stats, 10).into_iter().collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn whose_listeners_those_are() {
    let ours = |sockets: &[(u32, u64)]| Process {
        pid: 10,
        is_ours: true,
        sockets: Ok(sockets.to_vec()),
    };
    let other = |sockets: &[(u32, u64)]| Process {
        pid: 99,
        is_ours: false,
        ..ours(sockets)
    };
    let veiled = |is_ours, user| Process {
        pid: 20,
        is_ours,
        sockets: Err(vec![user]),
    };
    let cases = [
        ("ours", vec![ours(&[(3, 7), (4, 1)])], &[1][..], "ours 1"),
        (
            "a stranger's",
            vec![ours(&[(3, 7)]), other(&[(4, 1)])],
            &[1],
            "99",
        ),
        (
            "one of either",
            vec![ours(&[(3, 1)]), other(&[(4, 2)])],
            &[1, 2],
            "99",
        ),
        (
            "two of ours",
            vec![ours(&[(3, 1)]), ours(&[(4, 2)])],
            &[1, 2],
            "ours 2",
        ),
        (
            "inherited",
            vec![ours(&[(3, 1)]), ours(&[(3, 1)])],
            &[1],
            "ours 1",
        ),
        (
            "nobody's whom we see",
            vec![ours(&[]), other(&[])],
            &[1],
            "user 1000",
        ),
        (
            "perhaps ours",
            vec![ours(&[]), veiled(true, 1000)],
            &[1],
            "veiled",
        ),
        (
            "one of ours, one perhaps",
            vec![ours(&[(3, 2)]), veiled(true, 1000)],
            &[1, 2],
            "veiled",
        ),
        (
            "ours, but of another user",
            vec![veiled(true, 1001)],
            &[1],
            "user 1000",
        ),
        (
            "a stranger's who hides",
            vec![ours(&[]), veiled(false, 1000)],
            &[1],
            "user 1000",
        ),
        (
            "a stranger's, and some of ours hides",
            vec![veiled(true, 1000), other(&[(3, 1)])],
            &[1],
            "99",
        ),
    ];
    for (name, processes, inodes, expected) in cases {
        let listener = |inode: &u64| Listener {
            inode: *inode,
            uid: 1000,
        };
        let listeners: Vec<_> = inodes.iter().map(listener).collect();
        let found = match verdict(&listeners, processes.into_iter()) {
            Verdict::Nobody => "nobody".into(),
            Verdict::Ours(witnesses) => format!("ours {}", witnesses.len()),
            Verdict::Veiled => "veiled".into(),
            Verdict::Stranger(Why::HeldBy { pid, .. }) => pid.to_string(),
            Verdict::Stranger(Why::HeldByUser(user)) => format!("user {user}"),
            Verdict::Stranger(Why::NotTold(error)) => error.to_string(),
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn who_is_found_is_not_looked_for_any_further() {
    let listener = Listener { inode: 1, uid: 0 };
    let first = Process {
        pid: 10,
        is_ours: true,
        sockets: Ok(vec![(3, 1)]),
    };
    let rest = std::iter::from_fn(|| panic!("one is enough"));
    let found = verdict(&[listener], std::iter::once(first).chain(rest));
    assert!(matches!(found, Verdict::Ours(_)));
}

#[test]
fn what_the_system_tells_is_understood() {
    assert_eq!(inode("socket:[48151]"), Some(48151));
    assert_eq!(inode("pipe:[48151]"), None);
    let status = "Name:\tx\nUid:\t1000\t1001\t1002\t1000\nGid:\t5\n";
    assert_eq!(uids(status), Some(vec![1000, 1001, 1002, 1000]));
    assert_eq!(uids("Name:\tx\n"), None);
}

#[test]
fn our_own_listener_is_ours_and_a_witness_tells_when_it_is_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let this = rustix::process::getpid().as_raw_pid();
    let Verdict::Ours(witnesses) = Owner::new(this, port, None).look().unwrap() else {
        panic!("it is ours");
    };
    assert!(witnesses.len() == 1 && witnesses[0].holds());
    // Nobody has a number that high.
    let stranger = Owner::new(i32::MAX, port, None).look().unwrap();
    let Verdict::Stranger(Why::HeldBy { pid, .. }) = stranger else {
        panic!("{stranger:?}");
    };
    assert_eq!(pid, this);
    drop(listener);
    assert!(!witnesses[0].holds());
    // A child that another test has just begun to start may have it for a moment, too.
    while !matches!(
        Owner::new(this, port, None).look().unwrap(),
        Verdict::Nobody
    ) {}
}

use proptest::prelude::*;

use super::*;

const LIFETIME: Duration = Duration::from_secs(300);
const ALMOST: Duration = Duration::from_secs(299);

const SITE: SentWith = SentWith::to_site(1);

struct Scene {
    sessions: Sessions,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self::with_room_for(1000)
    }

    fn with_room_for(sessions: usize) -> Self {
        Self {
            sessions: Sessions::new(sessions, LIFETIME),
            now: Instant::now(),
        }
    }

    fn start(&self, session: u8) -> Tick {
        self.sessions.look_up(&id(session), &SITE, self.now).1
    }

    fn known(&self, session: u8) -> Option<String> {
        let (name, _) = self.sessions.look_up(&id(session), &SITE, self.now);
        name.map(|name| String::from_utf8(name.to_vec()).unwrap())
    }

    fn learn(&self, session: u8, name: &'static str, started: Tick) {
        self.sessions
            .learn(&id(session), &SITE, &Bytes::from(name), started, self.now);
    }

    /// One request with its answer, and nothing beside it.
    fn answered(&self, session: u8, name: &'static str) {
        self.learn(session, name, self.start(session));
    }
}

fn id(session: u8) -> SessionId {
    SessionId::of_number(session)
}

#[test]
fn what_was_said_last_is_known_of_this_session_and_no_other() {
    let scene = Scene::new();
    assert_eq!(scene.known(1), None);
    scene.answered(1, "member");
    assert_eq!(scene.known(1).as_deref(), Some("member"));
    scene.answered(1, "staff");
    assert_eq!(scene.known(1).as_deref(), Some("staff"));
    assert_eq!(scene.known(2), None);
}

#[test]
fn what_is_said_before_an_end_that_nobody_hears_of_is_not_believed() {
    let mut scene = Scene::new();
    scene.answered(1, "staff");
    scene.sessions.doubt(&id(1), scene.now);
    // The application has not come to it yet.
    scene.answered(1, "staff");
    assert_eq!(scene.known(1), None);
    let late = scene.start(1);
    scene.sessions.forget(&id(1), scene.now);
    let last_moment = Duration::from_millis(1);
    scene.now += DOUBT.saturating_sub(last_moment);
    scene.answered(1, "staff");
    assert_eq!(scene.known(1), None, "a word in between changes nothing");
    scene.now += last_moment;
    scene.learn(1, "staff", late);
    assert_eq!(scene.known(1), None, "it set out before");
    scene.answered(1, "member");
    assert_eq!(scene.known(1).as_deref(), Some("member"));
}

#[test]
fn what_was_said_for_one_site_is_forgotten_for_all() {
    const OTHER: SentWith = SentWith::to_site(2);
    let scene = Scene::new();
    let on = |site: &SentWith| scene.sessions.look_up(&id(1), site, scene.now);
    scene.answered(1, "staff");
    assert_eq!(on(&OTHER).0, None);
    assert_eq!(on(&SITE).0.as_deref(), Some(&b"staff"[..]));

    let (_, started) = on(&OTHER);
    let name = Bytes::from("staff");
    scene
        .sessions
        .learn(&id(1), &OTHER, &name, started, scene.now);
    assert_eq!(on(&SITE).0, None, "it was heard on the other one last");
    assert_eq!(on(&OTHER).0, Some(name));
    scene.sessions.forget(&id(1), scene.now);
    assert_eq!(on(&OTHER).0, None);
}

#[test]
fn what_was_said_expires_unless_it_is_said_again() {
    let mut scene = Scene::new();
    scene.answered(1, "member");
    scene.now += ALMOST;
    assert!(scene.known(1).is_some());
    scene.answered(1, "member");
    scene.now += ALMOST;
    assert!(scene.known(1).is_some());
    scene.now += Duration::from_secs(1);
    assert_eq!(scene.known(1), None);

    scene.answered(1, "staff");
    assert_eq!(scene.known(1).as_deref(), Some("staff"));
}

#[test]
fn an_answer_that_set_out_before_a_logout_teaches_nothing() {
    let scene = Scene::new();
    scene.answered(1, "member");
    let slow = scene.start(1);
    scene.sessions.forget(&id(1), scene.now);
    scene.learn(1, "member", slow);
    assert_eq!(scene.known(1), None);
}

#[test]
fn a_logout_is_kept_for_a_session_of_which_nothing_was_known() {
    let scene = Scene::new();
    let slow = scene.start(1);
    scene.sessions.forget(&id(1), scene.now);
    scene.learn(1, "member", slow);
    assert_eq!(scene.known(1), None);
}

#[test]
fn answers_that_overlap_and_differ_leave_nothing_known() {
    let scene = Scene::new();
    let (one, other) = (scene.start(1), scene.start(1));
    scene.learn(1, "staff", one);
    scene.learn(1, "member", other);
    assert_eq!(scene.known(1), None);

    // Also if the first of them said nothing new.
    scene.answered(1, "member");
    let (one, other) = (scene.start(1), scene.start(1));
    scene.learn(1, "member", one);
    scene.learn(1, "staff", other);
    assert_eq!(scene.known(1), None);

    scene.answered(1, "member");
    assert_eq!(scene.known(1).as_deref(), Some("member"));
}

#[test]
fn answers_that_overlap_and_agree_teach() {
    let scene = Scene::new();
    let (one, other) = (scene.start(1), scene.start(1));
    scene.learn(1, "staff", one);
    scene.learn(1, "staff", other);
    assert_eq!(scene.known(1).as_deref(), Some("staff"));
}

#[test]
fn a_name_is_forgotten_for_all_who_have_it_and_are_about_to() {
    let scene = Scene::new();
    for session in 1..=40 {
        scene.answered(session, if session % 2 == 0 { "staff" } else { "member" });
    }
    let on_its_way = scene.start(41);
    scene.sessions.forget_named(|name| name == b"staff");
    scene.learn(41, "staff", on_its_way);
    for session in 1..=41 {
        let expected = (session % 2 == 1 && session <= 40).then_some("member");
        assert_eq!(scene.known(session).as_deref(), expected, "{session}");
    }
}

#[test]
fn an_answer_from_before_a_name_was_forgotten_can_only_take_away() {
    let scene = Scene::new();
    let slow = scene.start(1);
    scene.sessions.forget_named(|_| true);
    scene.answered(1, "member");
    scene.learn(1, "staff", slow);
    assert_eq!(scene.known(1), None);
}

#[test]
fn there_are_never_more_than_there_is_room_for() {
    let scene = Scene::with_room_for(32);
    for session in 0..=255 {
        scene.answered(session, "member");
        // In use all the time.
        assert!(scene.known(0).is_some());
        assert!(scene.sessions.len() <= 32);
    }
    assert!(scene.sessions.len() >= 16);
}

#[test]
fn what_had_to_go_is_not_taught_by_answers_from_before() {
    let scene = Scene::with_room_for(1);
    let slow = scene.start(1);
    scene.sessions.forget(&id(1), scene.now);
    // The same shard.
    for session in [17, 33, 49] {
        scene.answered(session, "member");
    }
    scene.learn(1, "member", slow);
    assert_eq!(scene.known(1), None);
}

#[test]
fn a_word_that_comes_too_late_to_count_still_speaks_against_others() {
    let scene = Scene::with_room_for(1);
    let promotion = scene.start(1);
    // The same shard: whatever set out before teaches nothing.
    for session in [17, 33] {
        scene.answered(session, "member");
    }
    let page = scene.start(1);
    scene.learn(1, "staff", promotion);
    // Rendered before the promotion.
    scene.learn(1, "member", page);
    assert_eq!(scene.known(1), None);
}

/// What happens to one session, and how often others make it go.
#[derive(Clone, Debug)]
enum Event {
    /// A request sets out.
    Start,
    /// The application handles one of those under way.
    Handle(usize),
    /// One of those handled comes back.
    Answer(usize),
    /// The session's level changes, by one of the requests under way.
    Change(usize, usize),
    /// Another session needs the room.
    Crowd(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => Just(Event::Start),
        3 => any::<usize>().prop_map(Event::Handle),
        4 => any::<usize>().prop_map(Event::Answer),
        2 => (any::<usize>(), 0..3_usize).prop_map(|(which, level)| Event::Change(which, level)),
        1 => (0..4_u8).prop_map(Event::Crowd),
    ];
    prop::collection::vec(event, 1..60)
}

proptest! {
    /// A session's level changes only while the application handles one of its
    /// own requests, whose answer says the new level. As soon as that answer is
    /// there, no other level is ever known.
    #[test]
    fn nothing_is_known_that_the_session_has_lost(events in events()) {
        const LEVELS: [&str; 3] = ["", "member", "staff"];
        let scene = Scene::with_room_for(1);
        let mut level = 0;
        let mut under_way = Vec::new();
        // With what they will say, and whether they have changed it.
        let mut handled: Vec<(Tick, usize, bool)> = Vec::new();
        for event in events {
            match event {
                Event::Start => under_way.push(scene.start(1)),
                Event::Handle(which) if !under_way.is_empty() => {
                    let started = under_way.swap_remove(which % under_way.len());
                    handled.push((started, level, false));
                }
                Event::Change(which, to) if !under_way.is_empty() => {
                    let started = under_way.swap_remove(which % under_way.len());
                    level = to;
                    handled.push((started, level, true));
                }
                Event::Answer(which) if !handled.is_empty() => {
                    let (started, said, _) = handled.swap_remove(which % handled.len());
                    scene.learn(1, LEVELS[said], started);
                }
                Event::Crowd(other) => scene.answered(1 + 16 * (other + 1), "member"),
                _ => {}
            }
            let changes_on_their_way = handled.iter().any(|(_, _, changes)| *changes);
            if let Some(known) = scene.known(1) && !changes_on_their_way {
                prop_assert_eq!(known, LEVELS[level]);
            }
        }
    }
}

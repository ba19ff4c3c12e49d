//! What is there when somebody comes for the first time.

mod crowd;
mod texts;

use rusqlite::Connection;

use self::texts::{PEOPLE, TOPICS};
use crate::{
    Forum,
    level::Level,
    moment::Moment,
    password,
    room::Room,
    store::{NewPost, NewTopic, Person, StoreError},
};

/// The password of everybody who is there from the start. The demo's guide says it,
/// so nobody is to plant people in a forum of his own.
const PASSWORD: &str = "passenger";

/// Between two planted posts, in seconds.
const PAUSE: i64 = 47 * 60;

struct PlantedPerson {
    name: &'static str,
    level: Level,
}

struct PlantedTopic {
    room: Room,
    title: &'static str,
    posts: &'static [PlantedPost],
}

struct PlantedPost {
    author: &'static str,
    text: &'static str,
}

impl Forum {
    /// Plants people and topics, so that there is something to look at. Everybody's
    /// password is `passenger`; Marit is staff.
    ///
    /// Does nothing if anybody is there already.
    ///
    /// # Errors
    ///
    /// If the database does not take them.
    pub fn plant(&self) -> Result<(), StoreError> {
        let password = password::hash(PASSWORD)?;
        self.store.write_here(|connection| {
            if Person::count(connection)? > 0 {
                return Ok(());
            }
            let posts: usize = TOPICS.iter().map(|topic| topic.posts.len()).sum();
            let ago = PAUSE * i64::try_from(PEOPLE.len() + posts).unwrap_or_default();
            let mut times = times(Moment::now().later(-ago));
            for PlantedPerson { name, level } in PEOPLE {
                Person::add(connection, name, &password, *level, times())?;
            }
            TOPICS
                .iter()
                .try_for_each(|topic| topic.plant(connection, &mut times))
        })
    }
}

impl PlantedTopic {
    fn plant(
        &self,
        connection: &Connection,
        times: &mut impl FnMut() -> Moment,
    ) -> Result<(), StoreError> {
        let mut begun = None;
        for PlantedPost { author, text } in self.posts {
            let Some((author, _)) = Person::named(connection, author)? else {
                continue;
            };
            let post = NewPost {
                author: author.id,
                text: (*text).to_owned(),
            };
            if let Some(topic) = begun {
                post.reply(connection, topic, times())?;
            } else {
                let topic = NewTopic {
                    room: self.room,
                    title: self.title.to_owned(),
                };
                begun = Some(post.begin(connection, &topic, times())?.topic.id);
            }
        }
        Ok(())
    }
}

/// One moment after another.
fn times(mut now: Moment) -> impl FnMut() -> Moment {
    move || {
        now = now.later(PAUSE);
        now
    }
}

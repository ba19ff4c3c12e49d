use crate::{
    Forum,
    moment::Moment,
    room::Room,
    store::{NewPost, NewTopic, Person, StoreError},
};

/// How many posts each topic of a crowd has.
const POSTS: usize = 6;

/// Between two posts of a crowd, in seconds.
const PAUSE: i64 = 60;

const BIRDS: [&str; 8] = [
    "A peregrine",
    "A kestrel",
    "A hobby",
    "A merlin",
    "A lanner",
    "A saker",
    "A gyrfalcon",
    "An Eleonora’s falcon",
];

const PLACES: [&str; 7] = [
    "over the harbour",
    "on the water tower",
    "above the quarry",
    "in the old gasworks",
    "behind the station",
    "along the ridge",
    "at the power station",
];

const REMARKS: [&str; 5] = [
    "It came in low from the east, took one look at the pigeons, and went up again in wide \
     circles until I had to put the glasses down.",
    "I was there from six until nine, with tea. Two passes, no prey, a lot of noise from the \
     crows. The light was poor.",
    "Are you sure of the species? The moustache looked narrow to me, and the wings too long \
     for a female.\n\nI have been wrong before, of course.",
    "Ringed on the left leg, blue, two letters. I could read only the second one, an H. If \
     somebody has a telescope, Thursday would be a good day.",
    "The same bird as last week, I should think. It sits on the third ledge from the top and \
     pretends that it sees nobody.",
];

impl Forum {
    /// Adds this many open topics with six posts each, by the people who are there:
    /// a forum in which there is a lot to read, for measurements. If nobody is there to
    /// write, as before [`plant`](Self::plant), there are none.
    ///
    /// # Errors
    ///
    /// If the database does not take them.
    pub fn crowd(&self, topics: u32) -> Result<(), StoreError> {
        self.store.write_here(|connection| {
            let authors = Person::first(connection, 8)?;
            let mut authors = authors.iter().cycle();
            let mut birds = BIRDS.iter().cycle();
            let mut places = PLACES.iter().cycle();
            let mut remarks = REMARKS.iter().cycle();
            let mut now = Moment::now().later(-i64::from(topics) * PAUSE);
            for (bird, place) in (0..topics).map_while(|_| birds.next().zip(places.next())) {
                let topic = NewTopic {
                    room: Room::Open,
                    title: format!("{bird} {place}"),
                };
                now = now.later(PAUSE);
                let mut begun = None;
                for (author, text) in (0..POSTS).map_while(|_| authors.next().zip(remarks.next())) {
                    let (author, text) = (*author, (*text).to_owned());
                    let post = NewPost { author, text };
                    match begun {
                        Some(id) => drop(post.reply(connection, id, now)?),
                        None => begun = Some(post.begin(connection, &topic, now)?.topic.id),
                    }
                }
            }
            Ok(())
        })
    }
}

//! What is said in the forum.

/// A topic, with what was written about it.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) id: u32,
    pub(super) title: &'static str,
    pub(super) posts: &'static [Post],
}

/// What one member wrote.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) author: &'static str,
    pub(super) text: &'static str,
}

/// The topic of this id.
pub(super) fn topic(id: u32) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.id == id)
}

/// All topics, the latest first.
pub(super) const TOPICS: &[Topic] = &[
    Topic {
        id: 4,
        title: "Why do falcons dive instead of chasing?",
        posts: &[
            Post {
                author: "Ines",
                text: "I saw one fold its wings and drop from so high that I lost it. \
                       Would it not be easier to follow a pigeon from behind?",
            },
            Post {
                author: "Tomasz",
                text: "Height is speed that you have saved up. A pigeon flies level about as \
                       fast as a falcon does, but no pigeon outruns a stoop.",
            },
            Post {
                author: "Ines",
                text: "So the work is done long before, on the way up. That makes sense.",
            },
        ],
    },
    Topic {
        id: 3,
        title: "A nest on the cathedral, third year running",
        posts: &[
            Post {
                author: "Marit",
                text: "The pair is back on the north tower. Two eggs since Sunday; the verger \
                       has closed the stairs until June.",
            },
            Post {
                author: "Oluwaseun",
                text: "From the market square you can watch them change over at about seven \
                       in the morning. Bring something warm.",
            },
        ],
    },
    Topic {
        id: 2,
        title: "Which binoculars for a beginner?",
        posts: &[
            Post {
                author: "Bao",
                text: "I would like to see more than a dot, without carrying a suitcase.",
            },
            Post {
                author: "Marit",
                text: "8×32. More magnification shakes more, and you will leave a heavy pair \
                       at home, where you see nothing with it.",
            },
            Post {
                author: "Tomasz",
                text: "And borrow before you buy. Every club has a drawer full.",
            },
        ],
    },
    Topic {
        id: 1,
        title: "Welcome, passengers",
        posts: &[
            Post {
                author: "The house",
                text: "Peregrinus is Latin for one who travels through: a wanderer, a \
                       passenger. Sit down, look around, and say hello.",
            },
            Post {
                author: "Oluwaseun",
                text: "Hello! Is this page always so quick?",
            },
            Post {
                author: "The house",
                text: "The first visitor in each minute waits ten milliseconds for it. \
                       Everybody else gets it from memory.",
            },
        ],
    },
];

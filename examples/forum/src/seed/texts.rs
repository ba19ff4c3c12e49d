//! Who is there from the start, and what they have said.

use super::{PlantedPerson as Person, PlantedPost as Post, PlantedTopic as Topic};
use crate::{level::Level, room::Room};

pub(super) const PEOPLE: &[Person] = &[
    Person {
        name: "Marit",
        level: Level::Staff,
    },
    Person {
        name: "Ines",
        level: Level::Member,
    },
    Person {
        name: "Tomasz",
        level: Level::Member,
    },
    Person {
        name: "Oluwaseun",
        level: Level::Member,
    },
    Person {
        name: "Bao",
        level: Level::Member,
    },
];

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        room: Room::Open,
        title: "Welcome, passengers",
        posts: &[
            Post {
                author: "Marit",
                text: "Peregrinus is Latin for one who travels through: a wanderer, a \
                       passenger. Sit down, look around, and say hello.",
            },
            Post {
                author: "Oluwaseun",
                text: "Hello! Is this page always so quick?",
            },
            Post {
                author: "Marit",
                text: "The first reader after each new post waits until it is rendered. \
                       Everybody else gets it from memory.\n\nThe small print below each page \
                       says who rendered it, and when.",
            },
            Post {
                author: "Bao",
                text: "And if I log in?",
            },
            Post {
                author: "Marit",
                text: "Then you share the members’ pages with all the other members. Only \
                       your name is your own, and your browser asks for it once.",
            },
        ],
    },
    Topic {
        room: Room::Open,
        title: "Which binoculars for a beginner?",
        posts: &[
            Post {
                author: "Bao",
                text: "I would like to see more than a dot, without carrying a suitcase.",
            },
            Post {
                author: "Marit",
                text: "8×32. More magnification shakes more, and you will leave a heavy pair at \
                       home, where you see nothing with it.",
            },
            Post {
                author: "Tomasz",
                text: "And borrow before you buy. Every club has a drawer full.",
            },
        ],
    },
    Topic {
        room: Room::Members,
        title: "The quarry ledge is taken again",
        posts: &[
            Post {
                author: "Ines",
                text: "Third ledge from the top, where the ivy ends. Please tell nobody outside \
                       before the young have flown: last year someone came with a ladder.",
            },
            Post {
                author: "Tomasz",
                text: "I can watch on weekday mornings. Who takes the evenings?",
            },
            Post {
                author: "Oluwaseun",
                text: "I do. Twenty minutes’ walk, and I like the light.",
            },
        ],
    },
    Topic {
        room: Room::Open,
        title: "A nest on the cathedral, third year running",
        posts: &[
            Post {
                author: "Tomasz",
                text: "The pair is back on the north tower. Two eggs since Sunday; the verger \
                       has closed the stairs until June.",
            },
            Post {
                author: "Oluwaseun",
                text: "From the market square you can watch them change over at about seven in \
                       the morning. Bring something warm.",
            },
        ],
    },
    Topic {
        room: Room::Members,
        title: "Summer meeting: who brings what?",
        posts: &[
            Post {
                author: "Marit",
                text: "The hut is ours from Friday noon. I bring the telescope and the big pot.",
            },
            Post {
                author: "Bao",
                text: "Rice, and what goes into it.",
            },
        ],
    },
    Topic {
        room: Room::Open,
        title: "Why do falcons dive instead of chasing?",
        posts: &[
            Post {
                author: "Ines",
                text: "I saw one fold its wings and drop from so high that I lost it. Would it \
                       not be easier to follow a pigeon from behind?",
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
];

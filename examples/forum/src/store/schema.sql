-- What the forum keeps. Times are seconds since 1970.

CREATE TABLE people (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- Argon2, in the PHC string format.
    password TEXT NOT NULL,
    level    TEXT NOT NULL CHECK (level IN ('member', 'staff')),
    joined   INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    -- SHA-256 of what the browser has: who reads this table can use none.
    token   BLOB PRIMARY KEY,
    person  INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE topics (
    -- Never one that was used before: its page may still be stored somewhere.
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    room   TEXT NOT NULL CHECK (room IN ('open', 'members')),
    title  TEXT NOT NULL,
    -- How many there are, and which one is the last: lists are in this order.
    posts  INTEGER NOT NULL DEFAULT 0,
    latest INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX topics_by_latest ON topics (room, latest);

CREATE TABLE posts (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    topic   INTEGER NOT NULL REFERENCES topics ON DELETE CASCADE,
    author  INTEGER NOT NULL REFERENCES people,
    text    TEXT NOT NULL,
    written INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT;

CREATE INDEX posts_by_topic ON posts (topic, id);
CREATE INDEX posts_by_author ON posts (author, written);

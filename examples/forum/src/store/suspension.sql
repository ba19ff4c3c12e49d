-- Who is suspended can neither write nor read as a member, but what he wrote stays.

ALTER TABLE people ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1));

use std::{
    hash::{BuildHasher, RandomState},
    thread,
    time::Duration,
};

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::{
    runtime::Builder,
    task::{JoinSet, yield_now},
    time,
};

use super::{
    connection::Connection,
    judge::Judge,
    scene::{Level, Scene},
};
use crate::{BoxError, Result, cores::CoreList};

/// How many of a hundred views are of somebody who has logged in.
const MEMBERS: u64 = 5;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowd {
    /// Visitors alone.
    Visitors,
    /// Some members among them, and one who writes.
    All,
}

/// What the readers have got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) visitors: Views,
    pub(super) members: Views,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Views {
    pub(super) count: u32,
    /// Without the application.
    pub(super) from_memory: u32,
    /// On the wire, heads and all.
    pub(super) bytes: u64,
}

impl Crowd {
    pub(super) const ALL: [Self; 2] = [Self::Visitors, Self::All];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Visitors => "visitors alone",
            Self::All => "members among them",
        }
    }
}

impl Tally {
    pub(super) const fn views(&self) -> u32 {
        self.visitors.count + self.members.count
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.visitors.add(other.visitors);
        self.members.add(other.members);
    }
}

impl Views {
    const fn add(&mut self, other: Self) {
        self.count += other.count;
        self.from_memory += other.from_memory;
        self.bytes += other.bytes;
    }
}

/// Lets the crowd read for so long, over `connections` that ask as soon as they
/// are answered, in a thread for each of `cores`.
///
/// An error if a single answer was not the page, or was of another level than
/// who asked.
pub(super) async fn read(
    scene: &Scene,
    crowd: Crowd,
    connections: u32,
    lasting: Duration,
    cores: &CoreList,
) -> Result<Tally> {
    let threads: Vec<_> = (0_u32..)
        .zip(cores.iter())
        .map(|(number, core)| {
            let scene = scene.clone();
            let of = u32::try_from(cores.len()).unwrap_or(1);
            let mine = (number..connections).step_by(of as usize).count();
            let writes = number == 0 && crowd == Crowd::All;
            thread::spawn(move || {
                stay_on(core)?;
                Builder::new_current_thread()
                    .enable_all()
                    .build()?
                    .block_on(read_here(&scene, crowd, mine, writes, lasting))
            })
        })
        .collect();
    tokio::task::spawn_blocking(move || {
        let mut sum = Tally::default();
        for thread in threads {
            sum.add(thread.join().map_err(|_| "a reader has panicked")??);
        }
        Ok(sum)
    })
    .await?
}

fn stay_on(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Keeps the thread from falling asleep. To wake it, where readers and servers are on
/// one machine, is work of whoever answers: a tenth of what a page costs the fastest
/// of them, which is nothing that readers elsewhere would have him do.
async fn stay_awake() {
    loop {
        yield_now().await;
    }
}

async fn read_here(
    scene: &Scene,
    crowd: Crowd,
    connections: usize,
    writes: bool,
    lasting: Duration,
) -> Result<Tally> {
    // Ends with the runtime.
    tokio::spawn(stay_awake());
    let end = time::Instant::now() + lasting;
    let mut readers = JoinSet::new();
    for _ in 0..connections {
        let mut reader = Reader {
            connection: Connection::open(scene.address).await?,
            scene: scene.clone(),
            random: Random::new(),
            cookies: String::new(),
            judge: Judge::default(),
            tally: Tally::default(),
        };
        readers.spawn(async move {
            while time::Instant::now() < end {
                reader.view(crowd).await?;
            }
            Ok::<_, BoxError>(reader.tally)
        });
    }
    if writes {
        // In the midst of the round.
        time::sleep(lasting / 3).await;
        write(scene).await?;
    }
    let mut sum = Tally::default();
    while let Some(tally) = readers.join_next().await {
        sum.add(tally??);
    }
    Ok(sum)
}

/// A post that changes pages that are read.
async fn write(scene: &Scene) -> Result<()> {
    let topic = scene.pages.last().ok_or("no topic")?;
    let author = scene.sessions.first().ok_or("nobody has logged in")?;
    let mut connection = Connection::open(scene.address).await?;
    let path = format!("{}/posts", topic.path);
    let answer = connection
        .post(&path, &author.cookie, "text=I+agree.")
        .await?;
    match answer.status() {
        b"303" => Ok(()),
        status => Err(format!("a post: {}", String::from_utf8_lossy(status)).into()),
    }
}

struct Reader {
    connection: Connection,
    scene: Scene,
    random: Random,
    cookies: String,
    judge: Judge,
    tally: Tally,
}

impl Reader {
    async fn view(&mut self, crowd: Crowd) -> Result<()> {
        let Scene {
            contender,
            pages,
            sessions,
            ..
        } = &self.scene;
        let number = self.random.below(pages.len()).ok_or("nothing to read")?;
        let page = &pages[number];
        let is_member = crowd == Crowd::All && self.random.next() % 100 < MEMBERS;
        // As analytics have it: another one for everybody, and often for every
        // visit.
        self.cookies.clear();
        self.cookies.push_str("_ga=GA1.1.");
        self.cookies.push_str(&self.random.next().to_string());
        let mut level = Level::Visitor;
        if is_member {
            let session = self.random.below(sessions.len());
            let session = &sessions[session.ok_or("nobody has logged in")?];
            self.cookies.push_str("; ");
            self.cookies.push_str(&session.cookie);
            level = session.level;
        }
        let answer = self.connection.get(&page.path, &self.cookies).await?;
        self.judge.judge(number, page, level, answer)?;
        let views = if is_member {
            &mut self.tally.members
        } else {
            &mut self.tally.visitors
        };
        views.count += 1;
        views.bytes += answer.size() as u64;
        views.from_memory += u32::from(contender.is_from_memory(answer));
        Ok(())
    }
}

/// Marsaglia's xorshift: enough to choose pages by.
struct Random(u64);

impl Random {
    /// Another one for each reader, and each time.
    fn new() -> Self {
        let seed = RandomState::new().hash_one(());
        Self(seed | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// One of so many, if there are any.
    fn below(&mut self, count: usize) -> Option<usize> {
        let count = u64::try_from(count).ok()?;
        usize::try_from(self.next().checked_rem(count)?).ok()
    }
}

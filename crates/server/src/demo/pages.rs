//! The pages, as HTML. None of them runs a script, loads anything, or shows
//! what a visitor wrote other than escaped.

use std::{
    fmt::{self, Display},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    escape::Escaped,
    forum::{TOPICS, Topic},
};

const STYLE: &str = include_str!("style.css");

/// Who renders a page, and when. On a page from memory both stay what they
/// were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rendering {
    pub(super) pid: u32,
    pub(super) at: SystemTime,
}

impl Display for Rendering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        write!(
            f,
            "Rendered by process {} at {:02}:{:02}:{:02}.{:03} UTC",
            self.pid,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            since.subsec_millis()
        )
    }
}

/// The frame around every page; `content` is HTML, `title` is text.
fn page(title: &str, content: impl Display, rendering: Rendering) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Peregrine's forum</title>
<style>
{STYLE}</style>
</head>
<body>
<header>
<strong>Peregrine's forum</strong>
<nav><a href="/">Topics</a> <a href="/members">Members</a> <a href="/live">Live</a></nav>
</header>
<main>
<h1>{title}</h1>
{content}
</main>
<footer>{rendering}.</footer>
</body>
</html>
"#,
        title = Escaped(title)
    )
}

pub(super) fn topics(fresh: Duration, rendering: Rendering) -> String {
    let items: Vec<_> = TOPICS
        .iter()
        .map(|topic| {
            format!(
                "<li><a href=\"/topics/{}\">{}</a> <small>{} posts</small></li>\n",
                topic.id,
                Escaped(topic.title),
                topic.posts.len()
            )
        })
        .collect();
    let content = format!(
        "<ul class=\"topics\">\n{}</ul>\n\
         <p class=\"note\">This list is the same for everybody and fresh for {} seconds: reload, \
         and see below whether it came from memory.</p>",
        items.concat(),
        fresh.as_secs()
    );
    page("Topics", content, rendering)
}

pub(super) fn topic(topic: &Topic, fresh: Duration, rendering: Rendering) -> String {
    let posts: Vec<_> = topic
        .posts
        .iter()
        .map(|post| {
            format!(
                "<article><p>{}</p><p><small>{}</small></p></article>\n",
                Escaped(post.text),
                Escaped(post.author)
            )
        })
        .collect();
    let content = format!(
        "{}<p class=\"note\">This page took a process ten milliseconds, and is fresh for {} \
         seconds.</p>",
        posts.concat(),
        fresh.as_secs()
    );
    page(topic.title, content, rendering)
}

pub(super) fn login(problem: Option<&str>, rendering: Rendering) -> String {
    let problem = problem.map_or_else(String::new, |problem| {
        format!("<p role=\"alert\">{}</p>\n", Escaped(problem))
    });
    let content = format!(
        "{problem}<form method=\"post\" action=\"/login\">\n\
         <label>Your name <input name=\"name\" required maxlength=\"40\" autocomplete=\"nickname\" \
         autofocus></label>\n\
         <button>Log in</button>\n\
         </form>\n\
         <p class=\"note\">There is no password: this is a demonstration, and any name will do.</p>"
    );
    page("Log in", content, rendering)
}

pub(super) fn members(name: &str, rendering: Rendering) -> String {
    let content = format!(
        "<p>Good to see you, <strong>{}</strong>.</p>\n\
         <p>This page is yours alone. It says <code>private, no-store</code>, so every visit is \
         rendered anew, whoever was here before you.</p>\n\
         <form method=\"post\" action=\"/logout\"><button>Log out</button></form>",
        Escaped(name)
    );
    page("Members", content, rendering)
}

pub(super) fn not_found(rendering: Rendering) -> String {
    page(
        "Nothing here",
        "<p>There is no page of this name. <a href=\"/\">All topics</a></p>",
        rendering,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENDERING: Rendering = Rendering {
        pid: 42,
        at: UNIX_EPOCH,
    };

    #[test]
    fn a_page_says_who_rendered_it_and_when() {
        let at = UNIX_EPOCH + Duration::from_millis(86_400_000 + 3_723_004);
        let page = topics(Duration::from_secs(5), Rendering { at, ..RENDERING });
        assert!(page.contains("Rendered by process 42 at 01:02:03.004 UTC"));
    }

    #[test]
    fn what_a_visitor_wrote_stays_text() {
        let hostile = "<script>alert('x')</script>";
        for page in [members(hostile, RENDERING), login(Some(hostile), RENDERING)] {
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
        }
    }

    #[test]
    fn every_topic_is_listed() {
        let page = topics(Duration::from_secs(5), RENDERING);
        for topic in TOPICS {
            let link = format!("<a href=\"/topics/{}\">", topic.id);
            assert!(page.contains(&link), "{link}");
        }
    }
}

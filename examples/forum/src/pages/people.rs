use http::StatusCode;
use maud::{Markup, html};

use super::{Place, form::time, pager::pager};
use crate::{
    caching::{Group, Keep},
    level::Level,
    store::{PeoplePage, Person},
    visit::Page,
};

/// Where they are listed.
const PATH: &str = "/people";

/// Who has registered, for staff.
pub(crate) fn people(page: &PeoplePage) -> Page {
    let content = html! {
        h1 { "People" }
        p.lead { "Who is suspended can log in no more, and is logged out at once." }
        table.people {
            thead {
                tr {
                    th scope="col" { "Name" }
                    th scope="col" { "Since" }
                    td {}
                }
            }
            tbody { @for person in &page.people { (row(person)) } }
        }
        (pager(PATH, page.paging))
    };
    Page {
        status: StatusCode::OK,
        title: "People".to_owned(),
        place: Place::People,
        content,
        keep: Keep::ForLevel(vec![Group::People]),
    }
}

fn row(person: &Person) -> Markup {
    let (action, text) = if person.suspended {
        ("restore", "Restore")
    } else {
        ("suspend", "Suspend")
    };
    html! {
        tr {
            th scope="row" { (person.name) }
            td { (time(person.joined)) }
            td {
                @if person.level == Level::Staff {
                    span.badge { "staff" }
                } @else {
                    form method="post" action={ (PATH) "/" (person.id) "/" (action) } data-here {
                        button.quiet aria-label={ (text) " " (person.name) } { (text) }
                    }
                }
            }
        }
    }
}

//! Pages as HTML. Whatever people wrote stands in them as text: the templates
//! escape all that is not markup of their own.

mod account;
mod avatar;
mod form;
mod frame;
mod listing;
mod login;
mod not_found;
mod pager;
mod people;
mod reading;
mod writing;

pub(crate) use self::{
    account::account,
    frame::{Place, around, inside},
    listing::listing,
    login::{Purpose, login},
    not_found::not_found,
    people::people,
    reading::{Draft, reading},
    writing::writing,
};

//! The whole server, from the outside: real application processes, real
//! sockets, real signals. One file for each thing that it promises.

mod access_log;
mod applications;
mod bad_requests;
mod command_line;
mod conformance;
mod cookie_attacks;
mod cookie_indices;
mod cookie_modes;
mod crowds;
mod demo;
mod failing_starts;
mod files;
mod forum;
mod forum_browser;
mod forum_people;
mod forwarded;
mod members;
mod misbehaving_apps;
mod operators;
mod orphans;
mod out_of_band;
mod out_of_band_helpers;
mod poisoning;
mod privacy;
mod restarts;
mod sites;
mod slow_clients;
mod stampede;
mod status;
mod stopping;
mod streaming;
mod unruly;
mod upgrades;
mod upstream;
mod users;
